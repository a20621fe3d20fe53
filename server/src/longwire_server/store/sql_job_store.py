"""The store in a SQL database: SQLite in the data directory by default."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from longwire.v1.job_pb2 import JobState
from longwire_server.store.database import Database, Durability, cause_in_words
from longwire_server.store.group_commit import GroupCommit
from longwire_server.store.job import FINAL_STATES, Job
from longwire_server.store.job_query import JobQuery
from longwire_server.store.job_rows import job_from_row
from longwire_server.store.job_store import Added, JobStore, ProgramKey, StoreError
from longwire_server.store.job_writes import JobWrites
from longwire_server.store.migrate import migrate, require_present_schema
from longwire_server.store.program_table import select_program, select_unneeded
from longwire_server.store.tables import jobs, results, specs

_logger = logging.getLogger(__name__)

T = TypeVar("T")

_READERS = 4
# A commit of more than this is left to a thread: it would hold up the event loop.
_ON_LOOP_BYTES = 256 * 1024
_CHECKPOINT_EVERY_SECONDS = 1.0
# How many programs are remembered as written.
_ADDED_PROGRAMS = 4096


class SqlJobStore(JobStore):
    """Jobs in a SQL database, through SQLAlchemy Core.

    Args:
        url: a SQLAlchemy URL.
        durability: what an acknowledged write survives: the crash of a process, or
            the loss of power.
    """

    def __init__(self, url: str, *, durability: Durability = "process") -> None:
        self._database = Database(url, durability=durability, connections=_READERS + 1)
        self._engine = self._database.engine
        self._writes = JobWrites(self._engine.dialect)
        self._added_programs: set[ProgramKey] = set()
        self._checkpoints: asyncio.Task[None] | None = None
        # Commits of SQLite that need not wait for the disk.
        self._commits_on_loop = self._database.is_sqlite and durability == "process"

    async def open(self) -> None:
        """Makes ready to read and write. SQLite's tables are created or migrated.

        Raises:
            StoreError: the database cannot be used; with PostgreSQL also if its
                tables are not of this version.
        """
        self._readers = ThreadPoolExecutor(_READERS, "longwire-read")
        try:
            await asyncio.get_running_loop().run_in_executor(self._readers, self._check_schema)
            on_loop_bytes = _ON_LOOP_BYTES if self._commits_on_loop else -1
            self._commits = GroupCommit(self._database, on_loop_bytes=on_loop_bytes)
            # Also finds out whether another server writes.
            await self._commits.submit(lambda _cursor: None)
        except StoreError:
            self._readers.shutdown()
            self._engine.dispose()
            raise
        if self._database.is_sqlite:
            self._checkpoints = asyncio.create_task(self._checkpoint())

    async def close(self) -> None:
        """Commits what waits and closes every connection."""
        await self._commits.close()
        if self._checkpoints is not None:
            self._checkpoints.cancel()
        self._readers.shutdown()
        self._engine.dispose()

    async def add(self, job: Job, spec: bytes, program: bytes | None = None) -> Added:
        """See :meth:`JobStore.add`."""
        written_bytes = len(spec)
        if program is not None and self._is_new(ProgramKey(job.tenant, job.payloads_sha256)):
            written_bytes += len(program)
        return await self._commits.submit(
            partial(self._writes.add, job, spec, program), payload_bytes=written_bytes
        )

    async def program(self, key: ProgramKey) -> bytes | None:
        """See :meth:`JobStore.program`."""
        return await self._read(lambda connection: select_program(connection, key))

    async def remove_programs(self, *, unused_since_us: int, keep_bytes: int) -> list[ProgramKey]:
        """See :meth:`JobStore.remove_programs`."""
        unneeded = await self._read(
            lambda connection: select_unneeded(
                connection, unused_since_us=unused_since_us, keep_bytes=keep_bytes
            )
        )
        if not unneeded:
            return []
        removed = await self._commits.submit(
            partial(self._writes.remove_programs, unneeded),
            payload_bytes=sum(program.size_bytes for program in unneeded),
        )
        self._added_programs.difference_update(removed)
        return removed

    async def update(
        self,
        job: Job,
        *,
        expected: frozenset[JobState.ValueType],
        attempt: int | None = None,
        result: bytes | None,
    ) -> bool:
        """See :meth:`JobStore.update`."""
        return await self._commits.submit(
            partial(self._writes.update, job, expected, attempt, result),
            payload_bytes=len(result or b""),
        )

    async def renew_leases(
        self, owner: str, attempts: Mapping[str, int], *, expires_us: int
    ) -> set[str]:
        """See :meth:`JobStore.renew_leases`."""
        return await self._commits.submit(
            partial(self._writes.renew_leases, owner, attempts, expires_us)
        )

    async def get(self, tenant: str, job_id: str) -> Job | None:
        """See :meth:`JobStore.get`."""
        row = await self._read(
            lambda connection: connection.execute(
                _SELECT_JOB, {"for_tenant": tenant, "for_job_id": job_id}
            ).one_or_none()
        )
        return None if row is None else job_from_row(row)

    async def spec(self, job_id: str) -> bytes | None:
        """See :meth:`JobStore.spec`."""
        return await self._payload(specs, job_id)

    async def result(self, job_id: str) -> bytes | None:
        """See :meth:`JobStore.result`."""
        return await self._payload(results, job_id)

    async def list_jobs(self, query: JobQuery) -> list[Job]:
        """See :meth:`JobStore.list_jobs`."""
        statement = _list_statement(query)
        rows = await self._read(lambda connection: connection.execute(statement).all())
        return [job_from_row(row) for row in rows]

    async def unfinished(self) -> list[Job]:
        """See :meth:`JobStore.unfinished`."""
        statement = (
            sa.select(jobs)
            # Written as the partial index has it, so that the index serves it.
            .where(jobs.c.state < sa.literal_column("5"))
            .order_by(jobs.c.create_time_us, jobs.c.job_id)
        )
        rows = await self._read(lambda connection: connection.execute(statement).all())
        return [job_from_row(row) for row in rows]

    async def delete(
        self, tenant: str, job_id: str, *, expected: frozenset[JobState.ValueType]
    ) -> bool:
        """See :meth:`JobStore.delete`."""
        return await self._commits.submit(partial(self._writes.delete, tenant, job_id, expected))

    def _check_schema(self) -> None:
        """In the data directory nobody but the server itself creates and migrates tables."""
        try:
            if self._database.is_sqlite:
                migrate(self._database)
            else:
                require_present_schema(self._database)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            shown, words = self._database.shown, cause_in_words(error)
            raise StoreError(f"cannot open {shown}: {words}") from error

    def _is_new(self, key: ProgramKey) -> bool:
        """Whether a program is probably not in the store: where its job is committed follows."""
        if key in self._added_programs:
            return False
        if len(self._added_programs) >= _ADDED_PROGRAMS:
            self._added_programs.clear()
        self._added_programs.add(key)
        return True

    async def _checkpoint(self) -> None:
        """Moves the write-ahead log into the database now and then, in a thread."""
        while True:
            await asyncio.sleep(_CHECKPOINT_EVERY_SECONDS)
            try:
                await self._read(
                    lambda connection: connection.exec_driver_sql(
                        "PRAGMA wal_checkpoint(PASSIVE)"
                    ).all()
                )
            except StoreError as error:
                _logger.warning("the database cannot be checkpointed: %s", error)

    async def _payload(self, table: sa.Table, job_id: str) -> bytes | None:
        statement = sa.select(table.c.payload).where(table.c.job_id == job_id)
        return await self._read(lambda connection: connection.execute(statement).scalar())

    async def _read(self, read: Callable[[sa.Connection], T]) -> T:
        def run() -> T:
            try:
                with self._engine.connect() as connection:
                    return read(connection)
            except (sa.exc.SQLAlchemyError, OSError) as error:
                raise StoreError(cause_in_words(error)) from error

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)


_SELECT_JOB = sa.select(jobs).where(
    jobs.c.tenant == sa.bindparam("for_tenant"), jobs.c.job_id == sa.bindparam("for_job_id")
)


def _list_statement(query: JobQuery) -> sa.Select[Any]:
    conditions: list[sa.ColumnElement[bool]] = [jobs.c.tenant == query.tenant]
    if query.backend_name:
        conditions.append(jobs.c.backend_name == query.backend_name)
    if query.states:
        conditions.append(jobs.c.state.in_([int(state) for state in query.states]))
    if query.tag:
        conditions.append(jobs.c.tags.contains(f"\n{query.tag}\n", autoescape=True))
    if query.created_after_us is not None:
        conditions.append(jobs.c.create_time_us >= query.created_after_us)
    if query.created_before_us is not None:
        conditions.append(jobs.c.create_time_us < query.created_before_us)
    if query.after is not None:
        conditions.append(
            sa.tuple_(jobs.c.create_time_us, jobs.c.job_id)
            < sa.tuple_(sa.literal(query.after.create_time_us), sa.literal(query.after.job_id))
        )
    newest_first = (jobs.c.create_time_us.desc(), jobs.c.job_id.desc())
    return sa.select(jobs).where(*conditions).order_by(*newest_first).limit(query.page_size)


assert all(int(state) >= 5 for state in FINAL_STATES), "the partial index says so"
