"""Taking up what a server left unfinished that has ended, however it ended."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Iterator

from longwire_server.failpoints import failpoint
from longwire_server.jobs.attempts import AttemptRunner
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.lifecycle import CANCELLED, ERROR, QUEUED
from longwire_server.jobs.live_job import SERVER_STOPPED, LiveJob
from longwire_server.jobs.live_jobs import LiveJobs
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.job import Job
from longwire_server.store.job_query import Cursor
from longwire_server.store.job_store import StoreError
from longwire_server.store.server_beat import ServerBeat
from longwire_server.store.server_table import ServerTable

_logger = logging.getLogger(__name__)

# After a restart the numbering goes on above all that a watcher may have seen.
_SEQUENCE_GAP = 16
_RETRY_SECONDS = 1.0
# Calls are answered between two pages.
_PAGE_SIZE = 500


class Recovery:
    """Queues unfinished jobs again, or ends those that must not run again.

    Args:
        servers: which jobs are whose.
        directory: the hosted backends.
        attempts: writes what becomes of jobs.
        dispatcher: the queue.
        queue: takes over a job that is to run.
        live: the unfinished jobs of this server.
    """

    def __init__(
        self,
        servers: ServerTable,
        directory: BackendDirectory,
        attempts: AttemptRunner,
        dispatcher: Dispatcher,
        *,
        queue: Callable[[LiveJob], None],
        live: LiveJobs,
    ) -> None:
        self._servers = servers
        self._directory = directory
        self._attempts = attempts
        self._leases = attempts.leases
        self._dispatcher = dispatcher
        self._queue = queue
        self._live = live
        self._taking_up: asyncio.Task[None] | None = None
        self._has_left_some = False
        self._has_stopped = False

    async def run(self) -> None:
        """Takes up what had begun, and goes on with the queued jobs in the background.

        Raises:
            StoreError: the store could not be read or written.
        """
        failpoint("recovery.before")
        await self._take_up_begun()
        failpoint("recovery.begun")
        self._dispatcher.hold_arrivals()
        self._live.note_seen()
        self._taking_up = asyncio.create_task(self._take_up_queue())

    @property
    def is_taking_up(self) -> bool:
        """Whether queued jobs of the store may be missing in the queue still."""
        return self._taking_up is not None and not self._taking_up.done()

    async def taken_up(self) -> None:
        """Waits until every queued job is in the queue, or the server stops."""
        if self._taking_up is not None:
            await asyncio.wait([self._taking_up])

    def take_out(self, job: Job) -> LiveJob | None:
        """Leaves to the caller a job that is still to be taken up.

        Args:
            job: the job as the store has just shown it.

        Returns:
            The job, to be ended at once; None where it does not wait to be taken up.
        """
        is_left = job.state == QUEUED and job.lease_owner == self._leases.owner
        if not (is_left and self.is_taking_up) or self._live.has_seen(job.job_id):
            return None
        return _live(job)

    async def stop(self) -> None:
        """Takes up no more."""
        self._has_stopped = True
        if self._taking_up is not None:
            self._taking_up.cancel()
            await asyncio.gather(self._taking_up, return_exceptions=True)

    async def take_over(self, dead: ServerBeat) -> None:
        """Takes up the jobs of a server that has stopped or died, as far as others do not.

        Raises:
            StoreError: the store could not be read or written; then the next call goes on.
        """
        if self._has_stopped:
            # Another one will.
            return
        count = 0
        try:
            while claimed := await self._claim(dead):
                for job in claimed:
                    await self._take_up(job)
                count += len(claimed)
            if self._has_left_some:
                await self._take_up_owned()
                self._has_left_some = False
        except StoreError:
            # What was claimed, perhaps without a word of it, is this server's all the same.
            self._has_left_some = True
            raise
        if count:
            _logger.info("took over %d jobs of server %s", count, dead.server_id)

    async def _take_up_begun(self) -> None:
        last: Cursor | None = None
        while begun := await self._owned(queued=False, after=last):
            # All in one commit, then queued in their order.
            put_back = await asyncio.gather(*map(self._put_back, begun))
            failpoint("recovery.put_back")
            for live in put_back:
                if live is not None:
                    self._queue(live)
            _logger.info("took up %d interrupted jobs", len(begun))
            last = _cursor(begun[-1])

    async def _take_up_queue(self) -> None:
        """Queues the jobs that waited, the oldest first.

        A server with 100,000 of them serves at once; who comes meanwhile waits his turn.
        """
        while True:
            try:
                await self._claim_ownerless()
                await self._take_up_owned()
            except StoreError as error:
                _logger.warning("queued jobs cannot be taken up yet: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        self._live.forget_seen()
        self._dispatcher.release_arrivals()
        failpoint("recovery.queued")

    async def _claim_ownerless(self) -> None:
        """Jobs from before every job had a server are this one's now."""
        while await self._claim(None):
            pass

    async def _take_up_owned(self) -> None:
        """Takes up every unfinished job of this server that is not known yet."""
        last: Cursor | None = None
        count = 0
        while page := await self._owned(after=last):
            with _no_garbage_collection():
                for job in page:
                    count += await self._take_up(job)
            last = _cursor(page[-1])
        if count:
            _logger.info("took up %d jobs", count)

    async def _owned(self, *, queued: bool | None = None, after: Cursor | None) -> list[Job]:
        return await self._servers.owned(
            self._leases.owner, queued=queued, after=after, limit=_PAGE_SIZE
        )

    async def _claim(self, dead: ServerBeat | None) -> list[Job]:
        return await self._servers.claim(
            self._leases.owner,
            dead,
            backend_names=self._directory.runnable_names,
            limit=_PAGE_SIZE,
        )

    async def _take_up(self, job: Job) -> bool:
        """Queues a job; False where it is known already, or has ended."""
        if self._live.has_seen(job.job_id):
            # It has come since the start, or was in a page that is read again. It may
            # even have ended since the page was read.
            return False
        live = _live(job) if job.state == QUEUED else await self._put_back(job)
        if live is None or (job.state == QUEUED and await self._has_ended(live)):
            return False
        self._queue(live)
        return True

    async def _put_back(self, job: Job) -> LiveJob | None:
        """An interrupted job that is to run again; None where it has ended."""
        live = _live(job)
        if await self._has_ended(live):
            return None
        return live if await self._attempts.put_back(live, SERVER_STOPPED) else None

    async def _has_ended(self, live: LiveJob) -> bool:
        """Ends a job that is not to run: it was to be cancelled, or its backend is gone."""
        if live.job.cancel_requested:
            await self._attempts.finish(live, CANCELLED)
            return True
        try:
            self._directory.require_runnable(live.job.backend_name)
        except RequestRefusedError as refusal:
            await self._attempts.finish(live, ERROR, reason=refusal.reason, message=refusal.message)
            return True
        return False


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


def _cursor(job: Job) -> Cursor:
    return Cursor(job.create_time_us, job.job_id)


def _live(job: Job) -> LiveJob:
    live = LiveJob(job.evolve(sequence=job.sequence + _SEQUENCE_GAP), None)
    live.committed.set_result(None)
    return live
