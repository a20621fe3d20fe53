"""Observables as messages: letters and weights, with the projectors that Qiskit 2 has."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from longwire.codecs.failure import MisfitError
from longwire.v1 import primitive_pb2

if TYPE_CHECKING:
    import numpy.typing as npt
    from qiskit.primitives.containers.observables_array import ObservablesArray
    from qiskit.quantum_info import SparseObservable

__all__ = ["fill_observables", "read_observables"]


def fill_observables(
    message: primitive_pb2.ObservablesArray, observables: ObservablesArray
) -> None:
    """Writes an array of observables of any shape, their terms in order.

    Raises:
        MisfitError: a weight is not finite or not real.
    """
    array = observables.sparse_observables_array()
    message.shape.extend(array.shape)
    for index, observable in np.ndenumerate(array):
        try:
            _fill_observable(message.observables.add(), observable)
        except MisfitError as misfit:
            raise misfit.inside(_place(index)) from misfit.__cause__


def read_observables(message: primitive_pb2.ObservablesArray, num_qubits: int) -> ObservablesArray:
    """The array of a message.

    Args:
        message: what arrived.
        num_qubits: the number of qubits that every observable must have.

    Raises:
        MisfitError: shape, letters and weights contradict each other, or an
            observable has another number of qubits.
    """
    from qiskit.primitives.containers.observables_array import ObservablesArray

    shape = tuple(message.shape)
    if math.prod(shape) != len(message.observables):
        raise MisfitError(f"{len(message.observables)} observables do not fill the shape {shape}")
    flat = np.empty(len(message.observables), dtype=object)
    for index, observable in enumerate(message.observables):
        try:
            flat[index] = _read_observable(observable, num_qubits)
        except MisfitError as misfit:
            raise misfit.inside(_place(np.unravel_index(index, shape))) from misfit.__cause__
    try:
        array = flat.reshape(shape)
    except (ValueError, OverflowError) as error:
        # More dimensions than NumPy has, or an empty array with a length beyond its range.
        raise MisfitError(f"observables of shape {shape} cannot be held: {error}") from error
    return ObservablesArray(array, num_qubits=num_qubits, copy=False, validate=False)


def _fill_observable(message: primitive_pb2.Observable, observable: SparseObservable) -> None:
    coefficients = np.asarray(observable.coeffs)
    if not np.isfinite(coefficients).all():
        raise MisfitError("a weight is not finite")
    if np.iscomplexobj(coefficients):
        if np.any(coefficients.imag):
            raise MisfitError("a weight is not real: an observable must be Hermitian")
        coefficients = coefficients.real
    message.terms.extend(_terms(observable))
    message.coefficients.extend(coefficients.tolist())


def _terms(observable: SparseObservable) -> list[str]:
    """The products of an observable: a letter a qubit, the highest qubit first."""
    num_terms, num_qubits = observable.num_terms, observable.num_qubits
    letters = np.full((num_terms, num_qubits), ord("I"), np.uint8)
    boundaries: npt.NDArray[np.int64] = np.asarray(observable.boundaries, dtype=np.int64)
    rows = np.repeat(np.arange(num_terms), boundaries[1:] - boundaries[:-1])
    columns = num_qubits - 1 - np.asarray(observable.indices, dtype=np.int64)
    letters[rows, columns] = _letters()[np.asarray(observable.bit_terms)]
    return [row.tobytes().decode() for row in letters]


@cache
def _letters() -> npt.NDArray[np.uint8]:
    """The letter of each operator on one qubit, by Qiskit's number for it."""
    from qiskit.quantum_info import SparseObservable

    letters = np.zeros(256, np.uint8)
    for term in SparseObservable.BitTerm:
        letters[term.value] = ord(term.label)
    return letters


def _read_observable(message: primitive_pb2.Observable, num_qubits: int) -> SparseObservable:
    from qiskit.quantum_info import SparseObservable

    terms, coefficients = list(message.terms), list(message.coefficients)
    if len(terms) != len(coefficients):
        raise MisfitError(f"it has {len(terms)} terms but {len(coefficients)} weights")
    if not all(map(math.isfinite, coefficients)):
        raise MisfitError("a weight is not finite")
    for term in terms:
        if len(term) != num_qubits:
            raise MisfitError(f"{term!r:.100} is not a letter for each of {num_qubits} qubits")
    try:
        observable: SparseObservable = SparseObservable.from_list(
            list(zip(terms, coefficients, strict=True)), num_qubits=num_qubits
        )
    except ValueError as error:
        raise MisfitError(f"it is no observable: {error}") from error
    return observable


def _place(index: Any) -> str:
    return f"[{', '.join(map(str, index))}]" if len(index) else ""
