"""Group commit: writes that arrive together share one transaction.

Writes that arrive in one turn of the event loop, or while a commit is under way,
are committed together: under load the cost of a commit is divided by their
number, and a lone write pays for no delay.

A commit that only has to survive the process (SQLite without fsync) takes some
50 µs, less than a change of threads, so small batches are committed on the event
loop itself. A batch that is large or waits for the disk goes to a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.failpoints import failpoint
from longwire_server.store.database import Database, cause_in_words
from longwire_server.store.job_store import StoreError

T = TypeVar("T")
Write = Callable[[DBAPICursor], Any]

# Bounds the time that the first write of a batch waits for the last.
_WRITES_PER_COMMIT = 512


class GroupCommit:
    """Runs writes against a database, in the order in which they were submitted.

    Args:
        database: where to write.
        on_loop_bytes: batches with payloads up to this size are committed on the
            event loop; -1 sends all to a thread.
        begin: called before the writes of each transaction.
        finish: called after them, before the commit: what they leave to be written
            together.
    """

    def __init__(
        self,
        database: Database,
        *,
        on_loop_bytes: int,
        begin: Callable[[], None] = lambda: None,
        finish: Callable[[DBAPICursor], None] = lambda _cursor: None,
    ) -> None:
        self._database = database
        self._begin = begin
        self._finish = finish
        self._dialect = database.engine.dialect
        self._driver_error: type[Exception] = self._dialect.loaded_dbapi.Error
        self._on_loop_bytes = on_loop_bytes
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "longwire-commit")
        self._waiting: list[tuple[Write, int, asyncio.Future[Any]]] = []
        self._committing: asyncio.Future[list[Any]] | None = None
        self._connection: sa.PoolProxiedConnection | None = None
        self._flush_is_due = False

    def submit(
        self, write: Callable[[DBAPICursor], T], *, payload_bytes: int = 0
    ) -> asyncio.Future[T]:
        """Queues a write. The future completes when the write is committed.

        Args:
            write: runs statements on a cursor, and returns the future's value.
            payload_bytes: how much it writes, roughly.

        Raises:
            StoreError: (from the future) the write or its commit failed.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append((write, payload_bytes, future))
        self._flush_soon()
        return future

    async def close(self) -> None:
        """Commits what waits, then ends the thread."""
        while self._waiting or self._committing is not None:
            with contextlib.suppress(StoreError):
                await self.submit(lambda _cursor: None)
        self._thread.shutdown()
        connection, self._connection = self._connection, None
        if connection is not None:
            # Not back into the pool: with PostgreSQL it holds the writer's lock.
            connection.invalidate()

    def _flush(self) -> None:
        self._flush_is_due = False
        if self._committing is not None or not self._waiting:
            return
        batch = self._waiting[:_WRITES_PER_COMMIT]
        del self._waiting[:_WRITES_PER_COMMIT]
        failpoint("store.batch.taken")
        writes = [write for write, _, _ in batch]
        futures = [future for _, _, future in batch]
        if sum(size for _, size, _ in batch) <= self._on_loop_bytes:
            _answer(futures, self._commit(writes))
            self._flush_soon()
            return
        self._committing = self._loop.run_in_executor(self._thread, self._commit, writes)
        self._committing.add_done_callback(lambda outcomes: self._committed(futures, outcomes))

    def _committed(
        self, futures: list[asyncio.Future[Any]], outcomes: asyncio.Future[list[Any]]
    ) -> None:
        self._committing = None
        _answer(futures, outcomes.result())
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self._waiting and not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def _commit(self, writes: list[Write]) -> list[Any]:
        """The outcome of each write: its value, a StoreError, or a _Defect."""
        try:
            try:
                return self._run_in_transaction(writes)
            except _ConnectionLostError:
                # A database that was restarted takes a new one. What the first try
                # may have committed all the same, a second leaves as it is.
                return self._run_in_transaction(writes)
        except (_UnreachableError, _ConnectionLostError) as error:
            return [_store_error(error.__cause__ or error) for _ in writes]
        except (sa.exc.SQLAlchemyError, self._driver_error, StoreError, OSError) as error:
            if len(writes) == 1:
                return [_store_error(error)]
        except Exception as error:  # noqa: BLE001 - a defect of one must not leave all waiting
            if len(writes) == 1:
                return [_Defect(error)]
        # One of them spoilt the transaction for all: each gets its own.
        return [self._commit([write])[0] for write in writes]

    def _run_in_transaction(self, writes: list[Write]) -> list[Any]:
        # The connection is kept: the pool's care for each use of one takes longer
        # than the writes of a job.
        connection = self._connection = self._connection or self._connect()
        try:
            failpoint("store.statements.before")
            with closing(connection.cursor()) as cursor:
                self._begin()
                outcomes = [_written(write, cursor) for write in writes]
                self._finish(cursor)
            failpoint("store.commit.before")
            connection.commit()
        except BaseException as error:
            if self._is_lost(connection, error):
                self._connection = None
                connection.invalidate()
                raise _ConnectionLostError from error
            raise
        failpoint("store.commit.after")
        return outcomes

    def _connect(self) -> sa.PoolProxiedConnection:
        try:
            return self._database.writer()
        except (sa.exc.SQLAlchemyError, self._driver_error, StoreError, OSError) as error:
            raise _UnreachableError from error

    def _is_lost(self, connection: sa.PoolProxiedConnection, error: BaseException) -> bool:
        """Whether the connection cannot be used any more. If it can, its transaction is over."""
        driver_error: Any = error
        driver_connection: Any = connection.dbapi_connection
        if isinstance(error, self._driver_error) and self._dialect.is_disconnect(
            driver_error, driver_connection, None
        ):
            return True
        try:
            connection.rollback()
        except (self._driver_error, OSError):
            return True
        return False


def _written(write: Write, cursor: DBAPICursor) -> Any:
    outcome = write(cursor)
    failpoint("store.statement.after")
    return outcome


@dataclasses.dataclass(frozen=True, slots=True)
class _Defect:
    """What a write raised that no database does, such as for a number too large for it."""

    error: Exception


class _UnreachableError(Exception):
    """No connection could be made; the cause says why."""


class _ConnectionLostError(Exception):
    """A connection broke. Whether its transaction was committed is not known."""


def _store_error(cause: BaseException) -> StoreError:
    error = StoreError(str(cause) if isinstance(cause, StoreError) else cause_in_words(cause))
    error.__cause__ = cause
    return error


def _answer(futures: list[asyncio.Future[Any]], outcomes: list[Any]) -> None:
    for future, outcome in zip(futures, outcomes, strict=True):
        if future.cancelled():
            continue
        if isinstance(outcome, StoreError):
            future.set_exception(outcome)
        elif isinstance(outcome, _Defect):
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome)
