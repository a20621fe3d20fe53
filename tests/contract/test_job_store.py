"""What every store of jobs does: one suite, run against each of them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobKind, JobState
from longwire_server.store.job import FINAL_STATES, Job
from longwire_server.store.job_query import Cursor, JobQuery
from longwire_server.store.job_store import JobStore, ProgramKey, StoreError
from longwire_server.store.job_writes import JobWrites
from longwire_server.store.memory_job_store import MemoryJobStore
from longwire_server.store.migrate import upgrade
from longwire_server.store.program_table import select_unneeded
from longwire_server.store.sql_job_store import SqlJobStore
from longwire_server.store.tables import metadata

QUEUED, VALIDATING = JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_VALIDATING
DONE, ERROR = JobState.JOB_STATE_DONE, JobState.JOB_STATE_ERROR

Suite = Callable[[Callable[[JobStore], Awaitable[None]]], None]


@pytest.fixture(params=["memory", "sqlite"])
def with_store(request: pytest.FixtureRequest, tmp_path: Path) -> Suite:
    """Runs a coroutine function on an open, empty store."""

    def run(body: Callable[[JobStore], Awaitable[None]]) -> None:
        async def main() -> None:
            url = f"sqlite:///{tmp_path}/jobs.db"
            store = MemoryJobStore() if request.param == "memory" else SqlJobStore(url)
            await store.open()
            try:
                await body(store)
            finally:
                await store.close()

        asyncio.run(main())

    return run


def make_job(number: int, **changes: object) -> Job:
    job = Job(
        job_id=f"{number:032x}",
        tenant="physics",
        request_id="",
        spec_digest=b"\x01" * 32,
        backend_name="aer_simulator",
        name="",
        tags=(),
        state=QUEUED,
        sequence=1,
        attempt=0,
        create_time_us=1_700_000_000_000_000 + number,
    )
    return job.evolve(**changes)


def test_added_job_comes_back_equal_with_its_spec(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, name="Bell", tags=("a", "b c"), request_id="r1")
        added = await store.add(job, b"\x00spec\xff")
        assert added.created
        assert added.job == job
        assert await store.get("physics", job.job_id) == job
        assert await store.spec(job.job_id) == b"\x00spec\xff"

    with_store(body)


def test_get_of_another_tenants_job_finds_nothing(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        assert await store.get("chemistry", make_job(1).job_id) is None

    with_store(body)


def test_add_with_known_request_id_returns_the_first_job(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1, request_id="r"), b"first")
        second = await store.add(make_job(2, request_id="r"), b"second")
        assert not second.created
        assert second.job.job_id == make_job(1).job_id
        assert await store.get("physics", make_job(2).job_id) is None
        other_tenant = await store.add(make_job(3, request_id="r", tenant="chemistry"), b"")
        assert other_tenant.created

    with_store(body)


def test_adds_of_one_request_id_in_parallel_make_one_job(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        outcomes = await asyncio.gather(
            *(store.add(make_job(number, request_id="r"), b"") for number in range(20))
        )
        assert sum(outcome.created for outcome in outcomes) == 1
        assert len({outcome.job.job_id for outcome in outcomes}) == 1

    with_store(body)


def test_update_from_expected_state_writes_job_and_result(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        done = make_job(
            1, state=DONE, sequence=4, attempt=1, start_time_us=5, end_time_us=9, result_bytes=3
        )
        assert await store.update(done, expected=frozenset({QUEUED}), result=b"abc")
        assert await store.get("physics", done.job_id) == done
        assert await store.result(done.job_id) == b"abc"

    with_store(body)


def test_update_keeps_error_with_its_reason(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        failed = make_job(
            1,
            state=ERROR,
            error_reason=ErrorReason.ERROR_REASON_TIME_LIMIT,
            error_message="circuit 'ghz': too long",
        )
        assert await store.update(failed, expected=frozenset({QUEUED}), result=None)
        assert await store.get("physics", failed.job_id) == failed

    with_store(body)


def test_update_from_other_state_writes_nothing(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        done = make_job(1, state=DONE)
        assert not await store.update(done, expected=frozenset({VALIDATING}), result=b"abc")
        assert await store.get("physics", done.job_id) == make_job(1)
        assert await store.result(done.job_id) is None

    with_store(body)


def test_update_of_unknown_job_writes_nothing(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        assert not await store.update(make_job(1), expected=frozenset({QUEUED}), result=b"")
        assert await store.get("physics", make_job(1).job_id) is None

    with_store(body)


def test_list_pages_through_all_jobs_newest_first(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        # Jobs of one microsecond are told apart by their ids.
        jobs = [make_job(number, create_time_us=1000 + number // 3) for number in range(10)]
        for job in jobs:
            await store.add(job, b"")
        seen: list[Job] = []
        after = None
        while page := await store.list_jobs(JobQuery("physics", page_size=3, after=after)):
            seen += page
            after = Cursor.from_token(Cursor(page[-1].create_time_us, page[-1].job_id).to_token())
        assert seen == jobs[::-1]

    with_store(body)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"backend_name": "device"}, [2]),
        ({"states": frozenset({DONE, ERROR})}, [4, 3]),
        ({"tag": "run_1"}, [5]),
        ({"tag": "run"}, []),
        ({"tag": "%"}, []),
        ({"created_after_us": 1_700_000_000_000_004}, [5, 4]),
        ({"created_before_us": 1_700_000_000_000_003}, [2, 1]),
        ({"tenant": "chemistry"}, [6]),
    ],
)
def test_list_shows_only_jobs_that_match(
    with_store: Suite, query: dict[str, object], numbers: list[int]
) -> None:
    async def body(store: JobStore) -> None:
        for job in (
            make_job(1),
            make_job(2, backend_name="device"),
            make_job(3, state=DONE),
            make_job(4, state=ERROR),
            make_job(5, tags=("other", "run_1")),
            make_job(6, tenant="chemistry"),
        ):
            await store.add(job, b"")
        found = await store.list_jobs(dataclasses.replace(JobQuery("physics"), **query))
        assert [int(job.job_id, 16) for job in found] == numbers

    with_store(body)


def test_unfinished_jobs_of_all_tenants_come_oldest_first(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        for job in (
            make_job(3),
            make_job(1, state=VALIDATING, tenant="chemistry"),
            make_job(2, state=DONE),
        ):
            await store.add(job, b"")
        assert [int(job.job_id, 16) for job in await store.unfinished()] == [1, 3]

    with_store(body)


def test_delete_removes_job_with_payloads_only_in_expected_state(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1)
        await store.add(job, b"spec")
        assert not await store.delete("physics", job.job_id, expected=FINAL_STATES)
        done = job.evolve(state=DONE)
        await store.update(done, expected=frozenset({QUEUED}), result=b"result")
        assert not await store.delete("chemistry", job.job_id, expected=FINAL_STATES)
        assert await store.delete("physics", job.job_id, expected=FINAL_STATES)
        assert await store.get("physics", job.job_id) is None
        assert await store.spec(job.job_id) is None
        assert await store.result(job.job_id) is None

    with_store(body)


@pytest.mark.parametrize("kind", [kind for kind in JobKind.values() if kind])
def test_job_keeps_its_kind_and_the_digest_of_its_program(
    with_store: Suite, kind: JobKind.ValueType
) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, kind=kind, payloads_sha256=BELL.payloads_sha256)
        await store.add(job, b"", b"circuits")
        assert await store.get("physics", job.job_id) == job
        assert await store.unfinished() == [job]

    with_store(body)


BELL = ProgramKey("physics", b"\xbe" * 32)
GHZ = ProgramKey("physics", b"\x67" * 32)
MINUTE_US = 60_000_000
# More than any test keeps.
PLENTY_BYTES = 1 << 30


def naming(number: int, key: ProgramKey, **changes: object) -> Job:
    """A job that names a program."""
    return make_job(number, tenant=key.tenant, payloads_sha256=key.payloads_sha256, **changes)


async def end(store: JobStore, job: Job) -> None:
    assert await store.update(job.evolve(state=DONE), expected=frozenset({QUEUED}), result=None)


def test_program_is_kept_with_its_job_for_its_tenant_alone(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(naming(1, BELL), b"spec", b"circuits")
        assert await store.program(BELL) == b"circuits"
        assert await store.program(GHZ) is None
        assert await store.program(BELL._replace(tenant="chemistry")) is None

    with_store(body)


def test_job_of_a_known_request_adds_no_program(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1, request_id="r"), b"")
        await store.add(naming(2, BELL, request_id="r"), b"", b"circuits")
        assert await store.program(BELL) is None

    with_store(body)


def test_program_that_an_unfinished_job_names_is_never_removed(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = naming(1, BELL)
        await store.add(job, b"", b"circuits")
        await store.add(naming(2, BELL), b"", b"circuits")
        far_later = job.create_time_us * 2
        await end(store, job)
        assert await store.remove_programs(unused_since_us=far_later, keep_bytes=0) == []
        await end(store, naming(2, BELL))
        assert await store.remove_programs(unused_since_us=far_later, keep_bytes=0) == [BELL]
        assert await store.program(BELL) is None
        assert await store.remove_programs(unused_since_us=far_later, keep_bytes=0) == []

    with_store(body)


def test_program_of_another_tenants_job_does_not_keep_mine(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        theirs = BELL._replace(tenant="chemistry")
        await store.add(naming(1, BELL), b"", b"circuits")
        await store.add(naming(2, theirs), b"", b"circuits")
        await end(store, naming(1, BELL))
        assert await store.remove_programs(unused_since_us=0, keep_bytes=0) == [BELL]
        assert await store.program(theirs) == b"circuits"

    with_store(body)


def test_programs_not_used_since_a_time_are_removed(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        first, second = naming(1, BELL), naming(2, GHZ, create_time_us=2_000_000_000_000_000)
        for job in (first, second):
            await store.add(job, b"", b"circuits")
            await end(store, job)
        removed = await store.remove_programs(
            unused_since_us=first.create_time_us, keep_bytes=PLENTY_BYTES
        )
        assert removed == [BELL]
        assert await store.program(GHZ) == b"circuits"

    with_store(body)


def test_use_of_a_program_a_minute_later_counts(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        first = naming(1, BELL)
        again = naming(2, BELL, create_time_us=first.create_time_us + MINUTE_US)
        for job in (first, again):
            await store.add(job, b"", b"circuits")
            await end(store, job)
        assert not await store.remove_programs(
            unused_since_us=first.create_time_us, keep_bytes=PLENTY_BYTES
        )
        assert await store.remove_programs(
            unused_since_us=again.create_time_us, keep_bytes=PLENTY_BYTES
        ) == [BELL]

    with_store(body)


def test_program_that_was_removed_is_kept_again_with_its_next_job(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(naming(1, BELL), b"", b"circuits")
        await end(store, naming(1, BELL))
        assert await store.remove_programs(unused_since_us=0, keep_bytes=0) == [BELL]
        await store.add(naming(2, BELL), b"", b"circuits")
        assert await store.program(BELL) == b"circuits"

    with_store(body)


def test_least_recently_used_programs_make_room(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        keys = [ProgramKey("physics", bytes([number]) * 32) for number in range(5)]
        for number, key in enumerate(keys):
            # The second is needed, and the first was used again in the end.
            await store.add(naming(number, key), b"", b"x" * 100)
            if number != 1:
                await end(store, naming(number, key))
        again = naming(9, keys[0], create_time_us=naming(9, keys[0]).create_time_us + MINUTE_US)
        await store.add(again, b"", b"x" * 100)
        await end(store, again)
        removed = []
        while step := await store.remove_programs(unused_since_us=0, keep_bytes=300):
            removed += step
        assert removed == [keys[2], keys[3]]

    with_store(body)


def test_many_large_programs_are_removed_in_steps_until_none_is_left(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        keys = [ProgramKey("physics", bytes([number]) * 32) for number in range(3)]
        for number, key in enumerate(keys):
            await store.add(naming(number, key), b"", bytes(3 << 20))
            await end(store, naming(number, key))
        removed = []
        while step := await store.remove_programs(unused_since_us=0, keep_bytes=0):
            removed += step
        assert removed == keys

    with_store(body)


def test_sqlite_store_keeps_jobs_when_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"

    async def write() -> None:
        store = SqlJobStore(url)
        await store.open()
        await store.add(make_job(1), b"spec")
        await store.close()

    async def read() -> tuple[Job | None, bytes | None]:
        store = SqlJobStore(url)
        await store.open()
        found = await store.get("physics", make_job(1).job_id), await store.spec(make_job(1).job_id)
        await store.close()
        return found

    asyncio.run(write())
    assert asyncio.run(read()) == (make_job(1), b"spec")


def test_sqlite_store_one_bad_write_spoils_no_other_of_its_batch(tmp_path: Path) -> None:
    async def body() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/jobs.db")
        await store.open()
        outcomes = await asyncio.gather(
            # The second has the first one's id, which the table refuses.
            store.add(make_job(1), b""),
            store.add(make_job(1), b""),
            store.add(make_job(2), b""),
            return_exceptions=True,
        )
        assert [isinstance(outcome, StoreError) for outcome in outcomes] == [False, True, False]
        assert await store.get("physics", make_job(2).job_id) == make_job(2)
        await store.close()

    asyncio.run(body())


def test_sqlite_store_that_cannot_be_opened_raises_store_error(tmp_path: Path) -> None:
    async def body() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/no/such/directory/jobs.db")
        with pytest.raises(StoreError, match="cannot open"):
            await store.open()

    asyncio.run(body())


@pytest.mark.parametrize("token", ["", "x", "AAAA", "not a token", "é"])
def test_cursor_from_foreign_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="not a page token"):
        Cursor.from_token(token)


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


def test_program_that_a_job_names_before_its_removal_is_committed_stays(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/jobs.db")
    upgrade(engine)
    writes = JobWrites(engine.dialect)
    with contextlib.closing(engine.raw_connection()) as raw:
        cursor = raw.cursor()
        for number, key in enumerate((BELL, GHZ)):
            job = naming(number, key)
            writes.add(job, b"", b"circuits", cursor)
            writes.update(job.evolve(state=DONE), {QUEUED}, None, cursor)
        raw.commit()
        with engine.connect() as connection:
            unneeded = select_unneeded(connection, unused_since_us=0, keep_bytes=0)
        writes.add(naming(3, BELL), b"", b"circuits", cursor)
        assert [program.key for program in unneeded] == [BELL, GHZ]
        assert writes.remove_programs(unneeded, cursor) == [GHZ]
    engine.dispose()


def test_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/jobs.db")
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_job_of_the_first_schema_is_one_that_ran_circuits(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/jobs.db")
    config = Config()
    config.set_main_option("script_location", "longwire_server:store/migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO jobs (job_id, tenant, spec_digest, backend_name, name, tags, state,"
            " sequence, attempt, create_time_us, error_reason, error_message, result_bytes)"
            " VALUES (?, 'physics', ?, 'aer_simulator', '', '', ?, 1, 0, ?, 0, '', 0)",
            (make_job(1).job_id, b"\x01" * 32, QUEUED, make_job(1).create_time_us),
        )
    engine.dispose()

    async def body() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/jobs.db")
        await store.open()
        assert await store.get("physics", make_job(1).job_id) == make_job(1)
        await store.close()

    asyncio.run(body())


def test_sqlite_finds_the_jobs_that_need_a_program_in_an_index_of_their_own(
    tmp_path: Path,
) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/jobs.db")
    upgrade(engine)
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
