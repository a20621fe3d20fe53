"""Numbers, vectors and matrices in an instruction's params.

JSON has no complex numbers, so the Qobj specification writes them as pairs
``[re, im]``. Objects that never were JSON hold Python's complex numbers or NumPy
arrays. Both are read here, and only finite numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit.circuit import ParameterExpression

from longwire.errors import InvalidQobjError
from longwire.qobj.part import describe

__all__ = ["complex_matrix", "complex_vector", "real_number"]


def real_number(value: Any, place: str) -> float:
    """Returns a finite float; a pair or complex number must have no imaginary part.

    Raises:
        InvalidQobjError: it is none; the message begins with ``place``.
    """
    if isinstance(value, ParameterExpression):
        if value.parameters:
            raise InvalidQobjError(f"{place}: the parameter {value} has no value; bind it first")
        value = value.numeric()
    if isinstance(value, (list, tuple)) and len(value) == 2 and value[1] == 0:
        value = value[0]
    if isinstance(value, (complex, np.complexfloating)) and value.imag == 0:
        value = value.real
    number_types = (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, number_types):
        raise InvalidQobjError(f"{place}: a real number is expected, not {describe(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not np.isfinite(number):
        raise InvalidQobjError(f"{place}: a finite number is expected, not {describe(value)}")
    return number


def complex_vector(values: Sequence[Any], place: str) -> np.ndarray:
    """Returns the amplitudes as an array of shape ``(n,)``.

    Args:
        values: n complex numbers, or n pairs.
        place: where they stand, for the message.

    Raises:
        InvalidQobjError: they are no finite complex numbers.
    """
    array = _numbers(values, place)
    if array.ndim == 2 and array.shape[1] == 2 and not np.iscomplexobj(array):
        array = _join_pairs(array)
    if array.ndim != 1:
        raise InvalidQobjError(f"{place}: a list of numbers or of pairs [re, im] is expected")
    return array.astype(complex)


def complex_matrix(values: Any, num_qubits: int, place: str) -> np.ndarray:
    """Returns a matrix of shape ``(2**num_qubits, 2**num_qubits)``.

    Args:
        values: rows of complex numbers or of pairs, or an array.
        num_qubits: number of qubits that it acts on.
        place: where it stands, for the message.

    Raises:
        InvalidQobjError: it has another shape, or numbers that are not finite.
    """
    array = _numbers(values, place)
    if array.ndim == 3 and array.shape[2] == 2 and not np.iscomplexobj(array):
        array = _join_pairs(array)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] != 1 << num_qubits:
        raise InvalidQobjError(
            f"{place}: a matrix of {1 << num_qubits} by {1 << num_qubits} is expected for "
            f"{num_qubits} qubits, not an array of shape {list(array.shape)}"
        )
    return array.astype(complex)


def _numbers(values: Any, place: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidQobjError(f"{place}: the numbers form no regular array") from error
    if array.dtype.kind not in "iufc":
        raise InvalidQobjError(f"{place}: numbers are expected, not {describe(values)}")
    if not np.isfinite(array).all():
        raise InvalidQobjError(f"{place}: finite numbers are expected")
    return array


def _join_pairs(array: np.ndarray) -> np.ndarray:
    return np.asarray(array[..., 0] + 1j * array[..., 1])
