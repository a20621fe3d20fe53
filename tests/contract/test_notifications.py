"""What one server on a PostgreSQL changes, the others are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from postgresql_server import PostgresqlServer
from stored_jobs import QUEUED, VALIDATING, make_job, with_open

from longwire_server.store.job_store import JobStore
from longwire_server.store.server_beat import ServerBeat
from longwire_server.store.sql_job_store import SqlJobStore

LIMIT_SECONDS = 60.0
HERE = ServerBeat("here", "1", 30.0)
THERE = ServerBeat("there", "2", 30.0)


class Two:
    """Two servers' stores on one database, of which one listens."""

    def __init__(self, here: SqlJobStore, there: SqlJobStore) -> None:
        self.here = here
        self.there = there
        self._heard: asyncio.Queue[str | None] = asyncio.Queue()

    async def begin(self) -> None:
        for store, beat in ((self.here, HERE), (self.there, THERE), (self.here, HERE)):
            await store.servers.register(beat)
        self.here.servers.listen(self._heard.put_nowait)
        await self.hears(None)

    async def hears(self, *notices: str | None) -> None:
        """Waits for these notices, and no others before them."""
        for notice in notices:
            assert await asyncio.wait_for(self._heard.get(), LIMIT_SECONDS) == notice


@pytest.fixture
def url(postgresql: PostgresqlServer) -> Iterator[str]:
    """An empty database with all tables."""
    with postgresql.database() as url:
        yield url


def test_database_that_is_away_is_complained_of_once_and_told_when_it_is_back(
    url: str,
    postgresql: PostgresqlServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So that it is asked often while it is away for a moment.
    monkeypatch.setattr("longwire_server.store.notifications._RECONNECT_SECONDS", 0.01)
    caplog.set_level(logging.INFO, "longwire_server.store.notifications")
    here, there = SqlJobStore(url), SqlJobStore(url)

    async def body(_here: JobStore) -> None:
        async def beside(_there: JobStore) -> None:
            two = Two(here, there)
            await two.begin()
            await asyncio.to_thread(postgresql.stop)
            await asyncio.to_thread(postgresql.start)
            await two.hears(None)

        await with_open(there, beside)

    try:
        asyncio.run(with_open(here, body))
    finally:
        postgresql.start()
    told = [
        record.getMessage().partition(",")[0]
        for record in caplog.records
        if record.name == "longwire_server.store.notifications"
    ]
    assert told == ["the database tells of no changes", "the database tells of changes again"]


def test_every_change_that_another_server_makes_is_told_and_none_of_ones_own(url: str) -> None:
    here, there = SqlJobStore(url), SqlJobStore(url)
    job = make_job(1, lease_owner="there")
    begun = job.evolve(state=VALIDATING, attempt=1, sequence=2)

    async def body(_here: JobStore) -> None:
        async def beside(_there: JobStore) -> None:
            two = Two(here, there)
            await two.begin()
            await there.add(job, b"")
            assert await there.update(begun, expected=frozenset({QUEUED}), attempt=0, result=None)
            await two.hears(job.job_id)
            await here.set_labels(job.tenant, job.job_id, name="mine", tags=None)
            await here.servers.ask_to_cancel(job.tenant, job.job_id)
            await there.set_labels(job.tenant, job.job_id, name="theirs", tags=None)
            await there.servers.ask_to_cancel(job.tenant, job.job_id)
            await two.hears(job.job_id, job.job_id)
            assert two._heard.empty()

        await with_open(there, beside)

    asyncio.run(with_open(here, body))


def test_server_that_lost_its_connection_looks_at_everything_and_listens_again(
    postgresql: PostgresqlServer, url: str
) -> None:
    here, there = SqlJobStore(url), SqlJobStore(url)
    job = make_job(1, lease_owner="there")

    async def body(_here: JobStore) -> None:
        async def beside(_there: JobStore) -> None:
            two = Two(here, there)
            await two.begin()
            await there.add(job, b"")
            await asyncio.to_thread(
                postgresql.end_sessions, url.rpartition("/")[2].partition("?")[0]
            )
            # What was told meanwhile may have been missed.
            await two.hears(None)
            await there.servers.ask_to_cancel(job.tenant, job.job_id)
            await two.hears(job.job_id)

        await with_open(there, beside)

    asyncio.run(with_open(here, body))
