"""Python values as messages, without the losses of JSON.

None, bool, int of any size, float, complex, str, bytes, list, tuple, dict,
datetime, NumPy arrays and scalars, and qiskit's quantum objects come back with
equal value and the same type. Enums travel as their values, other subclasses as
the base class that the wire knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from longwire.codecs.failure import MisfitError
from longwire.v1 import array_pb2, value_pb2

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "MAXIMUM_DEPTH",
    "fill_struct",
    "fill_value",
    "read_struct",
    "read_value",
    "struct_from_proto",
    "struct_to_proto",
    "value_from_proto",
    "value_to_proto",
]

# A struct or map takes three levels of messages, and protobuf's parsers refuse
# more than 100 of them; the difference is left for what encloses the value.
MAXIMUM_DEPTH = 30
# Lists at least this long are examined for the form of an array.
NUMBER_LIST_MINIMUM = 16

_INT64_BOUND = 2**63
_BIG_INT = re.compile(r"-?[0-9a-f]+")
# Exact types that protobuf takes as they are, with their kind. It refuses integers
# beyond 64 bits and text that is not Unicode; those take the long way.
_PLAIN_TYPES: dict[type, str] = {
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    str: "string_value",
    bytes: "bytes_value",
}
_PLAIN_KINDS = frozenset(_PLAIN_TYPES.values())
_TEXT_ALONE = {str}
# Exact types whose long lists take the form of an array, with its dtype.
_NUMBER_DTYPES: dict[type, str] = {bool: "?", int: "<i8", float: "<f8", complex: "<c16"}


def value_to_proto(value: object) -> value_pb2.Value:
    """The message for a value.

    Raises:
        CodecError: something in it cannot be represented, or it nests deeper
            than 30 containers; the message gives the place, as
            ``metadata.foo[3]``.
    """
    message = value_pb2.Value()
    try:
        fill_value(message, value)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return message


def value_from_proto(message: value_pb2.Value) -> Any:
    """The value of a message.

    Raises:
        CodecError: the message contradicts itself, is of a kind newer than this
            version, or nests too deep; the error gives the place.
    """
    try:
        return read_value(message)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__


def struct_to_proto(members: Mapping[str, object]) -> value_pb2.StructValue:
    """The message for named values, in their order.

    Raises:
        CodecError: as :func:`value_to_proto`, or a name is not a string.
    """
    message = value_pb2.StructValue()
    try:
        fill_struct(message, members)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return message


def struct_from_proto(message: value_pb2.StructValue) -> dict[str, Any]:
    """The named values of a message, in its order.

    Raises:
        CodecError: as :func:`value_from_proto`.
    """
    try:
        return read_struct(message)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__


def fill_value(message: value_pb2.Value, value: object, depth: int = 0) -> None:
    """As :func:`value_to_proto`, for a message that is part of another.

    Filling in place spares a copy for each level.

    Raises:
        MisfitError: see there.
    """
    writer = _WRITERS.get(type(value))
    if writer is None:
        _write_other(message, value, depth)
    else:
        writer(message, value, depth)


def fill_struct(
    message: value_pb2.StructValue, members: Mapping[str, object], depth: int = 0
) -> None:
    """As :func:`struct_to_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    if depth >= MAXIMUM_DEPTH:
        raise _too_deep()
    add = message.fields.add
    for name, value in members.items():
        field = add()
        try:
            field.name = name
            kind = _PLAIN_TYPES.get(type(value))
            if kind is None:
                fill_value(field.value, value, depth + 1)
            else:
                setattr(field.value, kind, value)
        except MisfitError as misfit:
            raise misfit.inside(f".{name}") from misfit.__cause__
        except (TypeError, ValueError):
            _fill_awkward_field(field, name, value, depth)


def _fill_awkward_field(
    field: value_pb2.StructField, name: object, value: object, depth: int
) -> None:
    """Writes a field that protobuf refused: its integer is large, or its text is none."""
    try:
        field.name = name  # type: ignore[assignment]
    except (TypeError, ValueError) as error:
        raise MisfitError(f"the name {name!r} is not text that UTF-8 can hold") from error
    try:
        fill_value(field.value, value, depth + 1)
    except MisfitError as misfit:
        raise misfit.inside(f".{name}") from misfit.__cause__


def read_value(message: value_pb2.Value, depth: int = 0) -> Any:
    """As :func:`value_from_proto`, for a message that is part of another.

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
    """As :func:`struct_from_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    if depth >= MAXIMUM_DEPTH:
        raise _too_deep()
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


def _too_deep() -> MisfitError:
    return MisfitError(f"it nests deeper than {MAXIMUM_DEPTH} lists and dictionaries")


# Writers, one a type.


def _write_none(message: value_pb2.Value, _value: None, _depth: int) -> None:
    message.null_value = value_pb2.NULL_VALUE_UNSPECIFIED


def _write_bool(message: value_pb2.Value, value: bool, _depth: int) -> None:
    message.bool_value = value


def _write_int(message: value_pb2.Value, value: int, _depth: int) -> None:
    if -_INT64_BOUND <= value < _INT64_BOUND:
        message.int_value = value
    else:
        message.big_int_value = f"{value:x}"


def _write_float(message: value_pb2.Value, value: float, _depth: int) -> None:
    message.double_value = value


