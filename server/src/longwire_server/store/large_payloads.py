"""The payloads of rows, of which the large ones are in files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

import sqlalchemy as sa

from longwire_server.store.database import Read
from longwire_server.store.job_store import PayloadDamagedError, StoreError
from longwire_server.store.payload import Payload, PayloadFile, payload_from_columns
from longwire_server.store.payload_files import PayloadFiles
from longwire_server.store.payload_reader import PayloadInMemory, PayloadReader
from longwire_server.store.tables import PAYLOAD_TABLES, store_identity

_logger = logging.getLogger(__name__)

T = TypeVar("T")

_SWEEP_EVERY_SECONDS = 3600.0
# Another server may be about to refer to a file that is younger.
_SWEPT_AFTER_SECONDS = 3600.0
_NOTHING: sa.Select[Any] = sa.select(sa.literal_column("1"))


class LargePayloads:
    """Puts payloads where they belong, and finds them again.

    Args:
        files: where the large ones are; None keeps all in rows.
        read: reads the database.
        is_lone_writer: whether no other server can write to this store.
    """

    def __init__(self, files: PayloadFiles | None, read: Read, *, is_lone_writer: bool) -> None:
        self._files = files
        self._read = read
        self._is_lone_writer = is_lone_writer
        self._sweeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Makes ready, and begins to remove files that nothing refers to.

        Raises:
            StoreError: the files cannot be reached.
        """
        if self._files is None:
            return
        select = sa.select(store_identity.c.store_id)
        store_id: str = await self._read(lambda connection: connection.execute(select).scalar_one())
        await self._files.open(store_id)
        self._sweeper = asyncio.create_task(self._keep_sweeping(self._files))

    async def close(self) -> None:
        """Ends that."""
        if self._files is None or self._sweeper is None:
            return
        self._sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sweeper
        self._files.close()

    def is_large(self, payload: bytes) -> bool:
        """Whether a payload belongs into a file."""
        return self._files is not None and len(payload) > self._files.above_bytes

    @contextlib.asynccontextmanager
    async def placed(self, payload: bytes) -> AsyncIterator[Payload]:
        """The payload for a row that is committed in the meantime.

        A file that no row refers to then is removed.

        Raises:
            StoreError: it cannot be written.
        """
        if self._files is None or not self.is_large(payload):
            yield payload
            return
        # While the database is away, no files are written again and again in vain.
        await self._read(lambda connection: connection.execute(_NOTHING).all())
        file = await self._files.write(payload)
        try:
            yield file
        except StoreError:
            # Where the caller was cancelled, the commit may yet come, and the file stays.
            await self._settle(file, is_over=self._is_lone_writer)
            raise
        await self._settle(file, is_over=True)

    async def load(self, select: sa.Select[Any]) -> bytes | None:
        """The payload of a row.

        Args:
            select: selects :data:`longwire_server.store.payload.COLUMNS` of one row.

        Raises:
            PayloadDamagedError: it is in a file that is missing or damaged.
            StoreError: it cannot be read.
        """
        return await self._found(select, lambda files, file: files.read(file))

    @contextlib.asynccontextmanager
    async def reader(self, select: sa.Select[Any]) -> AsyncIterator[PayloadReader | None]:
        """Reads the payload of a row piece by piece, inside of the block.

        Args:
            select: selects :data:`longwire_server.store.payload.COLUMNS` of one row.

        Raises:
            PayloadDamagedError: it is in a file that is missing, or has another size.
            StoreError: it cannot be read.
        """
        async with contextlib.AsyncExitStack() as stack:
            payload = await self._found(
                select, lambda files, file: stack.enter_async_context(files.reader(file))
            )
            yield PayloadInMemory(payload) if isinstance(payload, bytes) else payload

    async def _found(
        self,
        select: sa.Select[Any],
        get: Callable[[PayloadFiles, PayloadFile], Awaitable[T]],
    ) -> bytes | T | None:
        """The payload of a row, or what ``get`` makes of its file."""
        damage: PayloadDamagedError | None = None
        damaged: PayloadFile | None = None
        while True:
            row = await self._read(lambda connection: connection.execute(select).one_or_none())
            if row is None:
                return None
            payload = payload_from_columns(row._mapping)
            if isinstance(payload, bytes):
                return payload
            if self._files is None:
                raise StoreError("a payload is in a file, and this store was opened without files")
            if payload == damaged and damage is not None:
                raise damage
            try:
                return await get(self._files, payload)
            except PayloadDamagedError as error:
                # Unless the row was removed since, and its file with it.
                damage, damaged = error, payload

    async def discard(self, file_keys: Iterable[str]) -> None:
        """Removes the files of rows that were removed."""
        if self._files is not None:
            await self._files.remove(file_keys)

    async def _settle(self, file: PayloadFile, *, is_over: bool) -> None:
        """Removes a file that no row refers to, now or, where a commit is in doubt, in a sweep."""
        assert self._files is not None
        is_needed = True
        if is_over:
            with contextlib.suppress(StoreError):
                is_needed = file.key in await self._referred([file.key])
        self._files.settle(file.key)
        if not is_needed:
            await self._files.remove([file.key])

    async def _referred(self, keys: list[str]) -> set[str]:
        def read(connection: sa.Connection) -> set[str]:
            return {
                key
                for table in PAYLOAD_TABLES
                for key in connection.execute(
                    # Not NULL as the partial index has it, so that the index serves it.
                    sa.select(table.c.file_key).where(
                        table.c.file_key.in_(keys), table.c.file_key.is_not(None)
                    )
                ).scalars()
            }

        return await self._read(read)

    async def _keep_sweeping(self, files: PayloadFiles) -> None:
        # What is left of a lone writer's last life is left for good.
        older_than_seconds = 0.0 if self._is_lone_writer else _SWEPT_AFTER_SECONDS
        while True:
            try:
                removed = await files.sweep(self._referred, older_than_seconds=older_than_seconds)
                if removed:
                    _logger.info("removed %d payloads that nothing referred to", removed)
                older_than_seconds = _SWEPT_AFTER_SECONDS
            except StoreError as error:
                _logger.warning("payloads that nothing refers to stay for now: %s", error)
            await asyncio.sleep(_SWEEP_EVERY_SECONDS)
