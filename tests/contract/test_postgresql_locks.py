"""Two servers on one PostgreSQL at the same moment: who waits for whom, and who does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from postgresql_server import PostgresqlServer
from sqlalchemy.engine.interfaces import DBAPICursor
from stored_jobs import BELL, DONE, QUEUED, make_job, naming, unfinished, with_open

from longwire_server.store.job_store import JobStore
from longwire_server.store.job_writes import JobWrites
from longwire_server.store.program_table import InStore
from longwire_server.store.sql_job_store import SqlJobStore

LIMIT_SECONDS = 60.0
FAR_LATER_US = 4_000_000_000_000_000


@pytest.fixture
def url(postgresql: PostgresqlServer) -> Iterator[str]:
    """An empty database with all tables."""
    with postgresql.database() as url:
        yield url


@contextmanager
def transaction(url: str) -> Iterator[DBAPICursor]:
    """Another server's transaction, which is committed at the end of the block."""
    engine = sa.create_engine(url)
    connection = engine.raw_connection()
    try:
        yield connection.cursor()
        connection.commit()
    finally:
        connection.close()
        engine.dispose()


def num_waiting(postgresql: PostgresqlServer, url: str) -> int:
    """How many sessions of a database wait for a lock."""
    ((count,),) = postgresql.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        f" AND datname = '{sa.make_url(url).database}'"
    )
    assert isinstance(count, int)
    return count


def test_claim_does_not_wait_behind_another_and_takes_the_jobs_after_its(url: str) -> None:
    store = SqlJobStore(url)
    jobs = [make_job(number) for number in range(4)]

    async def body(_store: JobStore) -> None:
        for job in jobs:
            await store.add(job, b"")
        with transaction(url) as theirs:
            theirs.execute("SELECT job_id FROM jobs ORDER BY create_time_us LIMIT 2 FOR UPDATE")
            async with asyncio.timeout(LIMIT_SECONDS):
                claimed = await store.servers.claim(
                    "here", None, backend_names=["aer_simulator"], limit=10
                )
        assert [job.job_id for job in claimed] == [job.job_id for job in jobs[2:]]

    asyncio.run(with_open(store, body))


def test_program_that_a_job_is_about_to_name_is_not_removed(
    postgresql: PostgresqlServer, url: str
) -> None:
    store = SqlJobStore(url)

    async def body(_store: JobStore) -> None:
        await store.add(naming(1, BELL), b"spec", b"program")
        done = naming(1, BELL, state=DONE)
        assert await store.update(done, expected=frozenset({QUEUED}), result=b"")
        writes = JobWrites(sa.make_url(url).get_dialect()())
        with transaction(url) as theirs:
            writes.begin()
            writes.add(naming(2, BELL), b"spec", InStore.IN_STORE, theirs)
            writes.finish(theirs)
            removing = asyncio.create_task(
                store.remove_programs(unused_since_us=FAR_LATER_US, keep_bytes=0)
            )
            async with asyncio.timeout(LIMIT_SECONDS):
                # Nothing tells that it waits.
                while not (removing.done() or num_waiting(postgresql, url)):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert await removing == []
        assert await store.program(BELL) == b"program"
        assert [job.job_id for job in await unfinished(store)] == [naming(2, BELL).job_id]

    asyncio.run(with_open(store, body))
