"""Objects of qiskit.quantum_info and qiskit.result inside values.

Aer returns saved states as these objects (its own subclasses, which add a
deprecated array interface, come back as qiskit's classes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import (
    Clifford,
    DensityMatrix,
    Operator,
    StabilizerState,
    Statevector,
    SuperOp,
)
from qiskit.result import ProbDistribution, QuasiDistribution

from longwire.codecs.array import fill_array, read_array
from longwire.codecs.failure import MisfitError
from longwire.v1 import value_pb2

__all__ = ["fill_quantum_object", "read_distribution", "read_quantum_object"]

_STATES: dict[type, value_pb2.QuantumObjectKind.ValueType] = {
    Statevector: value_pb2.QUANTUM_OBJECT_KIND_STATEVECTOR,
    DensityMatrix: value_pb2.QUANTUM_OBJECT_KIND_DENSITY_MATRIX,
}
_CHANNELS: dict[type, value_pb2.QuantumObjectKind.ValueType] = {
    Operator: value_pb2.QUANTUM_OBJECT_KIND_OPERATOR,
    SuperOp: value_pb2.QUANTUM_OBJECT_KIND_SUPEROP,
}
_DISTRIBUTIONS: dict[type, value_pb2.DistributionKind.ValueType] = {
    ProbDistribution: value_pb2.DISTRIBUTION_KIND_PROBABILITY,
    QuasiDistribution: value_pb2.DISTRIBUTION_KIND_QUASI_PROBABILITY,
}


def fill_quantum_object(message: value_pb2.Value, value: object, depth: int) -> bool:
    """Writes an object of qiskit into a value.

    Returns:
        False, with nothing written, where the wire does not know its class.

    Raises:
        MisfitError: its numbers cannot be sent.
    """
    if isinstance(value, tuple(_DISTRIBUTIONS)):
        _fill_distribution(message.distribution_value, value, depth)
        return True
    if isinstance(value, StabilizerState):
        quantum_object = message.quantum_object_value
        quantum_object.kind = value_pb2.QUANTUM_OBJECT_KIND_STABILIZER_STATE
        fill_array(quantum_object.data, value.clifford.tableau)
        return True
    if isinstance(value, Clifford):
        quantum_object = message.quantum_object_value
        quantum_object.kind = value_pb2.QUANTUM_OBJECT_KIND_CLIFFORD
        fill_array(quantum_object.data, value.tableau)
        return True
    for base, kind in (*_STATES.items(), *_CHANNELS.items()):
        if isinstance(value, base):
            _fill_dense(message.quantum_object_value, kind, value)
            return True
    return False


def _fill_dense(
    message: value_pb2.QuantumObject, kind: value_pb2.QuantumObjectKind.ValueType, value: Any
) -> None:
    message.kind = kind
    fill_array(message.data, np.asarray(value.data))
    if kind in _STATES.values():
        message.output_dims.extend(value.dims())
    else:
        message.output_dims.extend(value.output_dims())
        message.input_dims.extend(value.input_dims())


def _fill_distribution(message: value_pb2.Distribution, value: Any, depth: int) -> None:
    from longwire.codecs.value_writer import fill_value

    message.kind = next(kind for base, kind in _DISTRIBUTIONS.items() if isinstance(value, base))
    if value.shots is not None:
        message.shots = value.shots
    for outcome, probability in value.items():
        entry = message.probabilities.entries.add()
        fill_value(entry.key, outcome, depth + 1)
        fill_value(entry.value, probability, depth + 1)


def read_quantum_object(message: value_pb2.QuantumObject) -> Any:
    """The object of qiskit.quantum_info that a message holds.

    Raises:
        MisfitError: numbers and dimensions contradict each other, or the kind
            is newer than this version.
    """
    reader = _READERS.get(message.kind)
    if reader is None:
        raise MisfitError(
            f"the quantum object's kind {message.kind} is unknown to this version of "
            "longwire: upgrade it"
        )
    array = read_array(message.data)
    try:
        return reader(array, tuple(message.output_dims), tuple(message.input_dims))
    except (QiskitError, ValueError, TypeError, IndexError, ZeroDivisionError) as error:
        kind = value_pb2.QuantumObjectKind.Name(message.kind)
        raise MisfitError(f"its {array.shape} numbers are no {kind}: {error}") from error


def read_distribution(
    message: value_pb2.Distribution, probabilities: dict[Any, Any]
) -> ProbDistribution | QuasiDistribution:
    """The distribution of qiskit.result that a message holds.

    Raises:
        MisfitError: an outcome is not an integer, or the kind is newer than
            this version.
    """
    for base, kind in _DISTRIBUTIONS.items():
        if kind == message.kind:
            if not all(type(outcome) is int for outcome in probabilities):
                raise MisfitError("an outcome of a distribution is not an integer")
            return base(probabilities, message.shots if message.HasField("shots") else None)
    raise MisfitError(
        f"the distribution's kind {message.kind} is unknown to this version of longwire: upgrade it"
    )


_Dims = tuple[int, ...]
_READERS: dict[value_pb2.QuantumObjectKind.ValueType, Callable[[Any, _Dims, _Dims], Any]] = {
    value_pb2.QUANTUM_OBJECT_KIND_STATEVECTOR: lambda array, dims, _: Statevector(array, dims),
    value_pb2.QUANTUM_OBJECT_KIND_DENSITY_MATRIX: lambda array, dims, _: DensityMatrix(array, dims),
    value_pb2.QUANTUM_OBJECT_KIND_OPERATOR: lambda array, output_dims, input_dims: Operator(
        array, input_dims, output_dims
    ),
    value_pb2.QUANTUM_OBJECT_KIND_SUPEROP: lambda array, output_dims, input_dims: SuperOp(
        array, input_dims, output_dims
    ),
    value_pb2.QUANTUM_OBJECT_KIND_STABILIZER_STATE: lambda array, *_: StabilizerState(
        Clifford(array)
    ),
    value_pb2.QUANTUM_OBJECT_KIND_CLIFFORD: lambda array, *_: Clifford(array),
}
