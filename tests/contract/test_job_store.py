"""What every store of jobs does: one suite, run against each of them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobState
from longwire_server.store.job import FINAL_STATES, Job
from longwire_server.store.job_query import Cursor, JobQuery
from longwire_server.store.job_store import JobStore, StoreError
from longwire_server.store.memory_job_store import MemoryJobStore
from longwire_server.store.sql_job_store import SqlJobStore

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
