"""Ending jobs that waited longer than their owner wants them to."""

from __future__ import annotations

import asyncio
import logging

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.jobs.attempts import AttemptRunner
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.lifecycle import ERROR
from longwire_server.jobs.live_job import LiveJob
from longwire_server.store.job_store import StoreError

_logger = logging.getLogger(__name__)

_US_PER_SECOND = 1_000_000
# After an outcome could not be recorded it is tried again.
_RETRY_SECONDS = 1.0


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
        if deadline_us is None or live.job.attempt:
            return
        # From here on by the loop's clock, which nobody sets back.
        wait_seconds = max(0.0, (deadline_us - now_us()) / _US_PER_SECOND)
        loop = asyncio.get_running_loop()
        live.deadline_handle = loop.call_later(wait_seconds, self._expire, live)

    def _expire(self, live: LiveJob) -> None:
        live.deadline_handle = None
        if live.is_over or not self._dispatcher.remove(live):
            return
        task = asyncio.create_task(self._end(live))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, live: LiveJob) -> None:
        job = live.job
        limit_seconds = ((job.queue_deadline_us or 0) - job.create_time_us) / _US_PER_SECOND
        while not live.is_over:
            try:
                await self._attempts.finish(
                    live,
                    ERROR,
                    reason=ErrorReason.ERROR_REASON_QUEUE_TIME_LIMIT,
                    message=f"The job waited longer than {limit_seconds:g} s in the queue, its own "
                    "max_queue_seconds: allow it more, or submit it when fewer jobs wait",
                )
            except StoreError as error:
                _logger.warning("job %s: its end cannot be recorded: %s", job.job_id, error)
                await asyncio.sleep(_RETRY_SECONDS)
