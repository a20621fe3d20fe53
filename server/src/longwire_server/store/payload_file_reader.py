"""Reads the file of a large payload piece by piece."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from typing import IO

from longwire_server.store.job_store import PayloadDamagedError
from longwire_server.store.payload import PayloadFile
from longwire_server.store.payload_check import PayloadCheck
from longwire_server.store.payload_reader import PayloadReader

# Reads only what is in the machine's memory. Of Linux; elsewhere all is read in threads.
_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)
# What the machine is to read meanwhile, once a piece was waited for.
_AHEAD_BYTES = 4 << 20


class PayloadFileReader(PayloadReader):
    """Reads one open file.

    What the machine has in memory is read on the event loop: that takes a tenth of the
    time of a change of threads. The rest is read in threads, and for a file of this
    machine the system is asked to have what follows ready by the time it is needed. So
    nothing is read ahead into the server's own memory.

    Args:
        file: what it must be.
        opened: the file.
        is_local: whether it is one of this machine.
        run: runs a function in a thread.
        telling_missing: tells of a file that is gone as of damage.
    """

    def __init__(
        self,
        file: PayloadFile,
        opened: IO[bytes],
        *,
        is_local: bool,
        run: Callable[[Callable[[], None]], Awaitable[None]],
        telling_missing: Callable[[PayloadFile], contextlib.AbstractContextManager[None]],
    ) -> None:
        super().__init__(file.size_bytes)
        self._file = file
        self._opened = opened
        self._descriptor = opened.fileno() if is_local else None
        self._run = run
        self._telling_missing = telling_missing
        self._check = PayloadCheck(file.check)
        self._position = 0
        # Held while a thread reads, which goes on where its caller has gone away.
        self._reading = threading.Lock()
        self._is_unwanted = False

    async def peek(self, start: int, size_bytes: int) -> bytes:
        """See :meth:`PayloadReader.peek`."""
        found = bytearray(size_bytes)
        target = memoryview(found)
        if not self._is_read_at_once(target, start):
            await self._run(lambda: self._wait_for(target, start))
        return bytes(found)

    async def read_into(self, target: memoryview) -> None:
        """See :meth:`PayloadReader.read_into`."""
        start, self._position = self._position, self._position + len(target)
        is_last = self._position == self._file.size_bytes

        def wait() -> None:
            self._wait_for(target, start)
            self._checked(target, is_last=is_last)

        # A slow check is not made on the event loop either.
        if self._check.is_fast and self._is_read_at_once(target, start):
            self._checked(target, is_last=is_last)
        else:
            await self._run(wait)

    def close(self) -> None:
        """Closes the file, once no thread reads it."""
        self._is_unwanted = True
        # A thread that has it closes the file when it is done.
        if self._reading.acquire(blocking=False):
            try:
                self._opened.close()
            finally:
                self._reading.release()

    def _is_read_at_once(self, target: memoryview, start: int) -> bool:
        if self._descriptor is None or _NOWAIT is None:
            return False
        try:
            return os.preadv(self._descriptor, [target], start, _NOWAIT) == len(target)
        except OSError:
            # It is not in memory, or the file system cannot tell: reading it will.
            return False

    def _wait_for(self, target: memoryview, start: int) -> None:
        try:
            with self._reading, self._telling_missing(self._file):
                if not self._is_unwanted:
                    self._fill(target, start)
        finally:
            if self._is_unwanted:
                self.close()

    def _fill(self, target: memoryview, start: int) -> None:
        self._opened.seek(start)
        filled = 0
        while filled < len(target):
            # A file may give less than was asked for, and is at its end where it gives none.
            more = self._opened.readinto(target[filled:])  # type: ignore[attr-defined]
            if not more:
                raise damaged(self._file, f"ends after {start + filled} bytes")
            filled += more
        if self._descriptor is not None and hasattr(os, "posix_fadvise"):
            end = start + len(target)
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._descriptor, end, _AHEAD_BYTES, os.POSIX_FADV_WILLNEED)

    def _checked(self, piece: memoryview, *, is_last: bool) -> None:
        self._check.update(piece)
        if is_last and not self._check.fits():
            raise damaged(self._file, "has not the contents that were written")


def damaged(file: PayloadFile, how: str) -> PayloadDamagedError:
    """The error of a file that is not what its row says."""
    return PayloadDamagedError(f"the stored payload is damaged: its file {file.key} {how}")
