"""The pubs of samplers and estimators as messages: circuits by number, values as arrays.

Circuits travel in the job's program, each once however many pubs share it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from longwire.codecs.failure import MisfitError
from longwire.codecs.observables import fill_observables, read_observables
from longwire.codecs.parameter_values import fill_parameter_values, read_parameter_values
from longwire.codecs.primitive_options import (
    checked_precision,
    checked_shots,
    estimator_options_to_proto,
    sampler_options_to_proto,
)
from longwire.v1 import primitive_pb2

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.primitives.containers.bindings_array import BindingsArray
    from qiskit.primitives.containers.estimator_pub import EstimatorPub
    from qiskit.primitives.containers.sampler_pub import SamplerPub

    from longwire.errors import InvalidProgramError

__all__ = [
    "estimator_spec_from_proto",
    "estimator_spec_to_proto",
    "pub_place",
    "sampler_spec_from_proto",
    "sampler_spec_to_proto",
]


def sampler_spec_to_proto(
    pubs: Sequence[SamplerPub],
    *,
    default_shots: int | None = None,
    seed_simulator: int | None = None,
    run_options: Mapping[str, object] | None = None,
) -> tuple[list[QuantumCircuit], primitive_pb2.SamplerSpec]:
    """The circuits and the message for what a sampler runs.

    Args:
        pubs: as ``SamplerPub.coerce`` gives them.
        default_shots: shots of pubs that state none; None leaves them to the backend.
        seed_simulator: seed of the simulator's random numbers.
        run_options: options of the backend.

    Raises:
        InvalidProgramError: there is no pub, or one cannot be sent.
        InvalidOptionError: an option, or the shots of a pub, are out of range.
    """
    options = sampler_options_to_proto(
        default_shots=default_shots, seed_simulator=seed_simulator, run_options=run_options
    )
    message = primitive_pb2.SamplerSpec(options=options)
    circuits = _CircuitList()
    for index, pub in enumerate(pubs):
        with _at(index, pub.circuit) as place:
            entry = message.pubs.add(circuit_index=circuits.index_of(pub.circuit))
            _fill_bindings(entry, pub.circuit, pub.parameter_values)
            if pub.shots is not None:
                entry.shots = checked_shots(f"{place}: shots", pub.shots)
    return circuits.checked(), message


def sampler_spec_from_proto(
    message: primitive_pb2.SamplerSpec,
    circuits: Sequence[QuantumCircuit],
    transpiled: Container[int] = (),
) -> list[SamplerPub]:
    """The pubs of a message.

    Args:
        message: what arrived.
        circuits: the program's circuits.
        transpiled: numbers of the circuits that were transpiled after the pubs
            were written. Values of parameters that they lost are left out.

    Raises:
        InvalidProgramError: there is no pub, or one contradicts itself or its circuit.
        InvalidOptionError: the shots of a pub are out of range.
    """
    from qiskit.primitives.containers.sampler_pub import SamplerPub

    pubs = []
    for index, entry in enumerate(message.pubs):
        circuit = _circuit_of(index, entry.circuit_index, circuits)
        with _at(index, circuit) as place:
            values = _read_bindings(entry, circuit, entry.circuit_index in transpiled)
            shots = None
            if entry.HasField("shots"):
                shots = checked_shots(f"{place}: shots", entry.shots)
        pubs.append(SamplerPub(circuit, values, shots, validate=False))
    return _some(pubs)


def estimator_spec_to_proto(
    pubs: Sequence[EstimatorPub],
    *,
    default_precision: float | None = None,
    abelian_grouping: bool | None = None,
    seed_simulator: int | None = None,
    run_options: Mapping[str, object] | None = None,
) -> tuple[list[QuantumCircuit], primitive_pb2.EstimatorSpec]:
    """The circuits and the message for what an estimator runs.

    Args:
        pubs: as ``EstimatorPub.coerce`` gives them.
        default_precision: precision of pubs that state none; None leaves it to the backend.
        abelian_grouping: whether commuting observables are measured together.
        seed_simulator: seed of the simulator's random numbers.
        run_options: options of the backend.

    Raises:
        InvalidProgramError: there is no pub, or one cannot be sent.
        InvalidOptionError: an option, or the precision of a pub, is out of range.
    """
    options = estimator_options_to_proto(
        default_precision=default_precision,
        abelian_grouping=abelian_grouping,
        seed_simulator=seed_simulator,
        run_options=run_options,
    )
    message = primitive_pb2.EstimatorSpec(options=options)
    circuits = _CircuitList()
    for index, pub in enumerate(pubs):
        with _at(index, pub.circuit) as place:
            entry = message.pubs.add(circuit_index=circuits.index_of(pub.circuit))
            _fill_bindings(entry, pub.circuit, pub.parameter_values)
            try:
                fill_observables(entry.observables, pub.observables)
            except MisfitError as misfit:
                raise misfit.inside("observables") from misfit.__cause__
            if pub.precision is not None:
                entry.precision = checked_precision(f"{place}: precision", pub.precision)
    return circuits.checked(), message


def estimator_spec_from_proto(
    message: primitive_pb2.EstimatorSpec,
    circuits: Sequence[QuantumCircuit],
    transpiled: Container[int] = (),
) -> list[EstimatorPub]:
    """The pubs of a message.

    Args:
        message: what arrived.
        circuits: the program's circuits.
        transpiled: numbers of the circuits that were transpiled after the pubs
            were written. Their layouts are applied to the observables, and values
            of parameters that they lost are left out.

    Raises:
        InvalidProgramError: there is no pub, or one contradicts itself or its circuit.
        InvalidOptionError: the precision of a pub is out of range.
    """
    from qiskit.primitives.containers.estimator_pub import EstimatorPub

    pubs = []
    for index, entry in enumerate(message.pubs):
        circuit = _circuit_of(index, entry.circuit_index, circuits)
        was_transpiled = entry.circuit_index in transpiled
        layout = circuit.layout if was_transpiled else None
        with _at(index, circuit) as place:
            values = _read_bindings(entry, circuit, was_transpiled)
            num_qubits = circuit.num_qubits
            if layout is not None:
                num_qubits = len(layout.initial_index_layout(filter_ancillas=True))
            try:
                observables = read_observables(entry.observables, num_qubits)
            except MisfitError as misfit:
                raise misfit.inside("observables") from misfit.__cause__
            if layout is not None:
                observables = observables.apply_layout(layout)
            precision = None
            if entry.HasField("precision"):
                precision = checked_precision(f"{place}: precision", entry.precision)
            try:
                pubs.append(EstimatorPub(circuit, observables, values, precision, validate=False))
            except ValueError as error:  # shapes that do not broadcast
                raise MisfitError(str(error)) from error
    return _some(pubs)


def pub_place(index: int, circuit: QuantumCircuit) -> str:
    """How messages name a pub: ``pub 3 (circuit 'ansatz')``."""
    return f"pub {index} (circuit {circuit.name!r})"


class _CircuitList:
    """Circuits in order, each object once."""

    def __init__(self) -> None:
        self._circuits: list[QuantumCircuit] = []
        self._indices: dict[int, int] = {}

    def index_of(self, circuit: QuantumCircuit) -> int:
        """The circuit's number, new or known."""
        index = self._indices.setdefault(id(circuit), len(self._circuits))
        if index == len(self._circuits):
            self._circuits.append(circuit)
        return index

    def checked(self) -> list[QuantumCircuit]:
        """The circuits, of which there must be one."""
        return _some(self._circuits)


