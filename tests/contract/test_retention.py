"""Removing results, and later jobs, that have been kept long enough or are too many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from stored_jobs import (
    BELL,
    DONE,
    ERROR,
    PLENTY_BYTES,
    QUEUED,
    VALIDATING,
    Suite,
    make_job,
    naming,
    unfinished,
)

from longwire.v1.job_pb2 import JobState
from longwire_server.store.job import Job
from longwire_server.store.job_query import JobQuery
from longwire_server.store.job_store import JobStore

PLENTY_JOBS = 1000


async def end(
    store: JobStore,
    number: int,
    *,
    at_us: int,
    spec: bytes = b"spec",
    result: bytes | None = b"result",
    **changes: object,
) -> Job:
    """Adds a job, and ends it with a result, or with an error without one."""
    job = make_job(number, **changes)
    await store.add(job, spec)
    state = ERROR if result is None else DONE
    ended = job.evolve(state=state, end_time_us=at_us, result_bytes=len(result or b""))
    assert await store.update(ended, expected=frozenset({QUEUED}), result=result)
    return ended


async def all_of(remove_some: Callable[[], Awaitable[int]]) -> int:
    removed = 0
    while batch := await remove_some():
        removed += batch
    return removed


async def expire(store: JobStore, *, ended_by_us: int = 0, keep_bytes: int = PLENTY_BYTES) -> int:
    return await all_of(
        lambda: store.expire_results(ended_by_us=ended_by_us, keep_bytes=keep_bytes)
    )


async def remove(store: JobStore, *, ended_by_us: int = 0, keep_jobs: int = PLENTY_JOBS) -> int:
    return await all_of(lambda: store.remove_jobs(ended_by_us=ended_by_us, keep_jobs=keep_jobs))


async def numbers(store: JobStore) -> list[int]:
    return sorted(int(job.job_id, 16) for job in await store.list_jobs(JobQuery("physics")))


def test_results_of_jobs_that_ended_by_a_time_expire_and_their_jobs_stay(
    with_store: Suite,
) -> None:
    async def body(store: JobStore) -> None:
        first, second, third = [await end(store, each, at_us=each) for each in (1, 2, 3)]
        assert await expire(store, ended_by_us=2) == 2
        for job in (first, second):
            assert await store.get("physics", job.job_id) == job.evolve(result_bytes=0)
            assert await store.result(job.job_id) is None
            assert await store.spec(job.job_id) is None
        assert await store.get("physics", third.job_id) == third
        assert await store.result(third.job_id) == b"result"
        assert await store.spec(third.job_id) == b"spec"
        assert await expire(store, ended_by_us=2) == 0

    with_store(body)


def test_results_that_ended_first_make_room(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        for number, at_us in ((1, 40), (2, 10), (3, 30), (4, 20)):
            await end(store, number, at_us=at_us, spec=b"s" * 40, result=b"r" * 60)
        assert await expire(store, keep_bytes=400) == 0
        assert await expire(store, keep_bytes=399) == 1
        assert await expire(store, keep_bytes=200) == 1
        left = [each for each in range(1, 5) if await store.result(make_job(each).job_id)]
        assert left == [1, 3]
        assert await expire(store, keep_bytes=1) == 2

    with_store(body)


def test_program_of_a_job_that_failed_expires_like_a_result(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        failed = await end(store, 1, at_us=1, result=None)
        assert await expire(store, ended_by_us=1) == 1
        assert await store.spec(failed.job_id) is None
        assert await store.get("physics", failed.job_id) == failed

    with_store(body)


def test_unfinished_jobs_lose_nothing_however_little_is_kept(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        queued, running = make_job(1), make_job(2, state=VALIDATING, attempt=1, start_time_us=1)
        for job in (queued, running):
            await store.add(job, b"spec")
        await end(store, 3, at_us=5)
        far_later = queued.create_time_us * 2
        assert await expire(store, ended_by_us=far_later, keep_bytes=0) == 1
        assert await remove(store, ended_by_us=far_later, keep_jobs=0) == 1
        assert await unfinished(store) == [queued, running]
        for job in (queued, running):
            assert await store.spec(job.job_id) == b"spec"

    with_store(body)


def test_jobs_that_ended_by_a_time_are_removed_with_all_they_have(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        old = await end(store, 1, at_us=1, tags=("a",), request_id="r")
        expired = await end(store, 2, at_us=2)
        kept = await end(store, 3, at_us=3, tenant="chemistry")
        await expire(store, ended_by_us=2)
        assert await remove(store, ended_by_us=2) == 2
        for job in (old, expired):
            assert await store.get("physics", job.job_id) is None
            assert await store.spec(job.job_id) is None
            assert await store.result(job.job_id) is None
        assert await store.list_jobs(JobQuery("physics", tag="a")) == []
        assert await store.get("chemistry", kept.job_id) == kept
        assert await remove(store, ended_by_us=2) == 0
        # Nothing of it is in the way of another one.
        assert (await store.add(make_job(4, request_id="r"), b"")).created

    with_store(body)


def test_jobs_that_ended_first_make_room(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        for number, at_us in ((1, 40), (2, 10), (3, 30), (4, 20)):
            await end(store, number, at_us=at_us)
        await store.add(make_job(5), b"")
        assert await remove(store, keep_jobs=4) == 0
        assert await remove(store, keep_jobs=2) == 2
        assert await numbers(store) == [1, 3, 5]

    with_store(body)


def test_tenant_with_little_keeps_its_results_and_jobs_whatever_another_has(
    with_store: Suite,
) -> None:
    async def body(store: JobStore) -> None:
        first = await end(store, 1, at_us=1, tenant="chemistry", result=b"r" * 96)
        for number in range(2, 6):
            await end(store, number, at_us=number, result=b"r" * 96)
        # 100 bytes each: chemistry has less than half of what is kept, physics the rest.
        assert await expire(store, keep_bytes=300) == 2
        assert await store.result(first.job_id) is not None
        kept = [number for number in range(2, 6) if await store.result(f"{number:032x}")]
        assert kept == [4, 5]
        assert await remove(store, keep_jobs=2) == 3
        assert await store.get("chemistry", first.job_id) == first
        assert await numbers(store) == [5]
        # Both have as much: the one that has no more than its share loses nothing.
        assert await remove(store, keep_jobs=2) == 0

    with_store(body)


def test_many_jobs_are_removed_in_steps_until_none_is_left(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        for number in range(250):
            await end(store, number, at_us=number)
        assert await expire(store, ended_by_us=219) == 220
        assert await remove(store, ended_by_us=209) == 210
        assert await numbers(store) == list(range(210, 250))

    with_store(body)


def test_large_results_are_removed_until_none_is_left(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        for number in range(3):
            await end(store, number, at_us=number, result=bytes(3 << 20))
        assert await expire(store, keep_bytes=0) == 3
        assert await store.result(make_job(0).job_id) is None

    with_store(body)


def test_result_that_expired_is_not_brought_back_by_a_repeated_update(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        done = await end(store, 1, at_us=1)
        await expire(store, ended_by_us=1)
        late: frozenset[JobState.ValueType] = frozenset({QUEUED})
        assert not await store.update(done, expected=late, result=b"result")
        assert await store.result(done.job_id) is None

    with_store(body)


def test_program_that_only_ended_jobs_named_is_kept_apart_from_their_results(
    with_store: Suite,
) -> None:
    async def body(store: JobStore) -> None:
        job = naming(1, BELL)
        await store.add(job, b"spec", b"circuits")
        done = job.evolve(state=DONE, end_time_us=1)
        await store.update(done, expected=frozenset({QUEUED}), result=None)
        assert await expire(store, ended_by_us=1, keep_bytes=0) == 1
        assert await store.program(BELL) == b"circuits"

    with_store(body)
