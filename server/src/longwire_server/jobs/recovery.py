"""Taking up what a server left unfinished that has ended, however it ended."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Iterator

from longwire_server.jobs.attempts import AttemptRunner
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.leases import Leases
from longwire_server.jobs.lifecycle import ERROR, QUEUED
from longwire_server.jobs.live_job import SERVER_STOPPED, LiveJob
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, StoreError

_logger = logging.getLogger(__name__)

# After a restart the numbering goes on above all that a watcher may have seen.
_SEQUENCE_GAP = 16
_US_PER_SECOND = 1_000_000
_RETRY_SECONDS = 1.0


class Recovery:
    """Queues unfinished jobs again, or ends those that must not run again.

    Args:
        store: the durable record.
        directory: the hosted backends.
        attempts: writes what becomes of jobs.
        leases: says which attempts were this server's.
        queue: takes over a job that is to run.
    """

    def __init__(
        self,
        store: JobStore,
        directory: BackendDirectory,
        attempts: AttemptRunner,
        leases: Leases,
        *,
        queue: Callable[[LiveJob], None],
    ) -> None:
        self._store = store
        self._directory = directory
        self._attempts = attempts
        self._leases = leases
        self._queue = queue
        self._waiting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Takes up all unfinished jobs: first those that had begun, then the queued ones.

        Raises:
            StoreError: the store could not be read or written.
        """
        with _no_garbage_collection():
            await self._run()

    async def _run(self) -> None:
        unfinished = await self._store.unfinished()
        begun = [job for job in unfinished if job.state != QUEUED]
        # Another server may still be at work on these.
        leased = [job for job in begun if self._lease_seconds_left(job) > 0]
        for job in leased:
            task = asyncio.create_task(self._take_over(job))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        waiting = {job.job_id for job in leased}
        interrupted = [job for job in begun if job.job_id not in waiting]
        # All in one commit, then queued in their order.
        for live in await asyncio.gather(*map(self._put_back, interrupted)):
            if live is not None:
                self._queue(live)
        queued = [job for job in unfinished if job.state == QUEUED]
        for job in queued:
            await self._recover_queued(job)
        if unfinished:
            _logger.info(
                "took up %d queued jobs and %d interrupted ones", len(queued), len(interrupted)
            )

    async def stop(self) -> None:
        """Waits for no lease any more."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _recover_queued(self, job: Job) -> None:
        live = _live(job)
        if not await self._ended_without_backend(live):
            self._queue(live)

    async def _put_back(self, job: Job) -> LiveJob | None:
        """An interrupted job that is to run again; None where it has ended."""
        live = _live(job)
        if await self._ended_without_backend(live):
            return None
        return live if await self._attempts.put_back(live, SERVER_STOPPED) else None

    async def _ended_without_backend(self, live: LiveJob) -> bool:
        """Ends a job whose backend is hosted no more."""
        try:
            self._directory.require_runnable(live.job.backend_name)
        except RequestRefusedError as refusal:
            await self._attempts.finish(live, ERROR, reason=refusal.reason, message=refusal.message)
            return True
        return False

    def _lease_seconds_left(self, job: Job) -> float:
        """How long another server may still be at work on an attempt.

        Never longer than a lease lasts, whatever the clocks of the two say.
        """
        if job.lease_owner in ("", self._leases.owner) or job.lease_expires_us is None:
            return 0.0
        left = (job.lease_expires_us - now_us()) / _US_PER_SECOND
        return min(left, self._leases.lease_seconds)

    async def _take_over(self, job: Job) -> None:
        """Waits until another server's lease has run out, or its attempt has ended."""
        while True:
            await asyncio.sleep(self._lease_seconds_left(job))
            try:
                now = await self._store.get(job.tenant, job.job_id)
                if now is None or (now.state, now.attempt) != (job.state, job.attempt):
                    return
                if now.lease_expires_us == job.lease_expires_us:
                    if (live := await self._put_back(now)) is not None:
                        self._queue(live)
                    return
                job = now
            except StoreError as error:
                _logger.warning("job %s cannot be taken over yet: %s", job.job_id, error)
                await asyncio.sleep(_RETRY_SECONDS)


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    # All that is made here stays. To look through it again and again for garbage takes
    # longer than all else: with 100,000 jobs, seconds.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _live(job: Job) -> LiveJob:
    live = LiveJob(job.evolve(sequence=job.sequence + _SEQUENCE_GAP), None)
    live.committed.set_result(None)
    return live
