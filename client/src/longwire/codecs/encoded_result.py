"""Results as they are stored and sent: a serialised message, compressed, with its digest."""

from __future__ import annotations

import hashlib
from typing import TypeVar

from google.protobuf.message import DecodeError, EncodeError, Message

from longwire.codecs.compression import compress, decompress
from longwire.codecs.failure import MisfitError, codec_error
from longwire.codecs.received_result import ResultAsSent
from longwire.v1 import result_pb2

__all__ = ["pack_result", "unpack_result"]

_MessageT = TypeVar("_MessageT", bound=Message)


def pack_result(message: Message) -> result_pb2.EncodedResult:
    """A message in the form in which results are stored and sent.

    Raises:
        CodecError: it is larger than 2 GiB.
    """
    try:
        serialized = message.SerializeToString()
    except EncodeError as error:
        raise codec_error(f"the result does not fit into a message of 2 GiB: {error}") from error
    data, compression = compress(serialized)
    return result_pb2.EncodedResult(
        data=data, compression=compression, sha256=hashlib.sha256(data).digest()
    )


def unpack_result(encoded: ResultAsSent, message_type: type[_MessageT]) -> _MessageT:
    """The message that :func:`pack_result` was given.

    Args:
        encoded: what arrived.
        message_type: the message that it must be.

    Raises:
        CodecError: the bytes are not those that were sent, or not such a message.
    """
    # Asked for once: a message makes a copy each time.
    data = encoded.data
    if hashlib.sha256(data).digest() != encoded.sha256:
        raise codec_error(
            "the result arrived damaged (its digest does not match): fetch it once more"
        )
    try:
        serialized = decompress(data, encoded.compression)
    except MisfitError as misfit:
        raise misfit.inside("result").as_codec_error() from misfit.__cause__
    try:
        return message_type.FromString(serialized)
    except DecodeError as error:
        name = message_type.DESCRIPTOR.full_name
        raise codec_error(f"the result is not a {name}: {error}") from error
