"""The store in a SQL database: SQLite in the data directory by default."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire.v1.job_pb2 import JobState
from longwire_server.store.account_changes import AccountChanges
from longwire_server.store.backend_control_table import BackendControlTable
from longwire_server.store.database import Database, Durability, cause_in_words
from longwire_server.store.ended_jobs import EndedJob, select_expirable, select_removable
from longwire_server.store.group_commit import GroupCommit
from longwire_server.store.job import Job
from longwire_server.store.job_query import JobQuery
from longwire_server.store.job_rows import job_from_row
from longwire_server.store.job_store import (
    Added,
    JobStore,
    PayloadDamagedError,
    ProgramKey,
    StoreError,
)
from longwire_server.store.job_writes import JobWrites
from longwire_server.store.large_payloads import LargePayloads
from longwire_server.store.listing import list_statement
from longwire_server.store.migrate import migrate, require_present_schema
from longwire_server.store.payload import COLUMNS, Payload
from longwire_server.store.payload_files import PayloadFiles
from longwire_server.store.payload_reader import PayloadReader
from longwire_server.store.program_table import InStore, is_kept, program_statement, select_unneeded
from longwire_server.store.retention_writes import Removed
from longwire_server.store.server_table import ServerTable
from longwire_server.store.tables import jobs, results, specs
from longwire_server.store.tenant_table import TenantTable
from longwire_server.store.token_table import TokenTable
from longwire_server.store.usage import Usage
from longwire_server.store.usage_table import UsageTable

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
        files: where large payloads are kept; None for the database, like the others.

    Attributes:
        servers: the servers that share the database.
        tenants: what is set for tenants.
        backend_controls: what is set for backends.
        usage: what tenants have used.
        tokens: the API tokens.
        account_changes: tells of changes to them by other processes.
    """

    def __init__(
        self,
        url: str,
        *,
        durability: Durability = "process",
        files: PayloadFiles | None = None,
    ) -> None:
        self._database = Database(url, durability=durability, connections=_READERS + 1)
        self._engine = self._database.engine
        self._writes = JobWrites(self._engine.dialect)
        self._added_programs: set[ProgramKey] = set()
        # To be written anew with the next job that brings them.
        self._damaged_programs: set[ProgramKey] = set()
        self.servers = ServerTable(self._database, read=self._read, write=self._write)
        self.account_changes = AccountChanges(self._database)
        self.tenants = TenantTable(
            self._database, self.account_changes, read=self._read, write=self._write
        )
        self.backend_controls = BackendControlTable(
            self._database, self.account_changes, read=self._read, write=self._write
        )
        self.usage = UsageTable(read=self._read)
        self.tokens = TokenTable(
            self._database, self.account_changes, read=self._read, write=self._write
        )
        self._checkpoints: asyncio.Task[None] | None = None
        self._payloads = LargePayloads(files, self._read, is_lone_writer=self._database.is_sqlite)
        # Commits of SQLite that need not wait for the disk.
        self._commits_on_loop = self._database.is_sqlite and durability == "process"

    @property
    def folder(self) -> Path | None:
        """Where SQLite has its file; None with a server of databases."""
        path = self._engine.url.database
        return Path(path).resolve().parent if self._database.is_sqlite and path else None

    async def open(self) -> None:
        """Makes ready to read and write. SQLite's tables are created or migrated.

        Raises:
            StoreError: the database cannot be used, or the directory of large payloads;
                with PostgreSQL also if its tables are not of this version.
        """
        self._readers = ThreadPoolExecutor(_READERS, "longwire-read")
        try:
            await asyncio.get_running_loop().run_in_executor(self._readers, self._check_schema)
            on_loop_bytes = _ON_LOOP_BYTES if self._commits_on_loop else -1
            self._commits = GroupCommit(
                self._database,
                on_loop_bytes=on_loop_bytes,
                begin=self._writes.begin,
                finish=self._writes.finish,
            )
            # Also finds out whether the database is being migrated.
            await self._commits.submit(lambda _cursor: None)
            await self._payloads.open()
        except StoreError:
            self._readers.shutdown()
            self._engine.dispose()
            raise
        if self._database.is_sqlite:
            self._checkpoints = asyncio.create_task(self._checkpoint())

    async def close(self) -> None:
        """Commits what waits and closes every connection."""
        await self.servers.stop()
        await self._commits.close()
        await self._payloads.close()
        if self._checkpoints is not None:
            self._checkpoints.cancel()
        self._readers.shutdown()
        self._engine.dispose()

    async def add(self, job: Job, spec: bytes, program: bytes | None = None) -> Added:
        """See :meth:`JobStore.add`."""
        added: Added | None
        if program is not None and self._payloads.is_large(program):
            added = await self._add_with_large_program(job, spec, program)
        elif self._payloads.is_large(spec):
            async with self._payloads.placed(spec) as placed_spec:
                added = await self._add(job, placed_spec, program)
        else:
            added = await self._add(job, spec, program)
        assert added is not None
        return added

    async def program(self, key: ProgramKey) -> bytes | None:
        """See :meth:`JobStore.program`."""
        try:
            return await self._payloads.load(program_statement(key))
        except PayloadDamagedError:
            self._damaged_programs.add(key)
            raise

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
        gone = frozenset(removed)
        await self._payloads.discard(
            each.file_key for each in unneeded if each.key in gone and each.file_key
        )
        return removed

    async def update(
        self,
        job: Job,
        *,
        expected: frozenset[JobState.ValueType],
        attempt: int | None = None,
        result: bytes | None,
        usage: Usage | None = None,
    ) -> bool:
        """See :meth:`JobStore.update`."""
        if result is None or not self._payloads.is_large(result):
            return await self._update(job, expected, attempt, result, usage)
        async with self._payloads.placed(result) as placed:
            return await self._update(job, expected, attempt, placed, usage)

    async def set_labels(
        self,
        tenant: str,
        job_id: str,
        *,
        name: str | None,
        tags: tuple[str, ...] | None,
        expected_tags: tuple[str, ...] | None = None,
        priority: int | None = None,
    ) -> Job | None:
        """See :meth:`JobStore.set_labels`."""
        write = partial(
            self._writes.labels.set, tenant, job_id, name, tags, expected_tags, priority
        )
        return await self._commits.submit(self.servers.telling(job_id, write))

    async def move_to_front(self, job_id: str, moved_us: int) -> bool:
        """See :meth:`JobStore.move_to_front`."""
        write = partial(self._writes.move_to_front, job_id, moved_us)
        return await self._commits.submit(self.servers.telling(job_id, write))

    async def renew_leases(
        self, owner: str, attempts: Mapping[str, int], *, expires_us: int
    ) -> set[str]:
        """See :meth:`JobStore.renew_leases`."""
        return await self._commits.submit(
            partial(self._writes.renew_leases, owner, attempts, expires_us)
        )

    async def add_usage(self, used: Usage) -> None:
        """Adds to what a tenant has used, for what is not recorded with a job."""
        await self._commits.submit(partial(self._writes.add_usage, used))

    async def get(self, tenant: str | None, job_id: str) -> Job | None:
        """See :meth:`JobStore.get`."""
        statement = _SELECT_JOB if tenant is not None else _SELECT_ANY_JOB
        return await self._job(statement, {"for_tenant": tenant, "for_job_id": job_id})

    async def of_request(self, tenant: str, request_id: str) -> Job | None:
        """See :meth:`JobStore.of_request`."""
        # Between the writes: an overloaded server asks this for every request that it
        # refuses, and a thread of its own would cost it ten times as much.
        return await self._commits.submit(partial(self._writes.of_request, tenant, request_id))

    async def _job(self, statement: sa.Select[Any], which: dict[str, Any]) -> Job | None:
        row = await self._read(
            lambda connection: connection.execute(statement, which).one_or_none()
        )
        return None if row is None else job_from_row(row)

    async def spec(self, job_id: str) -> bytes | None:
        """See :meth:`JobStore.spec`."""
        return await self._payloads.load(_select_payload(specs, job_id))

    async def result(self, job_id: str) -> bytes | None:
        """See :meth:`JobStore.result`."""
        return await self._payloads.load(_select_payload(results, job_id))

    def result_reader(
        self, job_id: str
    ) -> contextlib.AbstractAsyncContextManager[PayloadReader | None]:
        """See :meth:`JobStore.result_reader`."""
        return self._payloads.reader(_select_payload(results, job_id))

    async def list_jobs(self, query: JobQuery) -> list[Job]:
        """See :meth:`JobStore.list_jobs`."""
        statement = list_statement(query)
        rows = await self._read(lambda connection: connection.execute(statement).all())
        return [job_from_row(row) for row in rows]

    async def delete(
        self, tenant: str, job_id: str, *, expected: frozenset[JobState.ValueType]
    ) -> bool:
        """See :meth:`JobStore.delete`."""
        removed = await self._commits.submit(partial(self._writes.delete, tenant, job_id, expected))
        await self._payloads.discard(removed.file_keys)
        return removed.jobs == 1

    async def expire_results(self, *, ended_by_us: int, keep_bytes: int) -> int:
        """See :meth:`JobStore.expire_results`."""
        ended = await self._read(
            lambda connection: select_expirable(
                connection, ended_by_us=ended_by_us, keep_bytes=keep_bytes
            )
        )
        return await self._remove(ended, self._writes.expire_results)

    async def remove_jobs(self, *, ended_by_us: int, keep_jobs: int) -> int:
        """See :meth:`JobStore.remove_jobs`."""
        ended = await self._read(
            lambda connection: select_removable(
                connection, ended_by_us=ended_by_us, keep_jobs=keep_jobs
            )
        )
        return await self._remove(ended, self._writes.remove_jobs)

    async def _remove(
        self, ended: list[EndedJob], write: Callable[[list[EndedJob], DBAPICursor], Removed]
    ) -> int:
        if not ended:
            return 0
        removed = await self._commits.submit(
            partial(write, ended), payload_bytes=_ON_LOOP_BYTES + 1
        )
        await self._payloads.discard(removed.file_keys)
        return removed.jobs

    async def _add_with_large_program(self, job: Job, spec: bytes, program: bytes) -> Added | None:
        key = ProgramKey(job.tenant, job.payloads_sha256)
        async with self._payloads.placed(spec) as placed_spec:
            if key in self._damaged_programs:
                await self._replace_program(key, program)
            # Written for the first of its jobs alone.
            if key in self._added_programs or await self._read(
                lambda connection: is_kept(connection, key)
            ):
                added = await self._add(job, placed_spec, InStore.IN_STORE)
                if added is not None:
                    return added
            async with self._payloads.placed(program) as placed_program:
                return await self._add(job, placed_spec, placed_program)

    def _update(
        self,
        job: Job,
        expected: frozenset[JobState.ValueType],
        attempt: int | None,
        result: Payload | None,
        usage: Usage | None,
    ) -> Awaitable[bool]:
        write = partial(self._writes.update, job, expected, attempt, result, usage)
        return self._commits.submit(
            self.servers.telling(job.job_id, write),
            payload_bytes=0 if result is None else _bytes_in_row(result),
        )

    async def _replace_program(self, key: ProgramKey, program: bytes) -> None:
        async with self._payloads.placed(program) as placed:
            damaged = await self._commits.submit(partial(self._writes.replace_program, key, placed))
        self._damaged_programs.discard(key)
        await self._payloads.discard([damaged] if damaged else [])

    async def _add(
        self, job: Job, spec: Payload, program: Payload | InStore | None
    ) -> Added | None:
        written_bytes = _bytes_in_row(spec)
        if program is not None and self._is_new(ProgramKey(job.tenant, job.payloads_sha256)):
            written_bytes += _bytes_in_row(program)
        return await self._commits.submit(
            partial(self._writes.add, job, spec, program), payload_bytes=written_bytes
        )

    def _write(self, write: Callable[[DBAPICursor], T]) -> asyncio.Future[T]:
        return self._commits.submit(write)

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

    async def _read(self, read: Callable[[sa.Connection], T]) -> T:
        def run() -> T:
            try:
                with self._engine.connect() as connection:
                    return read(connection)
            except (sa.exc.SQLAlchemyError, OSError) as error:
                raise StoreError(cause_in_words(error)) from error

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)


_SELECT_ANY_JOB = sa.select(jobs).where(jobs.c.job_id == sa.bindparam("for_job_id"))
_SELECT_JOB = _SELECT_ANY_JOB.where(jobs.c.tenant == sa.bindparam("for_tenant"))


def _select_payload(table: sa.Table, job_id: str) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in COLUMNS)).where(table.c.job_id == job_id)


def _bytes_in_row(payload: Payload | InStore) -> int:
    return len(payload) if isinstance(payload, bytes) else 0
