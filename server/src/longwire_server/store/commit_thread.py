"""Group commit: writes that arrive together share one transaction.

One thread owns the writing connection. It takes every write that waits, runs
them in one transaction, commits once, and answers all of them: under load the
cost of a commit is divided by the number of waiting writes, and a lone write
pays for no delay.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.job_store import StoreError

T = TypeVar("T")
Write = Callable[[DBAPICursor], Any]

# Bounds the time that the first write of a batch waits for the last.
_WRITES_PER_COMMIT = 512


class CommitThread:
    """Runs writes against an engine, in the order in which they were submitted."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._waiting: queue.SimpleQueue[tuple[Write, asyncio.Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="longwire-commit", daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[DBAPICursor], T]) -> asyncio.Future[T]:
        """Queues a write. The future completes when the write is committed.

        Raises:
            StoreError: (from the future) the write or its commit failed.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.put((write, future))
        return future

    async def close(self) -> None:
        """Commits what waits, then ends the thread."""
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        open_for_writes = True
        while open_for_writes:
            batch = []
            item = self._waiting.get()
            while item is not None:
                batch.append(item)
                if len(batch) == _WRITES_PER_COMMIT:
                    break
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
            else:
                open_for_writes = False
            if batch:
                outcomes = self._commit([write for write, _ in batch])
                self._loop.call_soon_threadsafe(_answer, [future for _, future in batch], outcomes)

    def _commit(self, writes: list[Write]) -> list[Any]:
        """The outcome of each write: its value, or a StoreError."""
        try:
            return self._run_in_transaction(writes)
        except (sa.exc.SQLAlchemyError, self._driver_error, OSError) as error:
            if len(writes) == 1:
                return [_store_error(error)]
        # One of them spoilt the transaction for all: each gets its own.
        return [self._commit([write])[0] for write in writes]

    def _run_in_transaction(self, writes: list[Write]) -> list[Any]:
        connection = self._engine.raw_connection()
        try:
            with closing(connection.cursor()) as cursor:
                outcomes = [write(cursor) for write in writes]
            connection.commit()
        finally:
            # What is not committed is rolled back as the connection goes back to the pool.
            connection.close()
        return outcomes


def _store_error(cause: BaseException) -> StoreError:
    error = StoreError(f"{type(cause).__name__}: {cause}")
    error.__cause__ = cause
    return error


def _answer(futures: list[asyncio.Future[Any]], outcomes: list[Any]) -> None:
    for future, outcome in zip(futures, outcomes, strict=True):
        if future.cancelled():
            continue
        if isinstance(outcome, StoreError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
