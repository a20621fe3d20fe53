"""Aer's own instructions, which QPY does not keep.

QPY knows neither Aer's classes nor their subtype, and it turns integers in their
parameters into floats, lists into tuples, and refuses dictionaries (observed with
Qiskit 2.6, qiskit-aer 0.18). So each is written as a plain instruction of the same
name whose one parameter is a Value message with everything that is missing, and
becomes an object of its class again after reading.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from longwire.codecs.failure import MisfitError
from longwire.codecs.value import fill_struct, read_struct
from longwire.qobj.saves import SAVE_CLASS_NAMES
from longwire.v1 import value_pb2

if TYPE_CHECKING:
    from qiskit.circuit import Instruction, QuantumCircuit

__all__ = ["pack_aer_instructions", "unpack_aer_instructions"]

# Names of the instructions that set a state, with their classes, as SAVE_CLASS_NAMES.
_SET_CLASSES = {
    "set_density_matrix": "SetDensityMatrix",
    "set_matrix_product_state": "SetMatrixProductState",
    "set_stabilizer": "SetStabilizer",
    "set_statevector": "SetStatevector",
    "set_superop": "SetSuperOp",
    "set_unitary": "SetUnitary",
}
# A quantum error of Aer inside a circuit: QPY writes it without a word, and without its channel.
_CHANNEL_NAME = "quantum_channel"
_NAMES = SAVE_CLASS_NAMES.keys() | _SET_CLASSES.keys() | {_CHANNEL_NAME}


def pack_aer_instructions(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with Aer's instructions in the form that QPY keeps.

    Returns:
        The same object where it has none of them, otherwise a copy.

    Raises:
        MisfitError: a parameter of one cannot be sent, or it is a quantum error.
    """
    if "qiskit_aer" not in sys.modules:
        return circuit
    return _replace_instructions(circuit, _pack)


def unpack_aer_instructions(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with Aer's instructions as objects of their classes again.

    Returns:
        The same object where it has none of them, otherwise a copy.

    Raises:
        MisfitError: what an instruction carries is damaged, or qiskit-aer is
            not installed here.
    """
    return _replace_instructions(circuit, _unpack)


def _replace_instructions(
    circuit: QuantumCircuit, replacement: Callable[[Instruction], Instruction]
) -> QuantumCircuit:
    """The circuit with each instruction of Aer's names replaced, in nested blocks too."""
    has_control_flow = circuit.has_control_flow_op()
    if not has_control_flow and _NAMES.isdisjoint(circuit.count_ops()):
        return circuit
    changed: dict[int, Any] = {}
    for index, item in enumerate(circuit.data):
        operation = item.operation
        if operation.name in _NAMES:
            new = replacement(operation)
        elif has_control_flow and hasattr(operation, "blocks"):
            new = _replace_blocks(operation, replacement)
        else:
            continue
        if new is not operation:
            changed[index] = item.replace(operation=new)
    if not changed:
        return circuit
    # Assigning to an item of a copy's data panics in Qiskit 2.6 where the item
    # holds control flow, so the copy is built by appending.
    result = circuit.copy_empty_like()
    for index, item in enumerate(circuit.data):
        result.append(changed.get(index, item), copy=False)
    return result


def _replace_blocks(operation: Any, replacement: Callable[[Instruction], Instruction]) -> Any:
    blocks = [_replace_instructions(block, replacement) for block in operation.blocks]
    if all(new is old for new, old in zip(blocks, operation.blocks, strict=True)):
        return operation
    return operation.replace_blocks(blocks)


def _pack(operation: Instruction) -> Instruction:
    """A plain instruction that carries an instruction of Aer, or the given one if it is none."""
    import numpy as np
    from qiskit.circuit import Instruction

    if not type(operation).__module__.startswith("qiskit_aer."):
        return operation
    if operation.name == _CHANNEL_NAME:
        raise MisfitError(
            "a quantum error of Aer inside a circuit cannot be sent: append "
            "qiskit.quantum_info.Kraus(error).to_instruction() instead"
        )
    message = value_pb2.StructValue()
    try:
        fill_struct(
            message,
            {
                "label": operation.label,
                "subtype": getattr(operation, "_subtype", None),
                "params": list(operation.params),
            },
        )
    except MisfitError as misfit:
        raise misfit.inside(f".{operation.name}") from misfit.__cause__
    carried = np.frombuffer(message.SerializeToString(), np.uint8)
    return Instruction(operation.name, operation.num_qubits, operation.num_clbits, [carried])


def _unpack(operation: Instruction) -> Instruction:
    """The instruction of Aer that a plain one carries, or the given one if it carries none."""
    import numpy as np
    from google.protobuf.message import DecodeError

    if operation.name == _CHANNEL_NAME or len(operation.params) != 1:
        return operation
    carried = operation.params[0]
    if not isinstance(carried, np.ndarray) or carried.dtype != np.uint8:
        return operation
    try:
        attributes = read_struct(value_pb2.StructValue.FromString(carried.tobytes()))
        return _build(operation, attributes)
    except MisfitError as misfit:
        raise misfit.inside(f".{operation.name}") from misfit.__cause__
    except (DecodeError, KeyError, TypeError, ValueError) as error:
        raise MisfitError(
            f"the instruction {operation.name} does not carry what Aer needs: {error}"
        ) from error


def _build(operation: Instruction, attributes: dict[str, Any]) -> Instruction:
    """An object of Aer's class with the given label, subtype and parameters.

    The classes' own constructors take operators and states, which are not kept
    as such; the constructor of their base takes the attributes.
    """
    from qiskit.circuit import Instruction

    try:
        from qiskit_aer import library
        from qiskit_aer.library.save_instructions.save_data import SaveData
    except ImportError as error:
        raise MisfitError(
            f"the instruction {operation.name} is Aer's, and qiskit-aer is not installed "
            "where the backend runs"
        ) from error
    save_class = SAVE_CLASS_NAMES.get(operation.name)
    instruction: Instruction
    if save_class is not None:
        instruction = object.__new__(getattr(library, save_class))
        SaveData.__init__(
            instruction,
            operation.name,
            operation.num_qubits,
            attributes["label"],
            subtype=attributes["subtype"],
            params=attributes["params"],
        )
    else:
        instruction = object.__new__(getattr(library, _SET_CLASSES[operation.name]))
        Instruction.__init__(
            instruction, operation.name, operation.num_qubits, 0, attributes["params"]
        )
    return instruction
