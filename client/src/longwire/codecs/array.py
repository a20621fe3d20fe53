"""NumPy arrays as messages: little-endian bytes in C order with type and shape."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from longwire.codecs.compression import MAXIMUM_BYTES, compress, decompress
from longwire.codecs.failure import MisfitError
from longwire.v1 import array_pb2

__all__ = ["array_from_proto", "array_to_proto", "fill_array", "read_array"]

_DTYPES: dict[array_pb2.ElementType.ValueType, np.dtype[np.generic]] = {
    array_pb2.ELEMENT_TYPE_BOOL: np.dtype("?"),
    array_pb2.ELEMENT_TYPE_INT8: np.dtype("i1"),
    array_pb2.ELEMENT_TYPE_INT16: np.dtype("<i2"),
    array_pb2.ELEMENT_TYPE_INT32: np.dtype("<i4"),
    array_pb2.ELEMENT_TYPE_INT64: np.dtype("<i8"),
    array_pb2.ELEMENT_TYPE_UINT8: np.dtype("u1"),
    array_pb2.ELEMENT_TYPE_UINT16: np.dtype("<u2"),
    array_pb2.ELEMENT_TYPE_UINT32: np.dtype("<u4"),
    array_pb2.ELEMENT_TYPE_UINT64: np.dtype("<u8"),
    array_pb2.ELEMENT_TYPE_FLOAT16: np.dtype("<f2"),
    array_pb2.ELEMENT_TYPE_FLOAT32: np.dtype("<f4"),
    array_pb2.ELEMENT_TYPE_FLOAT64: np.dtype("<f8"),
    array_pb2.ELEMENT_TYPE_COMPLEX64: np.dtype("<c8"),
    array_pb2.ELEMENT_TYPE_COMPLEX128: np.dtype("<c16"),
}
# By kind and size, which a type shares with its big-endian twin and its C aliases.
_ELEMENT_TYPES = {
    (dtype.kind, dtype.itemsize): element_type for element_type, dtype in _DTYPES.items()
}


def array_to_proto(array: npt.NDArray[np.generic]) -> array_pb2.Array:
    """The message for an array of any shape.

    Byte order and memory layout are not kept: the reader gets native order and
    C layout with equal elements.

    Raises:
        CodecError: its elements are not numbers of a type that the wire has
            (text, objects, records, extended precision), it is masked, or it is
            larger than 2 GiB.
    """
    message = array_pb2.Array()
    try:
        fill_array(message, array)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return message


def array_from_proto(message: array_pb2.Array) -> npt.NDArray[np.generic]:
    """The array of a message, writable, in native byte order and C layout.

    Raises:
        CodecError: type, shape and data contradict each other, or the type is
            newer than this version.
    """
    try:
        return read_array(message)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__


def fill_array(message: array_pb2.Array, array: npt.NDArray[np.generic]) -> None:
    """As :func:`array_to_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise MisfitError("a masked array cannot be sent: use array.filled(value)")
    element_type = _ELEMENT_TYPES.get((array.dtype.kind, array.dtype.itemsize))
    if element_type is None:
        raise MisfitError(
            f"an array of {array.dtype} cannot be sent: convert it to booleans, integers, "
            "floats or complex numbers of at most double precision"
        )
    if array.nbytes > MAXIMUM_BYTES:
        raise MisfitError(
            f"an array of {array.nbytes} bytes cannot be sent: at most {MAXIMUM_BYTES} fit"
        )
    message.element_type = element_type
    message.shape.extend(array.shape)
    # tobytes writes C order whatever the layout is.
    data = array.astype(_DTYPES[element_type], copy=False).tobytes()
    message.data, message.compression = compress(data)


def read_array(message: array_pb2.Array) -> npt.NDArray[np.generic]:
    """As :func:`array_from_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    dtype = _DTYPES.get(message.element_type)
    if dtype is None:
        raise MisfitError(
            f"the array's element type {message.element_type} is unknown to this version of "
            "longwire: upgrade it"
        )
    shape = tuple(message.shape)
    try:
        data = decompress(
            message.data,
            message.compression,
            expected_bytes=math.prod(shape) * dtype.itemsize,
        )
        # The copy makes it writable, as the arrays of a local run are, and native.
        array = np.frombuffer(data, dtype).astype(dtype.newbyteorder("=")).reshape(shape)
    except MisfitError as misfit:
        raise MisfitError(f"an array of {dtype} of shape {shape}: {misfit.message}") from misfit
    except (ValueError, OverflowError) as error:
        # More dimensions than NumPy has, or an empty array with a length beyond its range.
        raise MisfitError(f"an array of shape {shape} cannot be held: {error}") from error
    if dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise MisfitError("an array of booleans holds bytes other than 0 and 1")
    return array