@contextmanager
def _at(index: int, circuit: QuantumCircuit) -> Iterator[str]:
    """Names the pub in what does not fit."""
    place = pub_place(index, circuit)
    try:
        yield place
    except MisfitError as misfit:
        raise _invalid(f"{place}: {misfit}") from misfit


def _fill_bindings(
    message: primitive_pb2.SamplerPub | primitive_pb2.EstimatorPub,
    circuit: QuantumCircuit,
    values: BindingsArray,
) -> None:
    names = [name for group in values.data for name in group]
    _check_names(names, circuit)
    if names or values.shape:
        fill_parameter_values(message.parameter_values, names, values.as_array())


def _read_bindings(
    message: primitive_pb2.SamplerPub | primitive_pb2.EstimatorPub,
    circuit: QuantumCircuit,
    was_transpiled: bool,
) -> BindingsArray:
    from qiskit.primitives.containers.bindings_array import BindingsArray

    names: list[str] = []
    array: Any = None
    if message.HasField("parameter_values"):
        names, array = read_parameter_values(message.parameter_values)
    if was_transpiled and names:
        # A transpiler removes gates without effect, and their parameters with them.
        left = {parameter.name for parameter in circuit.parameters}
        kept = [place for place, name in enumerate(names) if name in left]
        names, array = [names[place] for place in kept], array[..., kept]
    _check_names(names, circuit)
    shape = () if array is None else array.shape[:-1]
    return BindingsArray({tuple(names): array} if names else {}, shape=shape)


def _check_names(names: Sequence[str], circuit: QuantumCircuit) -> None:
    wanted = {parameter.name for parameter in circuit.parameters}
    given = set(names)
    if missing := sorted(wanted - given):
        raise MisfitError(f"it has no values for the parameters {_joined(missing)}")
    if surplus := sorted(given - wanted):
        raise MisfitError(f"it has values for {_joined(surplus)}, which the circuit does not have")


def _joined(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _circuit_of(
    index: int, circuit_index: int, circuits: Sequence[QuantumCircuit]
) -> QuantumCircuit:
    if circuit_index >= len(circuits):
        raise _invalid(
            f"pub {index}: its circuit is number {circuit_index} of {len(circuits)} circuits"
        )
    return circuits[circuit_index]


def _some(items: list[Any]) -> list[Any]:
    if not items:
        raise _invalid("there is nothing to run: give at least one pub")
    return items


def _invalid(message: str) -> InvalidProgramError:
    from longwire.errors import InvalidProgramError

    return InvalidProgramError(message, reason="PROGRAM_INVALID")
