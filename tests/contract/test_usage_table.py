"""What tenants have used: written with the end of a job, and so once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from stored_jobs import DONE, ERROR, QUEUED, VALIDATING, make_job, with_open

from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore
from longwire_server.store.sql_job_store import SqlJobStore
from longwire_server.store.usage import Usage, day_of

DAY = "2026-05-01"
RUNNING = frozenset({VALIDATING})


def on_store(url: str, body: Callable[[SqlJobStore], Awaitable[None]]) -> None:
    store = SqlJobStore(url)

    async def run(_store: JobStore) -> None:
        await body(store)

    asyncio.run(with_open(store, run))


def used(
    job: Job, *, day: str = DAY, jobs: int = 1, shots: int = 100, worker_us: int = 5000
) -> Usage:
    return Usage(job.tenant, day, job.backend_name, jobs, shots, worker_us)


async def begun(store: JobStore, number: int, **changes: object) -> Job:
    """A job in its first attempt."""
    job = make_job(number, state=VALIDATING, attempt=1, **changes)
    await store.add(job, b"spec")
    return job


def ended(job: Job) -> Job:
    return job.evolve(state=DONE, sequence=9, end_time_us=9)


async def end(store: JobStore, job: Job, usage: Usage, *, attempt: int = 1) -> bool:
    return await store.update(
        ended(job), expected=RUNNING, attempt=attempt, result=b"r", usage=usage
    )


def test_usage_of_jobs_is_added_up_by_tenant_day_and_backend(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        jobs = [await begun(store, number) for number in range(3)]
        other = await begun(store, 3, tenant="chemistry")
        elsewhere = await begun(store, 4, backend_name="lab")
        # Those that come together share a transaction, and these do.
        assert all(await asyncio.gather(*(end(store, job, used(job)) for job in jobs[:2])))
        assert await end(store, jobs[2], used(jobs[2], day="2026-05-02"))
        assert await end(store, other, used(other, shots=7))
        assert await end(store, elsewhere, used(elsewhere, worker_us=1))
        assert await store.usage.of("physics") == [
            Usage("physics", DAY, "aer_simulator", 2, 200, 10_000),
            Usage("physics", DAY, "lab", 1, 100, 1),
            Usage("physics", "2026-05-02", "aer_simulator", 1, 100, 5000),
        ]
        assert [each.tenant for each in await store.usage.of(None)] == ["chemistry"] + [
            "physics"
        ] * 3

    on_store(sql_url, body)


def test_usage_is_told_of_the_days_that_are_asked_for(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        days = ["2026-04-30", "2026-05-01", "2026-05-02"]
        for number, day in enumerate(days):
            job = await begun(store, number)
            await end(store, job, used(job, day=day))

        async def told(**asked: str) -> list[str]:
            return [each.day for each in await store.usage.of("physics", **asked)]

        assert await told(first_day="2026-05-01") == days[1:]
        assert await told(last_day="2026-05-01") == days[:2]
        assert await told(first_day="2026-05-01", last_day="2026-05-01") == days[1:2]
        assert await store.usage.of("chemistry") == []

    on_store(sql_url, body)


def test_end_that_is_written_twice_is_metered_once(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        job = await begun(store, 1)
        assert await end(store, job, used(job))
        assert await end(store, job, used(job))
        assert await store.usage.of("physics") == [used(job)]

    on_store(sql_url, body)


def test_outcome_of_a_lost_attempt_is_not_metered(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        job = await begun(store, 1)
        assert not await end(store, job, used(job), attempt=2)
        assert await store.usage.of("physics") == []

    on_store(sql_url, body)


def test_attempt_that_is_put_back_is_metered_without_a_job(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        job = await begun(store, 1)
        lost = used(job, jobs=0, shots=0)
        back = job.evolve(state=QUEUED, sequence=5)
        assert await store.update(back, expected=RUNNING, attempt=1, result=None, usage=lost)
        again = job.evolve(attempt=2, sequence=6)
        await store.update(again, expected=frozenset({QUEUED}), attempt=1, result=None)
        assert await end(store, again, used(job), attempt=2)
        assert await store.usage.of("physics") == [lost + used(job)]

    on_store(sql_url, body)


def test_write_that_fails_meters_nothing_and_spoils_nothing(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        good, bad = await begun(store, 1), await begun(store, 2)
        # What no column of the table takes.
        broken: Any = Usage("physics", DAY, "lab", jobs=None)  # type: ignore[arg-type]
        outcomes = await asyncio.gather(
            end(store, good, used(good)), end(store, bad, broken), return_exceptions=True
        )
        assert outcomes[0] is True
        assert isinstance(outcomes[1], Exception)
        assert await store.usage.of("physics") == [used(good)]
        assert await store.get("physics", bad.job_id) == bad

    on_store(sql_url, body)


@pytest.mark.parametrize(
    ("time_us", "day"),
    [(0, "1970-01-01"), (1_777_593_599_999_999, "2026-04-30"), (1_777_593_600_000_000, DAY)],
    ids=["epoch", "last moment", "midnight"],
)
def test_day_of_a_time_is_that_of_utc(time_us: int, day: str) -> None:
    assert day_of(time_us) == day


def test_job_of_an_operators_query_is_found_whosever_it_is(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        jobs = [
            make_job(number, tenant=tenant, state=state)
            for number, (tenant, state) in enumerate(
                [("physics", QUEUED), ("chemistry", ERROR), ("physics", ERROR)]
            )
        ]
        for job in jobs:
            await store.add(job, b"")
            assert await store.get(None, job.job_id) == job
        assert await store.get("physics", jobs[1].job_id) is None

    on_store(sql_url, body)
