"""What an error of a noise model may hold: Aer's C++ trusts the sizes that it is told.

A model that Aer's own methods make is within all of it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from qiskit.circuit import Delay, Instruction, Operation

from longwire.codecs.classes import find_class
from longwire.codecs.failure import MisfitError
from longwire.codecs.qpy_instructions import is_instruction
from longwire.v1 import operation_pb2

__all__ = [
    "MAX_ERROR_QUBITS",
    "MAX_READOUT_QUBITS",
    "check_finite",
    "check_message",
    "check_operation",
]

MAX_ERROR_QUBITS: Final = 1000
"""Qubits of one error: more than any device has, for Pauli errors of whole layers."""

MAX_READOUT_QUBITS: Final = 12
"""Qubits of one readout error, which is a matrix of 2**n rows."""

# The arrays of Aer's instructions have this many rows for n qubits.
_ROWS: Final = {"kraus": 2, "unitary": 2, "superop": 4}


def check_message(message: operation_pb2.Operation) -> None:
    """Refuses an operation that would be large, or work something out, as it is built.

    Raises:
        MisfitError: it is too large, or is of a class that no error is made of.
    """
    _check_qubits(message.num_qubits)
    cls = find_class(message.class_name, Operation)
    if cls is None or cls is Delay:
        return
    if not is_instruction(cls.__name__):
        raise MisfitError(f"{message.class_name} is no instruction of which an error can be made")
    for parameter in message.parameters:
        value = parameter.value
        is_large = abs(value.int_value) > MAX_ERROR_QUBITS or value.big_int_value
        if is_large:
            raise MisfitError(
                f"a whole number as a parameter of {message.class_name} may be {MAX_ERROR_QUBITS} "
                "at most: give an angle as a float"
            )


def check_operation(operation: Any) -> None:
    """Refuses an operation that was read whose parameters contradict its size.

    Raises:
        MisfitError: it does so, or its arrays hold what is not finite.
    """
    if not isinstance(operation, Instruction):
        return
    name, num_qubits, parameters = operation.name, operation.num_qubits, operation.params
    _check_qubits(num_qubits)
    if operation.num_clbits:
        raise MisfitError(f"the operation {name} of an error has classical bits")
    arrays = [each for each in parameters if isinstance(each, np.ndarray)]
    for array in arrays:
        check_finite(array, f"the numbers of its operation {name}")
    if name in _ROWS:
        shape = (_ROWS[name] ** num_qubits,) * 2
        are_whole = parameters and len(arrays) == len(parameters)
        if not are_whole or any(array.shape != shape for array in arrays):
            raise MisfitError(f"the operation {name} on {num_qubits} qubits has other arrays")
    if name == "pauli":
        labels = [each for each in parameters if isinstance(each, str)]
        if len(labels) != 1 or len(labels[0]) != num_qubits or set(labels[0]) - set("IXYZ"):
            raise MisfitError(f"the operation pauli on {num_qubits} qubits has another label")


def check_finite(numbers: npt.ArrayLike, what: str) -> None:
    """Refuses infinity and what is no number.

    Args:
        numbers: any.
        what: what they are, in the plural, for the error.

    Raises:
        MisfitError: one of them is such.
    """
    if not np.isfinite(np.asarray(numbers)).all():
        raise MisfitError(f"{what} are not all finite")


def _check_qubits(number: int) -> None:
    if number > MAX_ERROR_QUBITS:
        raise MisfitError(
            f"an error on {number} qubits is on more than any may have ({MAX_ERROR_QUBITS})"
        )
