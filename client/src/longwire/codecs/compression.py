"""Compression of fields that hold bytes, where it pays.

Random amplitudes do not compress, a sparse state shrinks a thousandfold. A
sample of the data tells the two apart for about 20 microseconds, so neither
costs what the other needs.
"""

from __future__ import annotations

import zstandard

from longwire.codecs.failure import MisfitError
from longwire.v1 import array_pb2

__all__ = ["compress", "decompress"]

# Shorter data is sent as it is: a network packet is saved at best.
MINIMUM_BYTES = 4096
# Compressed data must be smaller than this part of the original to be kept.
WORTHWHILE_RATIO = 0.8
# Parsers of protobuf refuse messages of 2 GiB, so nothing larger crosses uncompressed either.
MAXIMUM_BYTES = 2**31 - 1
# Level 1 is three times as fast as zstd's default on states and as small within a few percent.
LEVEL = 1

_SAMPLE_PIECES = 4
_SAMPLE_PIECE_BYTES = 2048


def compress(data: bytes) -> tuple[bytes, array_pb2.Compression.ValueType]:
    """The data as a message should carry it, and how it is compressed there."""
    if len(data) < MINIMUM_BYTES:
        return data, array_pb2.COMPRESSION_UNSPECIFIED
    # A compressor must not be shared between threads; making one takes a microsecond.
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    sample = _sample(data)
    if len(compressor.compress(sample)) <= WORTHWHILE_RATIO * len(sample):
        compressed = compressor.compress(data)
        if len(compressed) <= WORTHWHILE_RATIO * len(data):
            return compressed, array_pb2.COMPRESSION_ZSTD
    return data, array_pb2.COMPRESSION_UNSPECIFIED


def decompress(
    data: bytes,
    compression: array_pb2.Compression.ValueType,
    *,
    expected_bytes: int | None = None,
    most_bytes: int = MAXIMUM_BYTES,
) -> bytes:
    """The bytes that :func:`compress` was given.

    Args:
        data: the field of the message.
        compression: how the message says it is compressed.
        expected_bytes: the size that the rest of the message implies, where it
            implies one. Another size is refused before anything is allocated.
        most_bytes: the largest size, 2 GiB unless told otherwise; refused so, too.

    Raises:
        MisfitError: the data is not what the message says, or too large.
    """
    if compression == array_pb2.COMPRESSION_UNSPECIFIED:
        _check_size(len(data), expected_bytes, most_bytes)
        return data
    if compression != array_pb2.COMPRESSION_ZSTD:
        raise MisfitError(
            f"its compression {compression} is newer than this version of longwire: upgrade it"
        )
    try:
        stated_bytes = zstandard.frame_content_size(data)
        if stated_bytes < 0:
            raise MisfitError("its Zstandard frame does not state its content size")
        _check_size(stated_bytes, expected_bytes, most_bytes)
        if stated_bytes == 0:
            return b""
        return zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise MisfitError(f"its Zstandard frame is damaged: {error}") from error


def _check_size(actual_bytes: int, expected_bytes: int | None, most_bytes: int) -> None:
    if expected_bytes is not None and actual_bytes != expected_bytes:
        raise MisfitError(f"it holds {actual_bytes} bytes where {expected_bytes} belong")
    if actual_bytes > most_bytes:
        raise MisfitError(f"it holds {actual_bytes} bytes; at most {most_bytes} can be read")


def _sample(data: bytes) -> bytes:
    """Pieces of the data at even distances, so that a zero head does not mislead."""
    stride = (len(data) - _SAMPLE_PIECE_BYTES) // _SAMPLE_PIECES
    if stride <= _SAMPLE_PIECE_BYTES:
        return data
    return b"".join(
        data[index * stride : index * stride + _SAMPLE_PIECE_BYTES]
        for index in range(_SAMPLE_PIECES + 1)
    )
