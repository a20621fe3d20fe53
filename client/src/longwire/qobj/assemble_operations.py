"""One operation of Qiskit 2 as an instruction of a Qobj, where a Qobj can hold it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qiskit.circuit import (
    Barrier,
    ControlledGate,
    Delay,
    Gate,
    Instruction,
    Operation,
    Reset,
)
from qiskit.circuit.library import Initialize, MCPhaseGate, UnitaryGate, XGate

from longwire.errors import InvalidProgramError
from longwire.qobj.complex_params import real_number
from longwire.qobj.gates import standard_gates
from longwire.qobj.qasm_instruction import QasmQobjInstruction
from longwire.qobj.saves import save_classes

__all__ = ["assemble_operation"]


def assemble_operation(
    operation: Operation, qubits: Sequence[int], place: str
) -> QasmQobjInstruction:
    """Writes an operation that is no measurement and no control flow.

    Args:
        operation: the operation.
        qubits: indices of its qubits.
        place: where it stands, for messages.

    Returns:
        The instruction.

    Raises:
        InvalidProgramError: a Qobj cannot hold it, or one of its parameters has no value.
    """
    name = operation.name
    label = getattr(operation, "label", None)
    if isinstance(operation, (Barrier, Reset)):
        return QasmQobjInstruction(name, qubits=list(qubits), label=label)
    if isinstance(operation, Delay):
        return _assemble_delay(operation, qubits, place)
    if isinstance(operation, Initialize) or _is_kraus(operation):
        return QasmQobjInstruction(
            name, params=list(operation.params), qubits=list(qubits), label=label
        )
    if isinstance(operation, UnitaryGate):
        return QasmQobjInstruction(
            "unitary", params=[operation.to_matrix()], qubits=list(qubits), label=label
        )
    if name in save_classes() and isinstance(operation, save_classes()[name]):
        return QasmQobjInstruction(
            name,
            params=_save_params(operation) or None,
            qubits=list(qubits),
            label=label,
            snapshot_type=operation._subtype,
        )
    if isinstance(operation, Gate) and _is_known_gate(operation):
        return QasmQobjInstruction(
            name,
            params=_numbers(operation, place) or None,
            qubits=list(qubits),
            label=label,
        )
    raise InvalidProgramError(
        f"{place}: a Qobj cannot hold it; write the circuit in standard gates first, for "
        "example with qiskit.transpile and the driver's basis_gates"
    )


def _is_known_gate(operation: Gate) -> bool:
    """Whether the gate is the one that its name says, not another under the same name."""
    if standard_gates().get(operation.name) is operation.base_class:
        return True
    if operation.name == "mcphase":
        return isinstance(operation, MCPhaseGate)
    if operation.name == "mcx":
        return isinstance(operation, ControlledGate) and isinstance(operation.base_gate, XGate)
    return False


def _is_kraus(operation: Operation) -> bool:
    # Kraus.to_instruction gives a plain Instruction of this name.
    return operation.name == "kraus" and type(operation) is Instruction


def _numbers(operation: Gate, place: str) -> list[float]:
    numbers: list[float] = []
    for number, param in enumerate(operation.params):
        if getattr(param, "parameters", None):
            raise InvalidProgramError(
                f"{place}: the parameter {param} has no value; "
                "call assign_parameters on the circuit first"
            )
        numbers.append(real_number(param, f"{place}: params[{number}]"))
    return numbers


def _assemble_delay(operation: Delay, qubits: Sequence[int], place: str) -> QasmQobjInstruction:
    duration = operation.duration
    if operation.unit != "dt" or not isinstance(duration, int):
        raise InvalidProgramError(
            f"{place}: a Qobj holds delays in whole dt, not {duration} {operation.unit}; "
            "transpile the circuit with the driver's dt"
        )
    return QasmQobjInstruction("delay", params=[duration], qubits=list(qubits))


def _save_params(operation: Instruction) -> list[Any]:
    """Returns plain lists: Aer keeps Pauli terms as tuples of text and NumPy numbers."""
    if not operation.name.startswith("save_expval"):
        return list(operation.params)
    return [
        [pauli, [float(coefficient) for coefficient in coefficients]]
        for pauli, coefficients in operation.params
    ]
