"""Ending jobs that waited longer than their owner wants them to."""

from __future__ import annotations

import asyncio
import logging

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.jobs.attempts import AttemptRunner
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.lifecycle import ERROR
from longwire_server.jobs.live_job import LiveJob, Stop
from longwire_server.store.job import Job
from longwire_server.store.job_store import StoreError

_logger = logging.getLogger(__name__)

_US_PER_SECOND = 1_000_000


class QueueDeadlines:
    """Takes jobs out of the queue whose first attempt has not begun in time.

    Args:
        dispatcher: the queue.
        attempts: writes how jobs end.
    """

    def __init__(self, dispatcher: Dispatcher, attempts: AttemptRunner) -> None:
        self._dispatcher = dispatcher
        self._attempts = attempts
        self._ending: set[asyncio.Task[None]] = set()

    def watch(self, live: LiveJob) -> None:
        """Ends a queued job when its time is over, if it has a limit."""
        deadline_us = live.job.queue_deadline_us
        if deadline_us is None or live.job.attempt or live.deadline_handle is not None:
            return
        # From here on by the loop's clock, which nobody sets back. Never longer than was
        # asked for: the job may come from before a restart, and from a clock that was
        # fast.
        left_us = min(deadline_us - now_us(), deadline_us - live.job.create_time_us)
        wait_seconds = max(0, left_us) / _US_PER_SECOND
        loop = asyncio.get_running_loop()
        live.deadline_handle = loop.call_later(wait_seconds, self._expire, live)

    def _expire(self, live: LiveJob) -> None:
        live.deadline_handle = None
        if live.is_over:
            return
        if not self._dispatcher.remove(live):
            # A worker was taken for it, but its program cannot be read yet; or its
            # cancellation cannot be recorded yet, and this says nothing to it.
            self._attempts.stop(live, _waited_too_long(live.job))
            return
        task = asyncio.create_task(self._end(live))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, live: LiveJob) -> None:
        try:
            await self._attempts.end(live, _waited_too_long(live.job))
        except StoreError as error:
            # The server stops; the next start finds the job as late as it is.
            _logger.warning("job %s: its end cannot be recorded: %s", live.job.job_id, error)


def _waited_too_long(job: Job) -> Stop:
    limit_seconds = ((job.queue_deadline_us or 0) - job.create_time_us) / _US_PER_SECOND
    return Stop(
        ERROR,
        ErrorReason.ERROR_REASON_QUEUE_TIME_LIMIT,
        f"The job waited longer than {limit_seconds:g} s in the queue, its own "
        "max_queue_seconds: allow it more, or submit it when fewer jobs wait",
    )
