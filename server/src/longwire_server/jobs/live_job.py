"""A job that is not final yet: its record, its events, and who waits for them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import Heartbeat, JobEvent, JobFinished
from longwire.v1.job_pb2 import JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.executor import Worker
from longwire_server.jobs.job_message import job_status_to_proto, job_to_proto, timestamp
from longwire_server.jobs.lifecycle import LEGAL_MOVES, QUEUED, state_name
from longwire_server.store.job import Job

HEARTBEAT_SECONDS = 15.0
# Changes of state wait this long for company: those of a job of a millisecond
# then travel with its result, in one message instead of three.
_HOLD_SECONDS = 0.02


@dataclasses.dataclass(frozen=True, slots=True)
class Stop:
    """Why a running attempt is to be killed."""

    state: JobState.ValueType
    reason: ErrorReason.ValueType
    message: str


class LiveJob:
    """One unfinished job in memory.

    Attributes:
        job: the record as it is now.
        spec: the serialised JobSpec, or None where it is to be read from the store.
        committed: completes when the job is durable.
        stop: set when somebody wants the running attempt killed.
        worker: the worker that runs the attempt.
        queue_position: the place in the queue, counted from 1, once it was told.
        finished: completes when the job is final and durable.
    """

    def __init__(self, job: Job, spec: bytes | None) -> None:
        self.job = job
        self.spec = spec
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stop: Stop | None = None
        self.worker: Worker | None = None
        self.queue_position: int | None = None
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._events = [_status_event(job, job.create_time_us)]
        self._waiters: list[asyncio.Future[None]] = []
        self._wake_handle: asyncio.TimerHandle | None = None
        self._released = 1
        self._closed = False

    async def is_durable(self) -> bool:
        """Whether the job was recorded; waits until that is decided."""
        await asyncio.wait([self.committed])
        return self.committed.exception() is None

    def move(self, time_us: int, **changes: Any) -> None:
        """Moves the record to a new state that is not final, and tells the watchers.

        Raises:
            ValueError: the move is not legal.
        """
        self.job = self.evolved(**changes)
        self._events.append(_status_event(self.job, time_us))
        if self._wake_handle is None:
            loop = asyncio.get_running_loop()
            self._wake_handle = loop.call_later(_HOLD_SECONDS, self._wake)

    def evolved(self, **changes: Any) -> Job:
        """The record as it would be after a move.

        Raises:
            ValueError: the move is not legal.
        """
        job = self.job.evolve(sequence=self.job.sequence + 1, **changes)
        if job.state not in LEGAL_MOVES[self.job.state]:
            raise ValueError(
                f"job {job.job_id} cannot move from {state_name(self.job.state)} "
                f"to {state_name(job.state)}"
            )
        return job

    def finish(self, job: Job, result: EncodedResult | None) -> None:
        """Takes over the final record, which is durable, and tells the watchers."""
        self.job = job
        self._events.append(finished_event(job, result))
        self.finished.set_result(None)
        self._wake()

    def set_queue_position(self, position: int) -> None:
        """Tells the watchers the job's place in the queue, counted from 1."""
        if position != self.queue_position:
            self.queue_position = position
            self._wake()

    def close(self) -> None:
        """Ends every watch without a final event: the server goes away."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._released = len(self._events)
        if self._wake_handle is not None:
            self._wake_handle.cancel()
            self._wake_handle = None
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def events(self, after: int) -> AsyncIterator[list[JobEvent]]:
        """The events after a sequence, those that came together in one list.

        Ends after the final event, or when the server goes away.
        """
        loop = asyncio.get_running_loop()
        told_position: int | None = None
        heard = loop.time()
        while True:
            batch = [event for event in self._events[: self._released] if event.sequence > after]
            if self.job.state == QUEUED and self.queue_position not in (None, told_position):
                told_position = self.queue_position
                batch.append(self._event(queue_position=told_position))
            if not batch and loop.time() - heard >= HEARTBEAT_SECONDS:
                batch.append(self._event(heartbeat=Heartbeat()))
            if batch:
                heard = loop.time()
                after = max(after, batch[-1].sequence)
                yield batch
            elif self._closed or self.finished.done():
                return
            else:
                await self._wait(heard + HEARTBEAT_SECONDS)

    async def ended(self) -> None:
        """Waits until the job is final, or the server can no longer record it."""
        async for _events in self.events(self.job.sequence):
            pass

    async def _wait(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.append(waiter)
        timer = loop.call_at(until, _set, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _event(self, **kind: Any) -> JobEvent:
        # The last change that was told: one that is still held back comes after it.
        told = self._events[self._released - 1].sequence
        return JobEvent(job_id=self.job.job_id, sequence=told, **kind)


def _set(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _status_event(job: Job, time_us: int) -> JobEvent:
    return JobEvent(
        job_id=job.job_id,
        sequence=job.sequence,
        event_time=timestamp(time_us),
        status_changed=job_status_to_proto(job),
    )


def finished_event(job: Job, result: EncodedResult | None) -> JobEvent:
    """The last event of a job."""
    return JobEvent(
        job_id=job.job_id,
        sequence=job.sequence,
        event_time=timestamp(job.end_time_us or job.create_time_us),
        finished=JobFinished(job=job_to_proto(job), result=result),
    )
