"""The circuits of which Aer's errors are made, as one table for a whole noise model.

A device of 127 qubits has fourteen thousand of them, which are a few hundred different
ones: each is written, and built, once.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from longwire.codecs.failure import MisfitError
from longwire.codecs.noise_bounds import (
    MAX_ERROR_QUBITS,
    check_finite,
    check_message,
    check_operation,
)
from longwire.codecs.operation import fill_operation, read_operation
from longwire.codecs.program_caps import MAX_BITS
from longwire.v1 import noise_model_pb2

__all__ = ["CircuitReader", "CircuitWriter"]

_Key = tuple[Any, ...]
# A quantum error as an operation, whose class keeps the error where no codec sees it.
_CHANNEL_NAME = "quantum_channel"


class CircuitWriter:
    """Writes circuits and their operations into a noise model, each once.

    Args:
        message: the noise model's message; its circuits are there after
            :meth:`finish`.
    """

    def __init__(self, message: noise_model_pb2.NoiseModel) -> None:
        self._message = message
        self._operations: dict[_Key, int] = {}
        self._circuits: dict[_Key, int] = {}

    def place_of(self, circuit: QuantumCircuit) -> int:
        """The circuit's place in the table.

        Raises:
            MisfitError: one of its operations cannot be sent.
        """
        index = {qubit: place for place, qubit in enumerate(circuit.qubits)}
        items = tuple(
            (self._place_of_operation(item.operation), *[index[qubit] for qubit in item.qubits])
            for item in circuit.data
        )
        key = (circuit.num_qubits, float(circuit.global_phase), items)
        return self._circuits.setdefault(key, len(self._circuits))

    def finish(self) -> None:
        """Writes the table."""
        if not self._circuits:
            return
        table = self._message.circuits
        for num_qubits, _, items in self._circuits:
            table.num_qubits.append(num_qubits)
            table.num_operations.append(len(items))
            for operation, *qubits in items:
                table.operations.append(operation)
                table.qubits.extend(qubits)
        phases = [phase for _, phase, _ in self._circuits]
        if any(phases):
            table.global_phases.extend(phases)

    def _place_of_operation(self, operation: Any) -> int:
        key = (
            getattr(operation, "base_class", type(operation)),
            operation.name,
            operation.num_qubits,
            operation.label,
            *map(_parameter_key, operation.params),
        )
        place = self._operations.get(key)
        if place is None:
            place = self._operations[key] = len(self._operations)
            is_whole = fill_operation(self._message.operations.add(), operation)
            if not is_whole or operation.name == _CHANNEL_NAME:
                raise MisfitError(
                    f"the operation {operation.name} cannot be sent: use Kraus, UnitaryGate, "
                    "PauliGate, Reset or the gates of qiskit.circuit.library"
                )
        return place


class CircuitReader:
    """Builds circuits of a noise model when they are first asked for.

    Args:
        message: the noise model's message.

    Raises:
        MisfitError: the table contradicts itself, or an operation cannot be read.
    """

    def __init__(self, message: noise_model_pb2.NoiseModel) -> None:
        table = message.circuits
        self._num_qubits = list(table.num_qubits)
        self._num_operations = list(table.num_operations)
        self._numbers = list(table.operations)
        self._qubits = list(table.qubits)
        self._phases = list(table.global_phases) or [0.0] * len(self._num_qubits)
        self._operations: list[Any] = []
        for index, operation in enumerate(message.operations):
            try:
                check_message(operation)
                self._operations.append(read_operation(operation))
                check_operation(self._operations[-1])
            except MisfitError as misfit:
                raise misfit.inside(f".operations[{index}]") from misfit.__cause__
        self._check()
        # Where each circuit begins among the operations, and each operation among the qubits.
        self._first_operations = list(accumulate(self._num_operations, initial=0))
        widths = [self._operations[number].num_qubits for number in self._numbers]
        self._first_qubits = list(accumulate(widths, initial=0))
        if sum(widths) != len(self._qubits):
            raise MisfitError(
                f"its circuits have {len(self._qubits)} qubits where {sum(widths)} belong"
            )
        self._built: dict[int, QuantumCircuit] = {}

    def at(self, place: int) -> QuantumCircuit:
        """The circuit at a place.

        Raises:
            MisfitError: there is none, or its operations do not fit its qubits.
        """
        if place >= len(self._num_qubits):
            raise MisfitError(f"it names circuit {place} of {len(self._num_qubits)}")
        if place not in self._built:
            try:
                self._built[place] = self._build(place)
            except QiskitError as error:
                raise MisfitError(f"its circuit {place} cannot be built: {error}") from error
        return self._built[place]

    def _build(self, place: int) -> QuantumCircuit:
        circuit = QuantumCircuit(self._num_qubits[place], global_phase=self._phases[place])
        first = self._first_operations[place]
        for position in range(first, first + self._num_operations[place]):
            qubits = self._qubits[self._first_qubits[position] : self._first_qubits[position + 1]]
            circuit.append(self._operations[self._numbers[position]], qubits)
        return circuit

    def _check(self) -> None:
        num_circuits = len(self._num_qubits)
        if not num_circuits == len(self._num_operations) == len(self._phases):
            raise MisfitError(f"the columns of its {num_circuits} circuits are of several lengths")
        if max(self._num_qubits, default=0) > MAX_ERROR_QUBITS:
            raise MisfitError(
                f"its circuits have {max(self._num_qubits)} qubits, more than any error may have "
                f"({MAX_ERROR_QUBITS})"
            )
        if sum(self._num_qubits) > MAX_BITS:
            raise MisfitError(f"its circuits have more qubits together than {MAX_BITS}")
        check_finite(self._phases, "the global phases of its circuits")
        if sum(self._num_operations) != len(self._numbers):
            raise MisfitError(
                f"its circuits have {len(self._numbers)} operations where "
                f"{sum(self._num_operations)} belong"
            )
        if any(number >= len(self._operations) for number in self._numbers):
            raise MisfitError(f"its circuits name more than its {len(self._operations)} operations")
        if any(isinstance(operation, type) for operation in self._operations):
            raise MisfitError("its circuits hold a class in place of an operation")


def _parameter_key(parameter: Any) -> object:
    """What tells a parameter from others of the same operation."""
    if isinstance(parameter, np.ndarray):
        return parameter.dtype.str, parameter.shape, parameter.tobytes()
    return type(parameter), repr(parameter)
