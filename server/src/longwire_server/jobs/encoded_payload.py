"""A stored EncodedResult, read without its data ever being in memory as a whole."""

from __future__ import annotations

import contextlib

from google.protobuf.message import DecodeError

from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.wire_format import HEAD_BYTES, find_field
from longwire_server.store.payload_reader import PayloadInMemory, PayloadReader

# What stands behind the data: a compression and a digest.
_MAX_TAIL_BYTES = 1024


class EncodedPayload:
    """Where the parts of a stored EncodedResult are.

    Args:
        reader: reads it, and is at its beginning.
        header: the message without its data.
        begin: where its data begins in the payload, in bytes.
        size_bytes: how large its data is.
    """

    def __init__(
        self, reader: PayloadReader, header: EncodedResult, begin: int, size_bytes: int
    ) -> None:
        self.header = header
        self.size_bytes = size_bytes
        self._reader = reader
        self._begin = begin
        self._left = size_bytes

    async def read_into(self, target: memoryview) -> None:
        """Fills the target with the next of the data.

        The call that reaches its end returns only where the whole payload is as it was
        written.

        Args:
            target: not empty, and at most as large as what is left.

        Raises:
            PayloadDamagedError: the payload is not there any more, or not as it was written.
            StoreError: it cannot be read.
        """
        if self._left == self.size_bytes:
            await self._skip(self._begin)
        await self._reader.read_into(target)
        self._left -= len(target)
        if not self._left:
            # The payload's end tells whether all of it is as it was written.
            await self._skip(self._reader.size_bytes - self._begin - self.size_bytes)

    async def _skip(self, size_bytes: int) -> None:
        if size_bytes:
            await self._reader.read_into(memoryview(bytearray(size_bytes)))


async def open_encoded(reader: PayloadReader) -> EncodedPayload:
    """Finds the parts of a stored EncodedResult.

    Args:
        reader: reads it, and is at its beginning.

    Raises:
        PayloadDamagedError: it is not as it was written.
        StoreError: it cannot be read.
    """
    head = await reader.peek(0, min(HEAD_BYTES, reader.size_bytes))
    # Workers write the data first.
    begin, size_bytes = find_field(head, EncodedResult.DATA_FIELD_NUMBER)
    end = begin + size_bytes
    if size_bytes and 0 <= reader.size_bytes - end <= _MAX_TAIL_BYTES:
        tail = await reader.peek(end, reader.size_bytes - end)
        with contextlib.suppress(DecodeError):
            header = EncodedResult.FromString(tail)
            if not header.data:
                return EncodedPayload(reader, header, begin, size_bytes)
    # A message in another order is as good.
    whole = bytearray(reader.size_bytes)
    await reader.read_into(memoryview(whole))
    encoded = EncodedResult.FromString(bytes(whole))
    data = encoded.data
    encoded.ClearField("data")
    return EncodedPayload(PayloadInMemory(data), encoded, 0, len(data))
