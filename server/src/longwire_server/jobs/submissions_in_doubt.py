"""Submissions of which nobody knows whether they were recorded.

When the store fails while it writes a job, the job may be there all the same: the
connection may have broken while the commit was confirmed. Neither "it was recorded" nor
"it was not" would be true then. The job stays in doubt until the store answers again and
tells: then it is queued, or forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable

from longwire_server.jobs.lifecycle import QUEUED
from longwire_server.jobs.live_job import LiveJob
from longwire_server.refusals import (
    store_unavailable,
    submission_in_doubt,
    submission_not_recorded,
)
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, StoreError

_logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
# A submitter whose job is in doubt waits so long for the answer before it is told so.
_DECISION_SECONDS = 1.0
# So does whoever sends the same request once more meanwhile; it cannot be told more.
_REPEATED_SECONDS = 5.0
# How many jobs are remembered that were not there when the store was asked.
_NOT_RECORDED = 10_000


class SubmissionsInDoubt:
    """Finds out what became of them.

    Args:
        store: the durable record.
        adopt: takes over a job that was recorded; its second argument is the record.
        withdraw: forgets one that was not, for the reason given.
    """

    def __init__(
        self,
        store: JobStore,
        *,
        adopt: Callable[[LiveJob, Job], None],
        withdraw: Callable[[LiveJob, Exception], None],
    ) -> None:
        self._store = store
        self._adopt = adopt
        self._withdraw = withdraw
        self._in_doubt: dict[str, LiveJob] = {}
        self._not_recorded: OrderedDict[str, None] = OrderedDict()
        self._store_is_away = False
        self._resolver: asyncio.Task[None] | None = None
        self._has_stopped = False

    def require_store(self) -> None:
        """Refuses a submission while the store is known to be away.

        It is not tried, and so there is no doubt about it: no more submissions are in
        doubt than were under way when the store failed.

        Raises:
            RequestRefusedError: it is away.
        """
        if self._store_is_away:
            raise store_unavailable()

    async def decide(self, live: LiveJob, error: StoreError) -> None:
        """Returns when a job is known to be recorded whose record failed.

        Args:
            live: the job.
            error: how the store failed.

        Raises:
            RequestRefusedError: it is known not to be recorded, or takes longer to find out.
        """
        _logger.error("job %s: is it recorded? The store failed: %s", live.job.job_id, error)
        # Read again if it is needed: there may be many such jobs.
        live.spec = None
        if self._has_stopped:
            self._withdraw(live, submission_in_doubt(live.job.request_id))
        else:
            self._in_doubt[live.job.job_id] = live
            if self._resolver is None or self._resolver.done():
                self._resolver = asyncio.create_task(self._resolve())
        await asyncio.wait([live.committed], timeout=_DECISION_SECONDS)
        if not live.committed.done():
            raise submission_in_doubt(live.job.request_id)
        live.committed.result()

    def was_not_recorded(self, job: Job) -> bool:
        """Whether a job that is in the store was not when the store was asked for it.

        A commit that was under way when its connection broke can still come true. Nobody
        has such a job then, and nobody was told of it.
        """
        if job.job_id not in self._not_recorded:
            return False
        del self._not_recorded[job.job_id]
        return job.state == QUEUED

    async def stop(self) -> None:
        """Asks no more. What is still in doubt is found by the next start, if it is there."""
        self._has_stopped = True
        if self._resolver is not None:
            self._resolver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._resolver
        while self._in_doubt:
            _, live = self._in_doubt.popitem()
            self._withdraw(live, submission_in_doubt(live.job.request_id))

    async def _resolve(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while self._in_doubt:
            live = next(iter(self._in_doubt.values()))
            try:
                recorded = await self._store.get(live.job.tenant, live.job.job_id)
            except StoreError:
                self._store_is_away = True
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
                continue
            self._store_is_away = False
            del self._in_doubt[live.job.job_id]
            if recorded is None:
                self._forget(live)
            else:
                _logger.info("job %s: it is recorded", live.job.job_id)
                self._adopt(live, recorded)

    def _forget(self, live: LiveJob) -> None:
        _logger.info("job %s: it is not recorded", live.job.job_id)
        self._not_recorded[live.job.job_id] = None
        if len(self._not_recorded) > _NOT_RECORDED:
            self._not_recorded.popitem(last=False)
        self._withdraw(live, submission_not_recorded())


async def is_durable(live: LiveJob) -> bool:
    """Whether a job was recorded, once that is decided.

    Raises:
        RequestRefusedError: it is still in doubt after some seconds.
    """
    await asyncio.wait([live.committed], timeout=_REPEATED_SECONDS)
    if not live.committed.done():
        raise submission_in_doubt(live.job.request_id)
    return live.committed.exception() is None