def _write_complex(message: value_pb2.Value, value: complex, _depth: int) -> None:
    message.complex_value.real = value.real
    message.complex_value.imag = value.imag
    # Zero parts alone would leave the member unset.
    message.complex_value.SetInParent()


def _write_str(message: value_pb2.Value, value: str, _depth: int) -> None:
    try:
        message.string_value = value
    except UnicodeEncodeError as error:
        raise MisfitError(f"the text {value[:40]!r} holds lone surrogates") from error


def _write_bytes(message: value_pb2.Value, value: bytes, _depth: int) -> None:
    message.bytes_value = value


def _write_datetime(message: value_pb2.Value, value: datetime, _depth: int) -> None:
    message.datetime_value = value.isoformat()


def _write_list(message: value_pb2.Value, value: list[object], depth: int) -> None:
    if len(value) >= NUMBER_LIST_MINIMUM:
        array = _number_array(value)
        if array is not None:
            from longwire.codecs.array import fill_array

            fill_array(message.number_list_value, array)
            return
    _fill_list(message.list_value, value, depth)


def _write_tuple(message: value_pb2.Value, value: tuple[object, ...], depth: int) -> None:
    _fill_list(message.tuple_value, value, depth)


def _fill_list(
    message: value_pb2.ListValue, members: list[object] | tuple[object, ...], depth: int
) -> None:
    if depth >= MAXIMUM_DEPTH:
        raise _too_deep()
    message.SetInParent()
    add = message.values.add
    for index, member in enumerate(members):
        value = add()
        try:
            kind = _PLAIN_TYPES.get(type(member))
            if kind is None:
                fill_value(value, member, depth + 1)
            else:
                setattr(value, kind, member)
        except ValueError:
            fill_value(value, member, depth + 1)
        except MisfitError as misfit:
            raise misfit.inside(f"[{index}]") from misfit.__cause__


def _write_dict(message: value_pb2.Value, value: dict[object, object], depth: int) -> None:
    if set(map(type, value)) <= _TEXT_ALONE:
        message.struct_value.SetInParent()
        fill_struct(message.struct_value, value, depth)  # type: ignore[arg-type]
        return
    if depth >= MAXIMUM_DEPTH:
        raise _too_deep()
    entries = message.map_value.entries
    for key, member in value.items():
        entry = entries.add()
        try:
            fill_value(entry.key, key, depth + 1)
            fill_value(entry.value, member, depth + 1)
        except MisfitError as misfit:
            raise misfit.inside(f"[{key!r}]") from misfit.__cause__


def _number_array(members: list[Any]) -> npt.NDArray[np.generic] | None:
    """The array whose ``tolist`` gives the nested lists back, or None where there is none."""
    shape = [len(members)]
    while True:
        types = set(map(type, members))
        if len(types) != 1:
            return None
        (member_type,) = types
        if member_type is not list:
            break
        lengths = set(map(len, members))
        if len(lengths) != 1 or 0 in lengths or len(shape) > MAXIMUM_DEPTH:
            return None
        shape.append(lengths.pop())
        members = list(chain.from_iterable(members))
    dtype = _NUMBER_DTYPES.get(member_type)
    if dtype is None:
        return None
    import numpy as np

    try:
        return np.array(members, dtype).reshape(shape)
    except OverflowError:  # integers beyond 64 bits
        return None


def _write_other(message: value_pb2.Value, value: object, depth: int) -> None:
    """Writes a value whose exact type has no writer."""
    import numpy as np

    if isinstance(value, np.generic):
        from longwire.codecs.array import fill_array

        fill_array(message.scalar_value, np.asarray(value))
    elif isinstance(value, np.ndarray):
        from longwire.codecs.array import fill_array

        fill_array(message.array_value, value)
    elif isinstance(value, Enum):
        fill_value(message, value.value, depth)
    elif type(value).__module__ != "builtins" and _write_qiskit(message, value, depth):
        pass
    else:
        for base, writer in _WRITERS.items():
            if isinstance(value, base):
                writer(message, value, depth)
                return
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        raise MisfitError(
            f"an object of type {name} cannot be sent: give numbers, text, bytes, lists, "
            "dictionaries, dates, NumPy arrays or objects of qiskit.quantum_info"
        )


def _write_qiskit(message: value_pb2.Value, value: object, depth: int) -> bool:
    """Writes an object of qiskit, if it is one of those that the wire knows."""
    import sys

    if "qiskit" not in sys.modules:
        return False
    from longwire.codecs import quantum_object

    return quantum_object.fill_quantum_object(message, value, depth)


_WRITERS: dict[type, Callable[[value_pb2.Value, Any, int], None]] = {
    type(None): _write_none,
    bool: _write_bool,
    int: _write_int,
    float: _write_float,
    complex: _write_complex,
    str: _write_str,
    bytes: _write_bytes,
    bytearray: lambda message, value, depth: _write_bytes(message, bytes(value), depth),
    list: _write_list,
    tuple: _write_tuple,
    dict: _write_dict,
    datetime: _write_datetime,
}


# Readers, one a kind.


def _read_big_int(digits: str, _depth: int) -> int:
    if not _BIG_INT.fullmatch(digits):
        raise MisfitError(f"{digits[:40]!r} is not an integer in hexadecimal digits")
    return int(digits, 16)


def _read_list(message: value_pb2.ListValue, depth: int) -> list[Any]:
    if depth >= MAXIMUM_DEPTH:
        raise _too_deep()
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
        raise _too_deep()
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
}
