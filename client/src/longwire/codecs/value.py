"""Python values as messages, without the losses of JSON.

None, bool, int of any size, float, complex, str, bytes, list, tuple, dict,
datetime, NumPy arrays and scalars, and qiskit's quantum objects come back with
equal value and the same type. Enums travel as their values, other subclasses as
the base class that the wire knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longwire.codecs.failure import MisfitError
from longwire.codecs.value_kinds import MAXIMUM_DEPTH
from longwire.codecs.value_reader import read_struct, read_value
from longwire.codecs.value_writer import fill_struct, fill_struct_quickly, fill_value
from longwire.v1 import value_pb2

__all__ = [
    "MAXIMUM_DEPTH",
    "fill_struct",
    "fill_struct_quickly",
    "fill_value",
    "read_struct",
    "read_value",
    "struct_from_proto",
    "struct_to_proto",
    "value_from_proto",
    "value_to_proto",
]


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
