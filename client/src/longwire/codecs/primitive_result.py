"""What samplers and estimators return, as messages: qiskit.primitives.PrimitiveResult.

Bits and numbers travel as the arrays that they are. Objects of subclasses come
back as the class of Qiskit on which they are based.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from longwire.codecs.array import fill_array, read_array
from longwire.codecs.compression import MAXIMUM_BYTES, compress, decompress
from longwire.codecs.encoded_result import pack_result, unpack_result
from longwire.codecs.failure import MisfitError
from longwire.codecs.received_result import ResultAsSent
from longwire.codecs.value import fill_struct_quickly, fill_value, read_struct, read_value
from longwire.v1 import primitive_result_pb2, result_pb2, value_pb2

if TYPE_CHECKING:
    from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult

__all__ = [
    "decode_primitive_result",
    "decode_pub_result",
    "encode_primitive_result",
    "encode_pub_result",
    "join_pub_results",
    "primitive_result_from_proto",
    "primitive_result_to_proto",
    "pub_result_from_proto",
    "pub_result_to_proto",
    "read_bits",
    "read_encoded_primitive_result",
]


def encode_primitive_result(result: PrimitiveResult[Any]) -> result_pb2.EncodedResult:
    """A primitive's result in the form in which it is stored and sent.

    Raises:
        CodecError: see :func:`primitive_result_to_proto`, or it is larger than 2 GiB.
    """
    return pack_result(primitive_result_to_proto(result))


def decode_primitive_result(encoded: ResultAsSent) -> PrimitiveResult[Any]:
    """The result that :func:`encode_primitive_result` was given.

    Raises:
        CodecError: the bytes are not those that were sent, or not such a result.
    """
    return primitive_result_from_proto(read_encoded_primitive_result(encoded))


def read_encoded_primitive_result(
    encoded: ResultAsSent,
) -> primitive_result_pb2.PrimitiveResult:
    """The message in an encoded result, for readers without Qiskit.

    Raises:
        CodecError: the bytes are not those that were sent, or not such a result.
    """
    return unpack_result(encoded, primitive_result_pb2.PrimitiveResult)


def encode_pub_result(result: PubResult) -> result_pb2.EncodedResult:
    """The result of one pub in the form in which it is sent before the others.

    Raises:
        CodecError: see :func:`pub_result_to_proto`, or it is larger than 2 GiB.
    """
    return pack_result(pub_result_to_proto(result))


def decode_pub_result(encoded: ResultAsSent) -> PubResult:
    """The result that :func:`encode_pub_result` was given.

    Raises:
        CodecError: the bytes are not those that were sent, or not such a result.
    """
    return pub_result_from_proto(unpack_result(encoded, primitive_result_pb2.PubResult))


def primitive_result_to_proto(
    result: PrimitiveResult[Any],
) -> primitive_result_pb2.PrimitiveResult:
    """The message for a primitive's result.

    Raises:
        CodecError: something in it cannot be represented; the message gives the
            place, as ``pub_results[0].data.meas``.
    """
    message = primitive_result_pb2.PrimitiveResult()
    try:
        for index, pub_result in enumerate(result):
            try:
                _fill_pub_result(message.pub_results.add(), pub_result)
            except MisfitError as misfit:
                raise misfit.inside(f".pub_results[{index}]") from misfit.__cause__
        _fill_metadata(message.metadata, result.metadata)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return message


def primitive_result_from_proto(
    message: primitive_result_pb2.PrimitiveResult,
) -> PrimitiveResult[Any]:
    """The result of a message.

    Raises:
        CodecError: the message contradicts itself; the error gives the place.
    """
    pub_results = []
    try:
        for index, pub_result in enumerate(message.pub_results):
            try:
                pub_results.append(_read_pub_result(pub_result))
            except MisfitError as misfit:
                raise misfit.inside(f".pub_results[{index}]") from misfit.__cause__
        metadata = _read_metadata(message.metadata)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return _models().PrimitiveResult(pub_results, metadata)


def join_pub_results(
    pub_results: Iterable[primitive_result_pb2.PubResult], metadata: Mapping[str, object]
) -> primitive_result_pb2.PrimitiveResult:
    """The message for a primitive's result of which the pubs' messages exist already.

    Raises:
        CodecError: something in the metadata cannot be represented.
    """
    message = primitive_result_pb2.PrimitiveResult(pub_results=pub_results)
    try:
        _fill_metadata(message.metadata, metadata)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return message


def pub_result_to_proto(result: PubResult) -> primitive_result_pb2.PubResult:
    """The message for the result of one pub.

    Raises:
        CodecError: something in it cannot be represented; the message gives the
            place, as ``data.meas``.
    """
    message = primitive_result_pb2.PubResult()
    try:
        _fill_pub_result(message, result)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return message


def pub_result_from_proto(message: primitive_result_pb2.PubResult) -> PubResult:
    """The result of one pub's message.

    Raises:
        CodecError: the message contradicts itself; the error gives the place.
    """
    try:
        return _read_pub_result(message)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__


@cache
def _models() -> Any:
    """qiskit.primitives, imported at the first result: it takes a second."""
    import qiskit.primitives

    return qiskit.primitives


def _fill_pub_result(message: primitive_result_pb2.PubResult, result: PubResult) -> None:
    models = _models()
    message.sampled = isinstance(result, models.SamplerPubResult)
    message.data.SetInParent()
    message.data.shape.extend(result.data.shape)
    for name, value in result.data.items():
        field = message.data.fields.add()
        try:
            field.name = name
            if isinstance(value, models.BitArray):
                _fill_bit_array(field.bit_array, value)
            elif isinstance(value, np.ndarray):
                fill_array(field.array, value)
            else:
                fill_value(field.value, value)
        except UnicodeEncodeError as error:
            misfit = MisfitError(f"the name {name!r} is not text that UTF-8 can hold")
            raise misfit.inside(".data") from error
        except MisfitError as misfit:
            raise misfit.inside(f".data.{name}") from misfit.__cause__
    _fill_metadata(message.metadata, result.metadata)


def _fill_bit_array(message: primitive_result_pb2.BitArray, bits: BitArray) -> None:
    array = bits.array
    if array.nbytes > MAXIMUM_BYTES:
        raise MisfitError(
            f"bits of {array.nbytes} bytes cannot be sent: at most {MAXIMUM_BYTES} fit"
        )
    message.shape.extend(bits.shape)
    message.num_shots = bits.num_shots
    packed = message.bits
    packed.num_bits = bits.num_bits
    packed.num_shots = math.prod(bits.shape) * bits.num_shots
    # The layout of PackedBits is that of Qiskit's array.
    packed.data, packed.compression = compress(array.tobytes())


def _fill_metadata(message: value_pb2.StructValue, metadata: Mapping[str, object]) -> None:
    if metadata:
        try:
            fill_struct_quickly(message, metadata)
        except MisfitError as misfit:
            raise misfit.inside(".metadata") from misfit.__cause__


def _read_pub_result(message: primitive_result_pb2.PubResult) -> PubResult:
    models = _models()
    pub_result = models.SamplerPubResult if message.sampled else models.PubResult
    return pub_result(_read_data_bin(message.data), _read_metadata(message.metadata))


def _read_data_bin(message: primitive_result_pb2.DataBin) -> DataBin:
    fields: dict[str, Any] = {}
    for field in message.fields:
        if field.name in fields:
            raise MisfitError(f"it has two fields {field.name!r}").inside(".data")
        try:
            match field.WhichOneof("data"):
                case "bit_array":
                    fields[field.name] = _read_bit_array(field.bit_array)
                case "array":
                    fields[field.name] = read_array(field.array)
                case _:
                    fields[field.name] = read_value(field.value)
        except MisfitError as misfit:
            raise misfit.inside(f".data.{field.name}") from misfit.__cause__
    try:
        data_bin: DataBin = _models().DataBin(shape=tuple(message.shape), **fields)
    except (TypeError, ValueError) as error:
        raise MisfitError(f"it cannot be held by qiskit: {error}").inside(".data") from error
    return data_bin


def read_bits(message: primitive_result_pb2.BitArray) -> npt.NDArray[np.uint8]:
    """The bits in a message, for readers without Qiskit.

    Returns:
        Bytes of shape (..., shots, bytes of a shot), the highest bits first: as
        ``BitArray.array``.

    Raises:
        MisfitError: its parts contradict each other.
    """
    packed, shape = message.bits, tuple(message.shape)
    if packed.num_shots != math.prod(shape) * message.num_shots:
        raise MisfitError(
            f"it has {packed.num_shots} rows for {message.num_shots} shots at each of "
            f"{math.prod(shape)} points"
        )
    width = (packed.num_bits + 7) // 8
    data = decompress(packed.data, packed.compression, expected_bytes=packed.num_shots * width)
    try:
        # The copy makes it writable, as the arrays of a local run are.
        return np.frombuffer(data, np.uint8).reshape(*shape, message.num_shots, width).copy()
    except (ValueError, OverflowError) as error:
        # More dimensions than NumPy has, or no points and a length beyond its range.
        raise MisfitError(f"bits of shape {shape} cannot be held: {error}") from error


def _read_bit_array(message: primitive_result_pb2.BitArray) -> BitArray:
    bit_array: BitArray = _models().BitArray(read_bits(message), message.bits.num_bits)
    return bit_array


def _read_metadata(message: value_pb2.StructValue) -> dict[str, Any]:
    try:
        return read_struct(message)
    except MisfitError as misfit:
        raise misfit.inside(".metadata") from misfit.__cause__
