"""What is PostgreSQL's alone among the stores: sessions, locks, passwords, its absence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from postgresql_server import PostgresqlServer
from stored_jobs import DONE, QUEUED, make_job, unfinished, with_open

from longwire_server.store.database import Database
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, StoreError
from longwire_server.store.migrate import migrate_store
from longwire_server.store.sql_job_store import SqlJobStore

# Nothing listens there.
UNREACHABLE = "postgresql+psycopg://longwire:hunter2@127.0.0.1:1/jobs"


@pytest.fixture
def url(postgresql: PostgresqlServer) -> Iterator[str]:
    """An empty database with all tables."""
    with postgresql.database() as url:
        yield url


def database_of(url: str) -> str:
    name = sa.make_url(url).database
    assert name is not None
    return name


def recorded_ids(postgresql: PostgresqlServer, url: str) -> set[object]:
    return {job_id for (job_id,) in postgresql.execute("SELECT job_id FROM jobs", database_of(url))}


def test_store_whose_sessions_were_ended_goes_on_without_an_error(
    postgresql: PostgresqlServer, url: str
) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"spec")
        postgresql.end_sessions(database_of(url))
        await store.add(make_job(2), b"spec")
        postgresql.end_sessions(database_of(url))
        assert await store.get("physics", make_job(1).job_id) == make_job(1)
        postgresql.end_sessions(database_of(url))
        done = make_job(1, state=DONE)
        assert await store.update(done, expected=frozenset({QUEUED}), result=b"result")
        assert await unfinished(store) == [make_job(2)]

    asyncio.run(with_open(SqlJobStore(url), body))


def test_store_confirms_nothing_while_the_database_is_away_and_goes_on_when_it_is_back(
    postgresql: PostgresqlServer, url: str
) -> None:
    confirmed: set[object] = set()

    async def add(store: JobStore, job: Job) -> None:
        assert (await store.add(job, b"spec")).created
        confirmed.add(job.job_id)

    async def body(store: JobStore) -> None:
        await add(store, make_job(0))
        # Some are confirmed before the database stops, some while it does.
        adding = [asyncio.create_task(add(store, make_job(number))) for number in range(1, 400)]
        await asyncio.wait(adding, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(postgresql.stop)
        outcomes = await asyncio.gather(*adding, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {type(None), StoreError}
        for attempt in (
            store.add(make_job(500), b""),
            store.get("physics", make_job(0).job_id),
            unfinished(store),
        ):
            with pytest.raises(StoreError):
                await attempt
        await asyncio.to_thread(postgresql.start)
        await add(store, make_job(501))
        assert await store.get("physics", make_job(0).job_id) == make_job(0)

    try:
        asyncio.run(with_open(SqlJobStore(url), body))
    finally:
        postgresql.start()
    kept = recorded_ids(postgresql, url)
    assert confirmed <= kept
    assert make_job(500).job_id not in kept


def test_store_can_be_closed_while_the_database_is_away(
    postgresql: PostgresqlServer, url: str
) -> None:
    async def body() -> None:
        store = SqlJobStore(url)
        await store.open()
        await store.add(make_job(1), b"")
        await asyncio.to_thread(postgresql.stop)
        await store.close()

    try:
        asyncio.run(body())
    finally:
        postgresql.start()


def test_stores_share_a_database_whose_tables_do_not_change_under_them(url: str) -> None:
    async def body(first: JobStore) -> None:
        await first.add(make_job(1), b"")

        async def beside(second: JobStore) -> None:
            assert await unfinished(second) == [make_job(1)]
            await second.add(make_job(2), b"")
            with pytest.raises(StoreError, match="stop every server on it first"):
                await asyncio.to_thread(migrate_store, url)

        await with_open(SqlJobStore(url), beside)
        assert await unfinished(first) == [make_job(1), make_job(2)]

    asyncio.run(with_open(SqlJobStore(url), body))
    asyncio.run(asyncio.to_thread(migrate_store, url))


def test_store_that_was_closed_leaves_the_database_to_the_next(url: str) -> None:
    async def body() -> None:
        for number in range(3):
            store = SqlJobStore(url)
            await store.open()
            await store.add(make_job(number), b"")
            await store.close()

    asyncio.run(body())


def test_schemas_of_one_database_are_stores_of_their_own(
    postgresql: PostgresqlServer, url: str
) -> None:
    postgresql.execute("CREATE SCHEMA lab", database_of(url))
    other = f"{url}?options=-csearch_path%3Dlab"
    migrate_store(other)

    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")

        async def in_lab(lab: JobStore) -> None:
            assert await unfinished(lab) == []
            await lab.add(make_job(2), b"")

        await with_open(SqlJobStore(other), in_lab)
        assert await unfinished(store) == [make_job(1)]

    asyncio.run(with_open(SqlJobStore(url), body))
    postgresql.execute("DROP SCHEMA lab CASCADE", database_of(url))


@pytest.mark.parametrize(("durability", "commit"), [("process", "off"), ("power", "on")])
def test_durability_power_waits_for_the_disk_whatever_the_database_does_by_default(
    url: str, durability: str, commit: str
) -> None:
    off = f"{url}?options=-csynchronous_commit%3Doff"
    database = Database(off, durability=durability, connections=1)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == commit
    database.engine.dispose()


def test_database_that_cannot_hold_every_text_is_refused(postgresql: PostgresqlServer) -> None:
    postgresql.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    with pytest.raises(StoreError, match="encoding SQL_ASCII; create it with ENCODING 'UTF8'"):
        migrate_store(postgresql.url("ascii"))
    postgresql.execute("DROP DATABASE ascii WITH (FORCE)")


@pytest.mark.parametrize("url", [UNREACHABLE, f"{UNREACHABLE}?password=hunter2"])
def test_password_is_in_no_error(url: str) -> None:
    async def open_it() -> None:
        await SqlJobStore(url).open()

    for use in (lambda: asyncio.run(open_it()), lambda: migrate_store(url)):
        with pytest.raises(StoreError) as caught:
            use()
        assert "127.0.0.1" in str(caught.value)
        assert "Connection refused" in str(caught.value)
        error: BaseException | None = caught.value
        while error is not None:
            assert "hunter2" not in f"{error} {error!r}"
            error = error.__cause__ or error.__context__
    assert "hunter2" not in Database(url, durability="process", connections=1).shown


@pytest.mark.parametrize("url", ["postgresql+psycopg://u:hunter2@host:port/db", "hunter2"])
def test_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(StoreError, match="not the URL of a database") as caught:
        SqlJobStore(url)
    assert "hunter2" not in str(caught.value)
