"""What is SQLite's alone among the stores."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from stored_jobs import BELL, DONE, GHZ, MINUTE_US, QUEUED, make_job, naming

from longwire_server.store.database import Database
from longwire_server.store.ended_jobs import EndedJob
from longwire_server.store.job_store import StoreError
from longwire_server.store.job_writes import JobWrites
from longwire_server.store.migrate import migrate
from longwire_server.store.program_table import select_unneeded
from longwire_server.store.sql_job_store import SqlJobStore


def migrated(tmp_path: Path) -> sa.Engine:
    """An empty database with all tables."""
    database = Database(f"sqlite:///{tmp_path}/jobs.db", durability="process", connections=1)
    migrate(database)
    return database.engine


def test_sqlite_store_that_cannot_be_opened_raises_store_error(tmp_path: Path) -> None:
    async def body() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/no/such/directory/jobs.db")
        with pytest.raises(StoreError, match="cannot open"):
            await store.open()

    asyncio.run(body())


def test_sqlite_store_writes_the_use_of_a_program_at_most_once_a_minute(tmp_path: Path) -> None:
    def last_used_us() -> int:
        with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
            ((used_us,),) = connection.execute("SELECT last_used_us FROM programs").fetchall()
        return int(used_us)

    async def body() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/jobs.db")
        await store.open()
        first_us = naming(0, BELL).create_time_us
        for number, later_us in enumerate((0, MINUTE_US - 1, MINUTE_US, 2 * MINUTE_US - 1)):
            job = naming(number, BELL, create_time_us=first_us + later_us)
            await store.add(job, b"", b"circuits")
            assert last_used_us() == first_us + later_us // MINUTE_US * MINUTE_US
        await store.close()

    asyncio.run(body())


def test_write_that_no_database_can_take_fails_alone(tmp_path: Path) -> None:
    async def body() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/jobs.db")
        await store.open()
        too_late = make_job(0, create_time_us=2**70)
        with_it = [store.add(make_job(number), b"") for number in (1, 2)]
        outcomes = await asyncio.gather(store.add(too_late, b""), *with_it, return_exceptions=True)
        assert isinstance(outcomes[0], OverflowError)
        assert all(not isinstance(outcome, BaseException) for outcome in outcomes[1:])
        await store.close()

    asyncio.run(asyncio.wait_for(body(), 60))


def test_program_that_a_job_names_before_its_removal_is_committed_stays(tmp_path: Path) -> None:
    engine = migrated(tmp_path)
    writes = JobWrites(engine.dialect)
    with contextlib.closing(engine.raw_connection()) as raw:
        cursor = raw.cursor()
        for number, key in enumerate((BELL, GHZ)):
            job = naming(number, key)
            writes.add(job, b"", b"circuits", cursor)
            writes.update(job.evolve(state=DONE), {QUEUED}, None, None, None, cursor)
        raw.commit()
        with engine.connect() as connection:
            unneeded = select_unneeded(connection, unused_since_us=0, keep_bytes=0)
        writes.add(naming(3, BELL), b"", b"circuits", cursor)
        assert [program.key for program in unneeded] == [BELL, GHZ]
        assert writes.remove_programs(unneeded, cursor) == [GHZ]
    engine.dispose()


def test_job_that_is_not_final_is_not_removed_whoever_says_that_it_has_ended(
    tmp_path: Path,
) -> None:
    engine = migrated(tmp_path)
    writes = JobWrites(engine.dialect)
    with contextlib.closing(engine.raw_connection()) as raw:
        cursor = raw.cursor()
        for number, state in enumerate((QUEUED, DONE)):
            writes.add(make_job(number, state=state), b"spec", None, cursor)
        said_to_have_ended = [EndedJob("physics", make_job(number).job_id) for number in (0, 1)]
        assert writes.expire_results(said_to_have_ended, cursor).jobs == 1
        assert writes.remove_jobs(said_to_have_ended, cursor).jobs == 1
        left = cursor.execute("SELECT job_id FROM jobs").fetchall()
        assert left == cursor.execute("SELECT job_id FROM specs").fetchall()
        assert left == [(make_job(0).job_id,)]
    engine.dispose()


def test_sqlite_finds_the_jobs_that_need_a_program_in_an_index_of_their_own(
    tmp_path: Path,
) -> None:
    engine = migrated(tmp_path)
    seen: list[str] = []

    def explain(_connection: object, cursor: object, text: str, values: object, *_: object) -> None:
        if text.startswith("SELECT") and "EXISTS" in text:
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {text}", values)
            seen.extend(row[3] for row in plan.fetchall())

    sa.event.listen(engine, "before_cursor_execute", explain)
    with engine.connect() as connection:
        select_unneeded(connection, unused_since_us=0, keep_bytes=0)
    engine.dispose()
    assert "SEARCH jobs USING INDEX jobs_program (payloads_sha256=?)" in seen
    assert any("USING INDEX programs_unused" in step for step in seen)
    assert not any(step.startswith("USE TEMP B-TREE") for step in seen)
