"""Payloads that are too large for the database, as files of a directory or an object store.

A file is written before the commit that refers to it, under a random name that
nothing else ever has, and removed after the commit that refers to it no more. So
whatever dies in between leaves a file that no row refers to, and never a row without
its file. A sweep removes such files.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from longwire_server.failpoints import failpoint
from longwire_server.store.job_store import StoreError
from longwire_server.store.payload import PayloadFile
from longwire_server.store.payload_check import fits, new_check
from longwire_server.store.payload_file_reader import PayloadFileReader, damaged
from longwire_server.store.payload_reader import PayloadReader

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_logger = logging.getLogger(__name__)

T = TypeVar("T")

_THREADS = 4
_CANNOT_READ = "cannot read a payload of"
# What is asked of an object store at once: each request takes milliseconds.
_AHEAD_BYTES = 4 << 20
# What a write that is under way, or was when its server died, is called.
_PART = ".part"
# Nothing else is ever removed, whatever a URL points at.
_OUR_NAME = re.compile(r"[0-9a-f]{32}(\.part)?")
# Files that one query of a sweep asks about.
_FILES_AT_ONCE = 500
_USER_INFO = re.compile(r"//[^/@]*@")


class PayloadFiles:
    """The files of one store.

    Args:
        url: a directory, or a URL of fsspec's. Each store has a directory below it.
        above_bytes: payloads larger than this are kept in files.
        options: keyword arguments of fsspec's file system.
        waits_for_disk: whether a file of this machine survives the loss of power. What
            an object store has confirmed is its own affair.
    """

    def __init__(
        self,
        url: str,
        *,
        above_bytes: int,
        options: Mapping[str, Any] | None = None,
        waits_for_disk: bool = False,
    ) -> None:
        self._url = url
        self._options = dict(options or {})
        self._waits_for_disk = waits_for_disk
        self.above_bytes = above_bytes
        self.shown = _USER_INFO.sub("//***@", url)
        # Written, but perhaps not yet referred to.
        self._unsettled: set[str] = set()
        # When a file was first seen whose file system does not say how old it is.
        self._first_seen: dict[str, float] = {}

    async def open(self, store_id: str) -> None:
        """Makes the directory of a store, and tries to write there.

        Raises:
            StoreError: one of the two fails.
        """
        self._threads = ThreadPoolExecutor(_THREADS, "longwire-payload")
        try:
            await self._run("cannot use", lambda: self._connect(store_id))
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    async def write(self, payload: bytes) -> PayloadFile:
        """Writes a payload. No sweep removes it until :meth:`settle`.

        Raises:
            StoreError: it cannot be written.
        """
        key = secrets.token_hex(16)
        self._unsettled.add(key)

        def write() -> PayloadFile:
            if self._is_local:
                self._write_local(key, payload)
            else:
                self._files.pipe_file(self._path(key), payload)
            failpoint("store.payload.written")
            return PayloadFile(key, len(payload), new_check(payload))

        try:
            return await self._run(f"cannot write a payload of {len(payload)} bytes to", write)
        except StoreError:
            self.settle(key)
            raise

    def settle(self, key: str) -> None:
        """Says that the commit which was to refer to a file is over, however it ended."""
        self._unsettled.discard(key)

    async def read(self, file: PayloadFile) -> bytes:
        """Reads a payload.

        Raises:
            PayloadDamagedError: it is not there, or not as it was written.
            StoreError: the files cannot be reached.
        """

        def read() -> bytes:
            with self._telling_missing(file):
                found: bytes = self._files.cat_file(self._path(file.key))
            _check_size(file, len(found))
            if not fits(found, file.check):
                raise damaged(file, "has not the contents that were written")
            return found

        return await self._run(_CANNOT_READ, read)

    @contextlib.asynccontextmanager
    async def reader(self, file: PayloadFile) -> AsyncIterator[PayloadReader]:
        """Reads a payload piece by piece, inside of the block.

        A file of this machine stays readable there when it is removed.

        Raises:
            PayloadDamagedError: it is not there, or has another size. What it contains
                is checked when its end is read.
            StoreError: the files cannot be reached.
        """

        def begin() -> IO[bytes]:
            with self._telling_missing(file):
                opened: IO[bytes]
                if self._is_local:
                    # Each piece is larger than any buffer.
                    opened = open(self._path(file.key), "rb", buffering=0)  # noqa: PTH123, SIM115 - closed below
                else:
                    opened = self._files.open(self._path(file.key), block_size=_AHEAD_BYTES)
            try:
                _check_size(file, opened.seek(0, os.SEEK_END))
                opened.seek(0)
            except BaseException:
                opened.close()
                raise
            return opened

        opening = _Opening(begin)
        try:
            opened = await self._run(_CANNOT_READ, opening.open)
        except BaseException:
            # Where the caller goes away in the meantime, the thread goes on.
            opening.give_up()
            raise
        reader = PayloadFileReader(
            file,
            opened,
            is_local=self._is_local,
            run=partial(self._run, _CANNOT_READ),
            telling_missing=self._telling_missing,
        )
        try:
            yield reader
        finally:
            reader.close()

    @contextlib.contextmanager
    def _telling_missing(self, file: PayloadFile) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            if self._is_local:
                # A disk that is not mounted is no damage.
                Path(self._directory).stat()
            raise damaged(file, "is missing") from None

    async def remove(self, keys: Iterable[str]) -> None:
        """Removes files that no row refers to any more. What cannot be, a sweep will."""
        names = list(keys)
        if not names:
            return
        failpoint("store.payload.unneeded")
        try:
            await self._run("cannot remove payloads of", lambda: self._remove(names))
        except StoreError as error:
            _logger.warning("%s; a later sweep will", error)

    async def sweep(
        self, referred: Callable[[list[str]], Awaitable[set[str]]], *, older_than_seconds: float
    ) -> int:
        """Removes the files that no row refers to.

        Args:
            referred: which of some keys rows refer to.
            older_than_seconds: younger files stay, which may be another server's that
                is about to refer to them.

        Returns:
            How many were removed.

        Raises:
            StoreError: the files, or the rows, cannot be read.
        """
        names = await self._run("cannot list", lambda: self._old_names(older_than_seconds))
        removed = 0
        for begin in range(0, len(names), _FILES_AT_ONCE):
            some = names[begin : begin + _FILES_AT_ONCE]
            # Looked at before the rows are: what is settled by now is committed.
            needed = frozenset(self._unsettled)
            needed |= await referred([name.removesuffix(_PART) for name in some])
            unneeded = [name for name in some if name.removesuffix(_PART) not in needed]
            await self._run("cannot remove payloads of", partial(self._remove, unneeded))
            removed += len(unneeded)
        return removed

    def _connect(self, store_id: str) -> None:
        # Takes a while, which a server without files need not wait for.
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        self._files: AbstractFileSystem
        self._files, directory = url_to_fs(self._url, **self._options)
        self._directory = f"{directory.rstrip('/')}/{store_id}"
        self._is_local = isinstance(self._files, LocalFileSystem)
        if self._is_local:
            # What users have computed is for the server's user alone.
            Path(self._directory).mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            self._files.makedirs(self._directory, exist_ok=True)
        # A wrong password, or a disk that only reads, is told at the start.
        probe = f"{secrets.token_hex(16)}{_PART}"
        self._files.pipe_file(self._path(probe), b"probe")
        self._files.rm_file(self._path(probe))

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}"

    def _write_local(self, key: str, payload: bytes) -> None:
        path = Path(self._path(key))
        part = path.with_name(f"{key}{_PART}")
        try:
            with part.open("xb") as file:
                file.write(payload)
                if self._waits_for_disk:
                    file.flush()
                    os.fdatasync(file.fileno())
            failpoint("store.payload.part")
            part.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        if self._waits_for_disk:
            # The name is in the directory, which is written on its own.
            directory = os.open(self._directory, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            self._first_seen.pop(name, None)
            with contextlib.suppress(FileNotFoundError):
                self._files.rm_file(self._path(name))

    def _old_names(self, older_than_seconds: float) -> list[str]:
        # Others may have written meanwhile.
        self._files.invalidate_cache()
        try:
            paths = self._files.ls(self._directory, detail=False)
        except FileNotFoundError:
            # An object store has no directories without files.
            return []
        names = (path.rstrip("/").rpartition("/")[2] for path in paths)
        return [
            name
            for name in names
            if _OUR_NAME.fullmatch(name) and self._age_seconds(name) >= older_than_seconds
        ]

    def _age_seconds(self, name: str) -> float:
        try:
            return time.time() - float(self._files.modified(self._path(name)).timestamp())
        except FileNotFoundError:
            return -1.0
        except NotImplementedError:
            return time.monotonic() - self._first_seen.setdefault(name, time.monotonic())

    async def _run(self, cannot: str, act: Callable[[], T]) -> T:
        def run() -> T:
            try:
                return act()
            except StoreError:
                raise
            except Exception as error:
                # Every file system has exceptions of its own, which have nothing in common.
                words = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise StoreError(f"{cannot} {self.shown}: {words}") from error

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)


class _Opening:
    """The opening of a file in a thread, which may have become unwanted when it is done.

    Args:
        begin: opens it.
    """

    def __init__(self, begin: Callable[[], IO[bytes]]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._opened: IO[bytes] | None = None
        self._is_unwanted = False

    def open(self) -> IO[bytes]:
        """Opens the file, and closes it again where nobody wants it any more."""
        opened = self._begin()
        with self._lock:
            self._opened = opened
            if self._is_unwanted:
                opened.close()
        return opened

    def give_up(self) -> None:
        """Has the file closed, now or when it is open."""
        with self._lock:
            self._is_unwanted = True
            if self._opened is not None:
                self._opened.close()


def _check_size(file: PayloadFile, size_bytes: int) -> None:
    if size_bytes != file.size_bytes:
        raise damaged(file, f"has {size_bytes} bytes instead of {file.size_bytes}")
