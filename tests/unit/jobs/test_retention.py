"""When results and jobs are removed, and what the log says of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from stored_jobs import DONE, PLENTY_BYTES, QUEUED, make_job

from longwire_server.jobs import retention
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.retention import Retention, RetentionLimits
from longwire_server.store.job_store import StoreError
from longwire_server.store.memory_job_store import MemoryJobStore

LIMIT_SECONDS = 30
HOUR_US = 3_600_000_000


class StoreThatMayBeAway(MemoryJobStore):
    """A store that cannot be reached while ``is_away``, and counts how often that was tried."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.tries = 0

    async def remove_jobs(self, *, ended_by_us: int, keep_jobs: int) -> int:
        """See :meth:`JobStore.remove_jobs`."""
        self.tries += 1
        if self.is_away:
            raise StoreError("the database is away")
        return await super().remove_jobs(ended_by_us=ended_by_us, keep_jobs=keep_jobs)


@pytest.fixture(autouse=True)
def frequent_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_SWEEP_EVERY_SECONDS", 0.001)


def limits(
    *,
    results_days: float = 30.0,
    results_bytes: int = PLENTY_BYTES,
    jobs_days: float = 90.0,
    jobs: int = 1000,
) -> RetentionLimits:
    return RetentionLimits(results_days, results_bytes, jobs_days, jobs)


async def add_done(store: MemoryJobStore, number: int, *, hours_ago: float) -> None:
    queued = make_job(number)
    await store.add(queued, b"spec")
    done = queued.evolve(
        state=DONE,
        sequence=4,
        end_time_us=now_us() - round(hours_ago * HOUR_US),
        result_bytes=100,
    )
    assert await store.update(done, expected=frozenset({QUEUED}), result=b"r" * 100)


def sweep(
    store: MemoryJobStore,
    kept: RetentionLimits,
    until: Callable[[], Awaitable[bool]],
) -> None:
    """Sweeps until something is so."""

    async def body() -> None:
        sweeps = Retention(store, kept)
        sweeps.start()
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                if await until():
                    break
                await asyncio.sleep(0.001)
        await sweeps.stop()

    asyncio.run(body())


def states(store: MemoryJobStore, *numbers: int) -> list[str]:
    """What is left of jobs."""

    async def body() -> list[str]:
        found = []
        for number in numbers:
            job = await store.get("physics", make_job(number).job_id)
            if job is None:
                found.append("gone")
            else:
                result = await store.result(job.job_id)
                assert job.result_bytes == len(result or b"")
                found.append("whole" if result else "without result")
        return found

    return asyncio.run(body())


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        (limits(), ["whole", "whole", "whole"]),
        (limits(results_days=1.0), ["without result", "whole", "whole"]),
        (limits(results_bytes=150), ["without result", "without result", "whole"]),
        (limits(results_days=1.0, jobs_days=2.0), ["gone", "whole", "whole"]),
        (limits(jobs=1), ["gone", "gone", "whole"]),
        (limits(results_bytes=0, jobs=2), ["gone", "without result", "without result"]),
    ],
)
def test_what_is_over_the_limits_goes_the_earliest_ended_first(
    kept: RetentionLimits, left: list[str]
) -> None:
    store = StoreThatMayBeAway()

    async def fill() -> None:
        for number, hours_ago in ((1, 100), (2, 20), (3, 1)):
            await add_done(store, number, hours_ago=hours_ago)
        # As old as can be, and never touched.
        await store.add(make_job(4, create_time_us=1), b"spec")

    async def twice() -> bool:
        return store.tries > 2

    asyncio.run(fill())
    sweep(store, kept, twice)
    assert states(store, 1, 2, 3) == left
    assert asyncio.run(store.get("physics", make_job(4).job_id)) is not None


def test_log_says_how_much_was_removed_and_why(caplog: pytest.LogCaptureFixture) -> None:
    store = StoreThatMayBeAway()
    asyncio.run(add_done(store, 1, hours_ago=100))
    asyncio.run(add_done(store, 2, hours_ago=30))

    async def gone() -> bool:
        job = await store.get("physics", make_job(2).job_id)
        return job is not None and job.result_bytes == 0

    with caplog.at_level(logging.INFO, "longwire_server"):
        sweep(store, limits(results_days=1.0, jobs_days=4.0), gone)
    assert [record.getMessage() for record in caplog.records] == [
        "jobs removed: 1; ended jobs are kept for 4 days, and at most 1,000 of them",
        "results removed: 1, with their programs; they are kept for 1 day, and at most 1 GiB of "
        "them",
    ]


def test_store_that_is_away_is_warned_of_once_and_swept_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = StoreThatMayBeAway()
    store.is_away = True

    async def came_back() -> bool:
        if store.tries > 5:
            store.is_away = False
        return store.tries > 8

    with caplog.at_level(logging.INFO, "longwire_server"):
        sweep(store, limits(), came_back)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "old results and jobs cannot be removed for now: the database is away"),
        ("INFO", "old results and jobs can be removed again"),
    ]


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (limits(), "for 30 days, and at most 1 GiB of them"),
        (limits(results_days=1.0, results_bytes=10 << 30), "for 1 day, and at most 10 GiB of them"),
        (limits(results_days=0.5, results_bytes=1536), "for 12 hours, and at most 1.5 KiB of them"),
        (
            limits(results_days=1 / 1440, results_bytes=9),
            "for 1 minute, and at most 9 bytes of them",
        ),
        (limits(results_days=2e-5), "for 1.73 seconds, and at most 1 GiB of them"),
        (limits(results_bytes=9), "for 30 days, and at most 9 bytes of them"),
        (limits(results_days=0.0), "for 0 seconds, and at most 1 GiB of them"),
        (limits(results_days=36_500.0), "for 36,500 days, and at most 1 GiB of them"),
    ],
)
def test_limits_are_told_in_units_that_fit(kept: RetentionLimits, words: str) -> None:
    assert kept.results_in_words == words


@pytest.mark.parametrize(
    ("results_days", "seconds"), [(30.0, 60.0), (100 / 86_400, 10.0), (0.0, 1.0)]
)
def test_little_time_is_swept_for_sooner(
    monkeypatch: pytest.MonkeyPatch, results_days: float, seconds: float
) -> None:
    monkeypatch.undo()
    assert limits(results_days=results_days).sweep_every_seconds == pytest.approx(seconds)
