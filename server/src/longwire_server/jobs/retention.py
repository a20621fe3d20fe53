"""Removing what has been kept long enough: results first, later the jobs themselves."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Awaitable, Callable

from longwire_server.jobs.clock import now_us
from longwire_server.store.job_store import JobStore, StoreError

_logger = logging.getLogger(__name__)

_SWEEP_EVERY_SECONDS = 60.0
# Sweeps come as often as this where little time is given, for it to be about true.
_SWEEPS_A_LIMIT = 10
_LEAST_SWEEP_SECONDS = 1.0
_SECONDS_PER_DAY = 86_400
_US_PER_SECOND = 1_000_000
# The units in which a limit is told, the largest first.
_SPANS = (("day", 1.0), ("hour", 1 / 24), ("minute", 1 / 1440), ("second", 1 / 86_400))
_MANY_DAYS = 1000
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


@dataclasses.dataclass(frozen=True, slots=True)
class RetentionLimits:
    """How long, and how much, a server keeps of jobs that have ended."""

    results_days: float
    """How long a result is kept after its job has ended."""

    results_bytes: int
    """How much of all results; the earliest ended go first."""

    jobs_days: float
    """How long a job is kept after it has ended, with all that is left of it."""

    jobs: int
    """How many jobs that have ended; the earliest ended go first."""

    @property
    def sweep_every_seconds(self) -> float:
        """How often to look for what is over the limits: every minute, or sooner."""
        shortest_seconds = min(self.results_days, self.jobs_days) * _SECONDS_PER_DAY
        asked_for = shortest_seconds / _SWEEPS_A_LIMIT
        return min(_SWEEP_EVERY_SECONDS, max(_LEAST_SWEEP_SECONDS, asked_for))

    @property
    def results_in_words(self) -> str:
        """What holds for results, as the end of a sentence."""
        return f"for {_span(self.results_days)}, and at most {_size(self.results_bytes)} of them"

    @property
    def jobs_in_words(self) -> str:
        """What holds for jobs, as the end of a sentence."""
        return f"for {_span(self.jobs_days)}, and at most {self.jobs:,} of them"


class Retention:
    """Removes results and jobs that are over the limits, now and from time to time.

    Unfinished jobs are never touched. What is to go goes in bounded batches, between
    which the store has time for others.

    Args:
        store: the durable record.
        limits: what is kept.
    """

    def __init__(self, store: JobStore, limits: RetentionLimits) -> None:
        self._store = store
        self._limits = limits
        self._sweeper: asyncio.Task[None] | None = None
        self._is_failing = False

    def start(self) -> None:
        """Begins."""
        self._sweeper = asyncio.create_task(self._keep_sweeping())

    async def stop(self) -> None:
        """Ends that; what a batch has begun to remove is removed or left as a whole."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper

    async def _keep_sweeping(self) -> None:
        while True:
            try:
                await self._sweep()
            except StoreError as error:
                if not self._is_failing:
                    _logger.warning("old results and jobs cannot be removed for now: %s", error)
                self._is_failing = True
            except Exception:
                # A defect must not end the sweeps for good.
                _logger.exception("old results and jobs cannot be removed")
            else:
                if self._is_failing:
                    _logger.info("old results and jobs can be removed again")
                self._is_failing = False
            await asyncio.sleep(self._limits.sweep_every_seconds)

    async def _sweep(self) -> None:
        limits = self._limits
        # The jobs first: their results need not be looked at any more.
        ended_by_us = _before(limits.jobs_days)
        await _remove_all(
            lambda: self._store.remove_jobs(ended_by_us=ended_by_us, keep_jobs=limits.jobs),
            f"jobs removed: %d; ended jobs are kept {limits.jobs_in_words}",
        )
        results_ended_by_us = _before(limits.results_days)
        await _remove_all(
            lambda: self._store.expire_results(
                ended_by_us=results_ended_by_us, keep_bytes=limits.results_bytes
            ),
            f"results removed: %d, with their programs; they are kept {limits.results_in_words}",
        )


async def _remove_all(remove_some: Callable[[], Awaitable[int]], message: str) -> None:
    """Removes batches until nothing is left to remove, and logs how much that was."""
    loop = asyncio.get_running_loop()
    removed = 0
    try:
        while True:
            begun_at = loop.time()
            batch = await remove_some()
            if not batch:
                return
            removed += batch
            # Half of the time is for what others write.
            await asyncio.sleep(loop.time() - begun_at)
    finally:
        if removed:
            _logger.info(message, removed)


def _before(days: float) -> int:
    """The time so many days ago, in microseconds since 1970 UTC."""
    return now_us() - round(days * _SECONDS_PER_DAY * _US_PER_SECOND)


def _span(days: float) -> str:
    name, unit = next((each for each in _SPANS if days >= each[1]), _SPANS[-1])
    number = f"{days / unit:.3g}" if days < _MANY_DAYS else f"{days:,.0f}"
    return f"{number} {name}" if number == "1" else f"{number} {name}s"


def _size(size_bytes: int) -> str:
    for name, unit in _SIZES:
        if size_bytes >= unit:
            return f"{size_bytes / unit:.3g} {name}"
    return f"{size_bytes:,} bytes"
