"""Circuits with values for their parameters, bound in the worker.

Aer binds parameters itself, which spares a circuit for each point: 1,000 points of
a circuit with 10 qubits and 40 parameters take a third of the time. For every
other backend the circuits are bound here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt
from qiskit.circuit import Delay, Parameter, ParameterExpression, QuantumCircuit

from longwire.codecs.failure import MisfitError
from longwire.codecs.parameter_values import read_parameter_values
from longwire.errors import InvalidProgramError
from longwire.v1.program_pb2 import ParameterValues
from longwire_server.backends.fit import operation_sites

# Operations that show their parameters, or have none: a circuit of these alone needs
# no look at each, which takes long for the small circuits of a variational method.
_SHOWING: Final = frozenset(
    {"barrier", "measure", "reset", "save_expval"}
    | {"cx", "cy", "cz", "ecr", "iswap", "rxx", "ryy", "rzx", "rzz", "swap"}
    | {"h", "id", "p", "r", "rx", "ry", "rz", "s", "sdg", "sx", "sxdg", "t", "tdg"}
    | {"u", "u1", "u2", "u3", "x", "y", "z"}
)


@dataclass(frozen=True)
class Sweep:
    """A circuit, and the points at which it is run.

    Attributes:
        circuit: the circuit.
        values: values of its parameters, in the order of ``circuit.parameters``, of
            shape ``(points, parameters)``. A circuit without parameters has one
            point, or several alike where the transpiler removed its parameters.
    """

    circuit: QuantumCircuit
    values: npt.NDArray[np.float64]

    @property
    def num_points(self) -> int:
        """Number of runs, and so of results."""
        return len(self.values)

    @property
    def is_bound(self) -> bool:
        """Whether the circuit has no parameters."""
        return len(self.values[0]) == 0

    def part(self, start: int, stop: int) -> Sweep:
        """The same circuit at some of its points."""
        return Sweep(self.circuit, self.values[start:stop])

    def bound(self) -> Iterator[QuantumCircuit]:
        """Yields the circuit at each point, under its own name.

        Raises:
            InvalidProgramError: Qiskit cannot put a value in; the message names the
                circuit and the point.
        """
        if self.is_bound:
            yield from repeat(self.circuit, self.num_points)
            return
        has_delays = any(name == "delay" for name, _ in operation_sites(self.circuit))
        for index, point in enumerate(self.values.tolist()):
            try:
                bound = self.circuit.assign_parameters(point)
                if has_delays:
                    # Qiskit checks a duration when the instruction is looked at.
                    deque(operation_sites(bound), maxlen=0)
            except MemoryError:
                raise
            except Exception as error:  # whatever the circuit's parts raise
                raise InvalidProgramError(
                    f"circuit {self.circuit.name!r}: its parameters cannot be given the values of "
                    f"point {index}: {getattr(error, 'message', error)}"
                ) from error
            bound.name = self.circuit.name
            yield bound


def sweeps_of(
    circuits: Sequence[QuantumCircuit],
    parameter_values: Sequence[ParameterValues],
    *,
    transpiled: bool = False,
) -> list[Sweep]:
    """The circuits with their values.

    Args:
        circuits: the circuits of one job.
        parameter_values: their values as they were sent: one message a circuit, or
            none where no circuit has parameters.
        transpiled: whether the circuits were transpiled after the values were given.
            Values of parameters that they lost are left out.

    Raises:
        InvalidProgramError: a parameter has no value, the circuit has no such
            parameter, or the values are no real numbers of the right shape. The
            message names the circuit and the parameter.
    """
    if not parameter_values:
        for circuit in circuits:
            if circuit.parameters:
                raise _without_values(circuit, [each.name for each in circuit.parameters])
        return [Sweep(circuit, np.empty((1, 0))) for circuit in circuits]
    if len(parameter_values) != len(circuits):
        raise InvalidProgramError(
            f"values for the parameters of {len(parameter_values)} circuits came with "
            f"{len(circuits)} circuits; send one array for each"
        )
    return [
        _sweep(circuit, message, transpiled)
        for circuit, message in zip(circuits, parameter_values, strict=True)
    ]


def binds_natively(sweeps: Sequence[Sweep]) -> bool:
    """Whether Aer puts the values into all that depends on them.

    It does not (observed with qiskit-aer 0.18.2 and Qiskit 2.6.2) where a controlled
    gate has a parameter, whose `is_parameterized` is False: Aer then runs one point
    alone, with another angle. It gives each point the global phase of the point
    before. And a delay must be known before the noise of waiting is added.
    """
    return all(
        sweep.num_points == 1 if sweep.is_bound else _shows_parameters(sweep.circuit)
        for sweep in sweeps
    )


def native_binds(sweeps: Sequence[Sweep]) -> list[dict[Parameter, list[float]]]:
    """The argument ``parameter_binds`` of Aer's ``run`` for sweeps."""
    return [
        dict(zip(sweep.circuit.parameters, sweep.values.T.tolist(), strict=True))
        for sweep in sweeps
    ]


def _sweep(circuit: QuantumCircuit, message: ParameterValues, transpiled: bool) -> Sweep:
    try:
        names, values = read_parameter_values(message)
    except MisfitError as misfit:
        raise InvalidProgramError(f"circuit {circuit.name!r}: {misfit}") from misfit
    own = [parameter.name for parameter in circuit.parameters]
    missing = [name for name in own if name not in names]
    if missing:
        raise _without_values(circuit, missing)
    # A transpiler removes gates without effect, and their parameters with them.
    unknown = [] if transpiled else [name for name in names if name not in own]
    if unknown:
        raise InvalidProgramError(
            f"circuit {circuit.name!r} has no parameter {unknown[0]!r}; its parameters: "
            f"{', '.join(own) or 'none'}"
        )
    # Without parameters, points would be runs that no byte of the array pays for.
    if values.ndim != 2 or len(values) == 0 or (not names and len(values) > 1):
        raise InvalidProgramError(
            f"circuit {circuit.name!r}: values of shape {values.shape} are given for its "
            f"{len(names)} parameters; the shape must be (points, parameters), with at least one "
            "point, and only one where there are no parameters"
        )
    return Sweep(circuit, values[:, [names.index(name) for name in own]])


def _without_values(circuit: QuantumCircuit, names: Sequence[str]) -> InvalidProgramError:
    return InvalidProgramError(
        f"circuit {circuit.name!r} has parameters without values ({', '.join(sorted(names))}); "
        "put them into its text, or give them: in Python with assign_parameters before it is sent "
        "or with the option parameter_binds, in other languages as RunOptions.parameter_values"
    )


def _shows_parameters(circuit: QuantumCircuit) -> bool:
    if isinstance(circuit.global_phase, ParameterExpression):
        return False
    if _SHOWING.issuperset(circuit.count_ops()):
        return True
    for item in circuit.data:
        if not item.is_parameterized():
            continue
        operation = item.operation
        blocks = getattr(operation, "blocks", ())
        if blocks:
            if not all(map(_shows_parameters, blocks)):
                return False
        elif isinstance(operation, Delay) or not operation.is_parameterized():
            return False
    return True
