"""One watcher of an unfinished job: what it has been told, and what comes next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from longwire.v1.job_event_pb2 import Heartbeat, JobEvent
from longwire.v1.job_pb2 import JobProgress
from longwire_server.jobs.job_message import timestamp
from longwire_server.jobs.lifecycle import QUEUED
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.partial_results import PartialResults

HEARTBEAT_SECONDS = 15.0


class JobWatch:
    """Tells one watcher the events of a job.

    Args:
        live: the job.
        after: the highest sequence that the watcher has seen.
        pub_results: whether it is told of finished pubs.
    """

    def __init__(self, live: LiveJob, after: int, *, pub_results: bool = False) -> None:
        self._live = live
        self._after = after
        self._pub_results = pub_results
        self._told_position: tuple[int | None, int | None] | None = None
        self._told_progress: JobProgress | None = None
        self._told_pubs = 0
        self._told_pubs_of: PartialResults | None = None

    async def events(self) -> AsyncIterator[list[JobEvent]]:
        """The events, those that came together in one list.

        Ends after the final event, or when the server goes away.
        """
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            batch = self._news()
            if not batch and loop.time() - heard >= HEARTBEAT_SECONDS:
                batch.append(self._event(heartbeat=Heartbeat()))
            if batch:
                heard = loop.time()
                yield batch
            elif self._live.is_over:
                return
            else:
                await self._live.wait(heard + HEARTBEAT_SECONDS)

    def _news(self) -> list[JobEvent]:
        """What the watcher has not been told yet, as much as fits in one message."""
        live = self._live
        batch = live.changes(self._after)
        final = batch.pop() if batch and batch[-1].HasField("finished") else None
        if batch:
            self._after = batch[-1].sequence
        if live.job.state != QUEUED:
            # Back in the queue after a lost attempt, it is told again.
            self._told_position = None
        elif live.queue_position is not None:
            position = live.queue_position, live.estimated_start_us
            if position != self._told_position:
                self._told_position = position
                batch.append(self._position_event())
        if live.told_progress != self._told_progress:
            self._told_progress = live.told_progress
            # None where another attempt has begun.
            if self._told_progress is not None:
                batch.append(self._event(progress=self._told_progress))
        if self._pub_results and (pubs := self._new_pubs()):
            # The final event has a result of its own, and so a message of its own.
            return batch + pubs
        if final is not None:
            self._after = final.sequence
            batch.append(final)
        return batch

    def _new_pubs(self) -> list[JobEvent]:
        partial = self._live.partial
        if partial is not self._told_pubs_of:
            self._told_pubs_of, self._told_pubs = partial, 0
        pubs = partial.pubs(self._told_pubs, self._live.told_pubs)
        self._told_pubs += len(pubs)
        return [self._event(pub_finished=pub) for pub in pubs]

    def _position_event(self) -> JobEvent:
        event = self._event(queue_position=self._live.queue_position)
        if self._live.estimated_start_us is not None:
            event.estimated_start_time.CopyFrom(timestamp(self._live.estimated_start_us))
        return event

    def _event(self, **kind: Any) -> JobEvent:
        job_id, sequence = self._live.job.job_id, self._live.told_sequence
        return JobEvent(job_id=job_id, sequence=sequence, **kind)
