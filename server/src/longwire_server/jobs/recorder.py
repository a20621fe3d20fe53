"""Writing what becomes of jobs, also while the store is away for a time.

A database restarts, a disk is full until somebody makes room: what happened to a job
meanwhile is not forgotten, but written again and again until the store takes it or
refuses it. That is safe, because what is written twice is written once (see
:class:`~longwire_server.store.job_store.JobStore`), and what is out of date is refused
by the number of the attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from longwire_server.failpoints import failpoint
from longwire_server.jobs.lifecycle import PREDECESSORS, VALIDATING
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, PayloadDamagedError, StoreError

_logger = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
# A job that waits for its program is cancelled within this time.
_LONGEST_READ_PAUSE_SECONDS = 1.0


class Recorder:
    """Writes changes of jobs until the store has taken or refused them.

    Args:
        store: the durable record.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._draining = asyncio.Event()
        self._gave_up = asyncio.Event()
        self._num_writing = 0
        self._settled = asyncio.Event()
        self._settled.set()

    async def until_answered(self, job_id: str, write: Callable[[], Awaitable[bool]]) -> bool:
        """Writes until the store has answered.

        Args:
            job_id: the job's id, for the log.
            write: writes what may be written twice; the store's answer is its own.

        Raises:
            StoreError: it could not be written before the server stopped.
        """
        pauses = _pauses(_LONGEST_PAUSE_SECONDS)
        has_failed = False
        with self._writing():
            while True:
                try:
                    answer = await write()
                except StoreError as error:
                    if self._gave_up.is_set():
                        raise
                    if not has_failed:
                        _logger.warning(
                            "job %s: what became of it cannot be recorded yet, and is tried "
                            "again until it is: %s",
                            job_id,
                            error,
                        )
                    has_failed = True
                else:
                    if has_failed:
                        _logger.info("job %s: what became of it is recorded now", job_id)
                    return answer
                await _pause(next(pauses), self._gave_up)

    async def begin(self, job: Job, *, attempt: int, lease_expires_us: Callable[[], int]) -> bool:
        """Writes that an attempt has begun.

        Args:
            job: the job in its new attempt.
            attempt: the attempt before it.
            lease_expires_us: when a lease ends that begins now.

        Returns:
            Whether the attempt is this server's.

        Raises:
            StoreError: it could not be written before the server stopped.
        """
        in_doubt = False

        async def write() -> bool:
            nonlocal in_doubt
            # The lease begins when the store has it, however long that took.
            begun = job.evolve(lease_expires_us=lease_expires_us()) if in_doubt else job
            try:
                failpoint("jobs.begin.before", StoreError)
                if await self._store.update(
                    begun, expected=PREDECESSORS[VALIDATING], attempt=attempt, result=None
                ):
                    return True
                # An earlier try may have been committed, with another end of the lease.
                return in_doubt and await self._is_recorded(job)
            except StoreError:
                in_doubt = True
                raise

        return await self.until_answered(job.job_id, write)

    async def read(
        self, job_id: str, read: Callable[[], Awaitable[T]], *, is_needed: Callable[[], bool]
    ) -> T | None:
        """What the store holds of a job; None where it is needed no more, or the server drains.

        Args:
            job_id: the job's id, for the log.
            read: reads it.
            is_needed: whether to go on while the store is away.

        Raises:
            PayloadDamagedError: it is not as it was written, and never will be.
        """
        pauses = _pauses(_LONGEST_READ_PAUSE_SECONDS)
        while is_needed() and not self._draining.is_set():
            try:
                return await read()
            except PayloadDamagedError:
                raise
            except StoreError as error:
                _logger.warning("job %s: its program cannot be read yet: %s", job_id, error)
            await _pause(next(pauses), self._draining)
        return None

    def drain(self) -> None:
        """From here on nothing is waited for that has not begun."""
        self._draining.set()

    def give_up(self) -> None:
        """From here on everything is tried once more, and then left to the next start."""
        self._gave_up.set()

    async def settled(self) -> None:
        """Returns when nothing waits to be written."""
        await self._settled.wait()

    async def _is_recorded(self, job: Job) -> bool:
        """Whether a job is in the attempt that this server has begun."""
        recorded = await self._store.get(job.tenant, job.job_id)
        return recorded is not None and (
            (recorded.state, recorded.attempt, recorded.lease_owner)
            == (job.state, job.attempt, job.lease_owner)
        )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        self._num_writing += 1
        self._settled.clear()
        try:
            yield
        finally:
            self._num_writing -= 1
            if self._num_writing == 0:
                self._settled.set()


async def _pause(seconds: float, until: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()


def _pauses(longest_seconds: float) -> Iterator[float]:
    """Longer each time, with jitter: many jobs wait for the same store."""
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        yield pause_seconds * random.uniform(0.5, 1.0)  # noqa: S311
        pause_seconds = min(2 * pause_seconds, longest_seconds)
