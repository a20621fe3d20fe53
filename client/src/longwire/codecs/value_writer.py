"""Writing Python values into messages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Any

from longwire.codecs.exact_json import is_json
from longwire.codecs.failure import MisfitError
from longwire.codecs.value_kinds import MAXIMUM_DEPTH, PLAIN_TYPES, too_deep
from longwire.v1 import value_pb2

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["fill_struct", "fill_struct_quickly", "fill_value"]

# Lists at least this long are examined for the form of an array.
NUMBER_LIST_MINIMUM = 16

_INT64_BOUND = 2**63
_write_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TEXT_ALONE = {str}
# Exact types whose long lists take the form of an array, with its dtype.
_NUMBER_DTYPES: dict[type, str] = {bool: "?", int: "<i8", float: "<f8", complex: "<c16"}


def fill_value(message: value_pb2.Value, value: object, depth: int = 0) -> None:
    """As :func:`~longwire.codecs.value.value_to_proto`, for a message that is part of another.

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
    """As :func:`~longwire.codecs.value.struct_to_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    if depth >= MAXIMUM_DEPTH:
        raise too_deep()
    add = message.fields.add
    for name, value in members.items():
        field = add()
        try:
            field.name = name
        except (TypeError, UnicodeEncodeError) as error:
            raise MisfitError(f"the name {name!r} is not text that UTF-8 can hold") from error
        kind = PLAIN_TYPES.get(type(value))
        try:
            if kind is None:
                fill_value(field.value, value, depth + 1)
            else:
                setattr(field.value, kind, value)
        except MisfitError as misfit:
            raise misfit.inside(f".{name}") from misfit.__cause__
        except ValueError:
            _fill_awkward(field.value, value, f".{name}", depth)


def fill_struct_quickly(message: value_pb2.StructValue, members: Mapping[str, object]) -> None:
    """As :func:`fill_struct`, in JSON where that loses nothing: several times faster.

    Raises:
        MisfitError: see there.
    """
    if members and is_json(members):
        try:
            message.json = _write_json(members)
        except UnicodeEncodeError:
            # Lone surrogates, which the fields refuse by their place.
            pass
        else:
            return
    fill_struct(message, members)


def _fill_awkward(message: value_pb2.Value, value: object, step: str, depth: int) -> None:
    """Writes a member that protobuf refused: a large integer, or text that is not Unicode."""
    try:
        fill_value(message, value, depth + 1)
    except MisfitError as misfit:
        raise misfit.inside(step) from misfit.__cause__


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
        raise too_deep()
    message.SetInParent()
    add = message.values.add
    for index, member in enumerate(members):
        value = add()
        kind = PLAIN_TYPES.get(type(member))
        try:
            if kind is None:
                fill_value(value, member, depth + 1)
            else:
                setattr(value, kind, member)
        except MisfitError as misfit:
            raise misfit.inside(f"[{index}]") from misfit.__cause__
        except ValueError:
            _fill_awkward(value, member, f"[{index}]", depth)


def _write_dict(message: value_pb2.Value, value: dict[object, object], depth: int) -> None:
    if set(map(type, value)) <= _TEXT_ALONE:
        message.struct_value.SetInParent()
        fill_struct(message.struct_value, value, depth)  # type: ignore[arg-type]
        return
    if depth >= MAXIMUM_DEPTH:
        raise too_deep()
    entries = message.map_value.entries
    for index, (key, member) in enumerate(value.items()):
        entry = entries.add()
        try:
            fill_value(entry.key, key, depth + 1)
            fill_value(entry.value, member, depth + 1)
        except MisfitError as misfit:
            # Not every key prints: Python refuses integers of more than 4300 digits.
            short = isinstance(key, str) or (type(key) is int and abs(key) < _INT64_BOUND)
            raise misfit.inside(f"[{key!r}]" if short else f"[pair {index}]") from misfit.__cause__


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
            "dictionaries, dates, NumPy arrays, objects of qiskit.quantum_info or noise models "
            "of Aer"
        )


def _write_qiskit(message: value_pb2.Value, value: object, depth: int) -> bool:
    """Writes an object of qiskit or Aer, if it is one of those that the wire knows."""
    if "qiskit" not in sys.modules:
        return False
    aer_noise = sys.modules.get("qiskit_aer.noise")
    if aer_noise is not None and isinstance(value, aer_noise.NoiseModel):
        from longwire.codecs.noise_model import fill_noise_model

        fill_noise_model(message.noise_model_value, value)
        return True
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
