"""A stored EncodedResult, taken apart without being in memory as a whole."""

from __future__ import annotations

import asyncio

import pytest

from longwire.v1.array_pb2 import COMPRESSION_ZSTD
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.jobs.encoded_payload import open_encoded
from longwire_server.store.payload_reader import PayloadInMemory

HEADER = EncodedResult(compression=COMPRESSION_ZSTD, sha256=b"\x07" * 32)
HEADER_BYTES = HEADER.SerializeToString()
DATA = bytes(range(256)) * 30
DATA_BYTES = EncodedResult(data=DATA).SerializeToString()


def taken_apart(payload: bytes, piece_bytes: int = 1000) -> tuple[EncodedResult, bytes]:
    async def read() -> tuple[EncodedResult, bytes]:
        encoded = await open_encoded(PayloadInMemory(payload))
        data = bytearray(encoded.size_bytes)
        for begin in range(0, len(data), piece_bytes):
            await encoded.read_into(memoryview(data)[begin : begin + piece_bytes])
        return encoded.header, bytes(data)

    return asyncio.run(read())


@pytest.mark.parametrize(
    "payload",
    [
        DATA_BYTES + HEADER_BYTES,
        HEADER_BYTES + DATA_BYTES,
        # The last of two is the one that counts.
        EncodedResult(data=b"no").SerializeToString() + DATA_BYTES + HEADER_BYTES,
        DATA_BYTES + EncodedResult(data=DATA).SerializeToString() + HEADER_BYTES,
        # A field of a later version, longer than what is looked at behind the data.
        DATA_BYTES + HEADER_BYTES + b"\x7a\x90\x4e" + bytes(10_000),
    ],
    ids=["as-written", "data-last", "data-twice", "large-data-twice", "later-version"],
)
@pytest.mark.parametrize("piece_bytes", [1, 1000, len(DATA)])
def test_data_and_header_are_those_of_the_message(payload: bytes, piece_bytes: int) -> None:
    header, data = taken_apart(payload, piece_bytes)
    assert data == DATA
    assert (header.compression, header.sha256) == (HEADER.compression, HEADER.sha256)
    assert header.data == b""


@pytest.mark.parametrize(
    ("payload", "header"),
    [(b"", EncodedResult()), (HEADER_BYTES, HEADER), (b"\x0a\x00" + HEADER_BYTES, HEADER)],
    ids=["empty", "no-data", "empty-data"],
)
def test_message_without_data_has_none(payload: bytes, header: EncodedResult) -> None:
    assert taken_apart(payload) == (header, b"")


def test_message_that_is_its_data_alone_has_an_empty_header() -> None:
    assert taken_apart(DATA_BYTES) == (EncodedResult(), DATA)
