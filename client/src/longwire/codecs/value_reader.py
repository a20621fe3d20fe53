"""Reading Python values from messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from longwire.codecs.failure import MisfitError
from longwire.codecs.value_kinds import MAXIMUM_DEPTH, PLAIN_TYPES, too_deep
from longwire.v1 import array_pb2, value_pb2

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["read_struct", "read_value"]

_BIG_INT = re.compile(r"-?[0-9a-f]+")
_PLAIN_KINDS = frozenset(PLAIN_TYPES.values())


def read_value(message: value_pb2.Value, depth: int = 0) -> Any:
    """As :func:`~longwire.codecs.value.value_from_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    kind = message.WhichOneof("kind")
    if kind in _PLAIN_KINDS:
        return getattr(message, kind)
    if kind is None:
        raise MisfitError(
            "the value is not set, or of a kind newer than this version of longwire: upgrade it"
        )
    return _READERS[kind](getattr(message, kind), depth)


def read_struct(message: value_pb2.StructValue, depth: int = 0) -> dict[str, Any]:
    """As :func:`~longwire.codecs.value.struct_from_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    if depth >= MAXIMUM_DEPTH:
        raise too_deep()
    if message.json:
        return _read_json(message.json)
    members: dict[str, Any] = {}
    for field in message.fields:
        value = field.value
        kind = value.WhichOneof("kind")
        if kind in _PLAIN_KINDS:
            members[field.name] = getattr(value, kind)
            continue
        try:
            members[field.name] = read_value(value, depth + 1)
        except MisfitError as misfit:
            raise misfit.inside(f".{field.name}") from misfit.__cause__
    return members


def _read_json(text: str) -> dict[str, Any]:
    try:
        members = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MisfitError(f"its JSON cannot be read: {error}") from error
    if type(members) is not dict:
        raise MisfitError("its JSON is not an object")
    return members


# Readers, one a kind.


def _read_big_int(digits: str, _depth: int) -> int:
    if not _BIG_INT.fullmatch(digits):
        raise MisfitError(f"{digits[:40]!r} is not an integer in hexadecimal digits")
    return int(digits, 16)


def _read_list(message: value_pb2.ListValue, depth: int) -> list[Any]:
    if depth >= MAXIMUM_DEPTH:
        raise too_deep()
    members: list[Any] = []
    for index, value in enumerate(message.values):
        kind = value.WhichOneof("kind")
        if kind in _PLAIN_KINDS:
            members.append(getattr(value, kind))
            continue
        try:
            members.append(read_value(value, depth + 1))
        except MisfitError as misfit:
            raise misfit.inside(f"[{index}]") from misfit.__cause__
    return members


def _read_map(message: value_pb2.MapValue, depth: int) -> dict[Any, Any]:
    if depth >= MAXIMUM_DEPTH:
        raise too_deep()
    pairs = {}
    for index, entry in enumerate(message.entries):
        try:
            key = read_value(entry.key, depth + 1)
            pairs[key] = read_value(entry.value, depth + 1)
        except MisfitError as misfit:
            raise misfit.inside(f"[{index}]") from misfit.__cause__
        except TypeError as error:  # a list or another key that Python cannot hash
            raise MisfitError(f"its key number {index} cannot be a key in Python") from error
    return pairs


def _read_datetime(text: str, _depth: int) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise MisfitError(f"{text[:40]!r} is not an ISO 8601 date and time") from error


def _read_array(message: array_pb2.Array, _depth: int) -> npt.NDArray[np.generic]:
    from longwire.codecs.array import read_array

    return read_array(message)


def _read_scalar(message: array_pb2.Array, _depth: int) -> np.generic:
    from longwire.codecs.array import read_array

    array = read_array(message)
    if array.ndim:
        raise MisfitError(f"a single number has the shape {array.shape}")
    return cast("np.generic", array[()])


def _read_number_list(message: array_pb2.Array, depth: int) -> list[Any]:
    from longwire.codecs.array import read_array

    array = read_array(message)
    if not 0 < array.ndim <= MAXIMUM_DEPTH - depth:
        raise MisfitError(f"lists of numbers have the shape {array.shape}")
    numbers: list[Any] = array.tolist()
    return numbers


def _read_quantum_object(message: value_pb2.QuantumObject, _depth: int) -> Any:
    from longwire.codecs.quantum_object import read_quantum_object

    return read_quantum_object(message)


def _read_distribution(message: value_pb2.Distribution, depth: int) -> Any:
    from longwire.codecs.quantum_object import read_distribution

    return read_distribution(message, _read_map(message.probabilities, depth))


def _read_noise_model(message: value_pb2.EncodedNoiseModel, _depth: int) -> Any:
    try:
        from longwire.codecs.noise_model import read_noise_model
    except ModuleNotFoundError as error:
        raise MisfitError(
            "it is a noise model of Aer, and qiskit-aer is not installed here"
        ) from error
    return read_noise_model(message)


_READERS: dict[str, Callable[[Any, int], Any]] = {
    "null_value": lambda _number, _depth: None,
    "big_int_value": _read_big_int,
    "complex_value": lambda message, _depth: complex(message.real, message.imag),
    "list_value": _read_list,
    "tuple_value": lambda message, depth: tuple(_read_list(message, depth)),
    "struct_value": read_struct,
    "map_value": _read_map,
    "array_value": _read_array,
    "quantum_object_value": _read_quantum_object,
    "datetime_value": _read_datetime,
    "scalar_value": _read_scalar,
    "number_list_value": _read_number_list,
    "distribution_value": _read_distribution,
    "noise_model_value": _read_noise_model,
}
