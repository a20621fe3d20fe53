"""A job that is not final yet: its record, its events, and who waits for them."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobEvent, JobFinished
from longwire.v1.job_pb2 import JobProgress, JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.executor import AttemptListener, Worker
from longwire_server.failpoints import failpoint
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.job_message import job_status_to_proto, job_to_proto, timestamp
from longwire_server.jobs.lifecycle import (
    DONE,
    ERROR,
    LEGAL_MOVES,
    RUNNING,
    VALIDATING,
    state_name,
)
from longwire_server.jobs.partial_results import PartialResults
from longwire_server.jobs.spent import NOTHING_SPENT
from longwire_server.store.job import Job

# Changes of state wait this long for company: those of a job of a millisecond
# then travel with its result, in one message instead of three.
_HOLD_SECONDS = 0.02
# Nobody reads faster.
_PROGRESS_EVERY_SECONDS = 0.25
# An estimate that has changed by less than this, and less than a tenth of the wait, is
# not worth a message.
_ESTIMATE_CHANGE_US = 1_000_000
_ESTIMATE_CHANGE = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class Stop:
    """Why a running attempt is to be killed."""

    state: JobState.ValueType
    reason: ErrorReason.ValueType
    message: str
    # Whether it is through no fault of the job's, which may then be tried again.
    lost: bool = False
    # Whether the attempt does not count, where only so many are allowed.
    forgiven: bool = False


SERVER_STOPPED = Stop(
    ERROR,
    ErrorReason.ERROR_REASON_SERVER_STOPPED,
    "The server stopped while the job ran",
    lost=True,
)
# On purpose: however often somebody does that, no simulation is given up for it.
SERVER_DRAINED = dataclasses.replace(SERVER_STOPPED, forgiven=True)


class LiveJob(AttemptListener):
    """One unfinished job in memory. It listens to its attempt, and tells its watchers.

    Attributes:
        job: the record as it is now.
        spec: the serialised JobSpec, or None where it is to be read from the store.
        committed: completes when the job is durable.
        stop: set when somebody wants the running attempt killed.
        worker: the worker that runs the attempt.
        deadline_handle: the timer of the job's deadline in the queue.
        queue_position: the place in the queue, counted from 1, once it was told.
        estimated_start_us: when it may begin, as told with that; None if nobody knows.
        finished: completes when the job is final and durable.
        partial: what the present attempt has told.
        spent: what it took of a worker, once it is over.
        told_progress: how far it was when the watchers were last told; None before.
        told_pubs: how many of its finished pubs they may be told.
    """

    def __init__(self, job: Job, spec: bytes | None) -> None:
        self.job = job
        self.spec = spec
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stop: Stop | None = None
        self.worker: Worker | None = None
        self.deadline_handle: asyncio.TimerHandle | None = None
        self.queue_position: int | None = None
        self.estimated_start_us: int | None = None
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._events = [status_event(job, job.create_time_us)]
        self._waiters: list[asyncio.Future[None]] = []
        self._wake_handle: asyncio.TimerHandle | None = None
        self._released = 1
        self._closed = False
        self.partial = PartialResults(0, inline_result_bytes=0)
        self.spent = NOTHING_SPENT
        self.told_progress: JobProgress | None = None
        self.told_pubs = 0
        self._progress_handle: asyncio.TimerHandle | None = None
        self._progress_told_at = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it here."""
        return self._closed or self.finished.done()

    @property
    def told_sequence(self) -> int:
        """Sequence of the last change that the watchers may be told, but for the final one.

        A change that is still held back comes after it.
        """
        last = self._events[self._released - 1]
        return (self._events[self._released - 2] if last.HasField("finished") else last).sequence

    def move(self, time_us: int, **changes: Any) -> None:
        """Moves the record to a new state that is not final, and tells the watchers.

        Raises:
            ValueError: the move is not legal.
        """
        self.job = self.evolved(**changes)
        self._events.append(status_event(self.job, time_us))
        self._wake_soon()

    def begin_attempt(
        self, *, lease_owner: str, lease_expires_us: int, inline_result_bytes: int
    ) -> None:
        """Moves the job into its next attempt.

        Args:
            lease_owner: this server's id.
            lease_expires_us: until when it has the attempt.
            inline_result_bytes: a pub's result up to this size is told.
        """
        attempt, time_us = self.job.attempt + 1, now_us()
        self._cancel_deadline()
        self._drop_partial(attempt, inline_result_bytes)
        self.move(
            time_us,
            state=VALIDATING,
            attempt=attempt,
            start_time_us=time_us,
            lease_owner=lease_owner,
            lease_expires_us=lease_expires_us,
        )

    def lose_attempt(self, job: Job) -> None:
        """Takes over the record of the job back in the queue, which is durable.

        What the lost attempt told of its work counts no more.
        """
        # It may have been made before its labels were changed.
        self.job = job = _with_labels_of(self.job, job)
        self.queue_position = self.estimated_start_us = None
        self._drop_partial(job.attempt, inline_result_bytes=0)
        self._events.append(status_event(job, now_us()))
        self._wake_soon()

    def running(self) -> None:
        """See :class:`AttemptListener`."""
        self.move(now_us(), state=RUNNING)

    def progress(self, finished: int, total: int) -> None:
        """See :class:`AttemptListener`. The watchers are told a few times a second."""
        self.partial.progress = JobProgress(finished=finished, total=total)
        if self._progress_handle is None:
            loop = asyncio.get_running_loop()
            due = self._progress_told_at + _PROGRESS_EVERY_SECONDS
            self._progress_handle = loop.call_at(
                max(due, loop.time() + _HOLD_SECONDS), self._tell_progress
            )

    def pub_finished(self, result: bytes) -> None:
        """See :class:`AttemptListener`."""
        self.partial.add_pub(result)
        self._wake_soon()

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
        self.job = job = _with_labels_of(self.job, job)
        self._cancel_deadline()
        failpoint("jobs.told.before")
        self._events.append(finished_event(job, result))
        self.finished.set_result(None)
        if self._progress_handle is not None:
            self._progress_handle.cancel()
        progress = self.partial.progress
        if self.told_progress is not None and progress is not None:
            # Whoever was told how far it is hears how far it came. A worker does not
            # tell of the last part: the result does.
            finished = progress.total if job.state == DONE else progress.finished
            self.told_progress = JobProgress(finished=finished, total=progress.total)
        self._wake()

    def relabel(self, recorded: Job) -> None:
        """Takes over labels and order of the durable record. Watchers are told nothing."""
        self.job = _with_labels_of(recorded, self.job)

    def set_queue_position(self, position: int, estimated_start_us: int | None = None) -> None:
        """Tells the watchers the job's place in the queue.

        Args:
            position: the place, counted from 1.
            estimated_start_us: when it may begin, in microseconds since 1970 UTC; None
                if nobody knows.
        """
        if position != self.queue_position or self._is_news(estimated_start_us):
            self.queue_position, self.estimated_start_us = position, estimated_start_us
            if self._waiters:
                self._wake()

    def _is_news(self, estimated_start_us: int | None) -> bool:
        """Whether an estimate differs from the one that was told by what somebody may mind."""
        told_us = self.estimated_start_us
        if estimated_start_us is None or told_us is None:
            return estimated_start_us is not told_us
        wait_us = max(0, estimated_start_us - now_us())
        change_us = max(_ESTIMATE_CHANGE_US, _ESTIMATE_CHANGE * wait_us)
        return abs(estimated_start_us - told_us) > change_us

    def close(self) -> None:
        """Ends every watch without a final event: the server goes away."""
        self._closed = True
        self._cancel_deadline()
        self._wake()

    def changes(self, after: int) -> list[JobEvent]:
        """The changes of state after a sequence that the watchers may be told."""
        return [event for event in self._events[: self._released] if event.sequence > after]

    async def wait(self, until: float | None = None) -> None:
        """Waits for something that the watchers may be told.

        Args:
            until: a time of the loop at which it waits no longer.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.append(waiter)
        timer = None if until is None else loop.call_at(until, _set, waiter)
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    async def ended(self) -> None:
        """Waits until the job is final, or the server can no longer record it."""
        while not self.is_over:
            await self.wait()

    def _drop_partial(self, attempt: int, inline_result_bytes: int) -> None:
        self.partial = PartialResults(attempt, inline_result_bytes=inline_result_bytes)
        self.told_progress, self.told_pubs = None, 0
        if self._progress_handle is not None:
            self._progress_handle.cancel()
            self._progress_handle = None

    def _cancel_deadline(self) -> None:
        if self.deadline_handle is not None:
            self.deadline_handle.cancel()
            self.deadline_handle = None

    def _tell_progress(self) -> None:
        self._progress_handle = None
        self._progress_told_at = asyncio.get_running_loop().time()
        self.told_progress = self.partial.progress
        self._wake()

    def _wake_soon(self) -> None:
        if self._wake_handle is None:
            loop = asyncio.get_running_loop()
            self._wake_handle = loop.call_later(_HOLD_SECONDS, self._wake)

    def _wake(self) -> None:
        self._released = len(self._events)
        self.told_pubs = self.partial.num_pubs
        if self._wake_handle is not None:
            self._wake_handle.cancel()
            self._wake_handle = None
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def _with_labels_of(labelled: Job, job: Job) -> Job:
    return job.evolve(
        name=labelled.name,
        tags=labelled.tags,
        priority=labelled.priority,
        moved_us=labelled.moved_us,
    )


def _set(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def status_event(job: Job, time_us: int) -> JobEvent:
    """A change of a job's state."""
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
