"""A stored payload as it is read piece by piece, so that it is never in memory as a whole."""

from __future__ import annotations

import abc


class PayloadReader(abc.ABC):
    """Reads one payload from its beginning to its end.

    Args:
        size_bytes: how large the payload is.
    """

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes

    @abc.abstractmethod
    async def peek(self, start: int, size_bytes: int) -> bytes:
        """Some of its bytes out of turn, which are not checked.

        Raises:
            PayloadDamagedError: the payload is not there any more.
            StoreError: it cannot be read.
        """

    @abc.abstractmethod
    async def read_into(self, target: memoryview) -> None:
        """Fills the target with the next bytes, one call at a time.

        The call that reaches the payload's end returns only where the whole payload is
        as it was written. So whoever holds back what came before the end hands out
        nothing damaged as complete.

        Raises:
            PayloadDamagedError: the payload is not there any more, or not as it was written.
            StoreError: it cannot be read.
        """


class PayloadInMemory(PayloadReader):
    """A payload that was in its row."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(len(payload))
        self._payload = memoryview(payload)
        self._position = 0

    async def peek(self, start: int, size_bytes: int) -> bytes:
        """See :meth:`PayloadReader.peek`."""
        return bytes(self._payload[start : start + size_bytes])

    async def read_into(self, target: memoryview) -> None:
        """See :meth:`PayloadReader.read_into`."""
        begin, self._position = self._position, self._position + len(target)
        target[:] = self._payload[begin : self._position]
