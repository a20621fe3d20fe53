"""What happens to a job, as its user is told."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qiskit.providers import JobStatus

from longwire.following.feed import Feed
from longwire.following.job_record import JobRecord
from longwire.following.job_state import is_final, job_state
from longwire.transport.interruption import Interruption
from longwire.transport.job_stream import JobStream
from longwire.v1 import job_event_pb2
from longwire.v1.job_pb2 import Job

if TYPE_CHECKING:
    from qiskit.primitives import PubResult

__all__ = [
    "Finished",
    "JobEvent",
    "JobEvents",
    "Progress",
    "PubFinished",
    "QueuePosition",
    "StatusChanged",
]


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The job is in another state, which is not final.

    Attributes:
        status: the state.
        time: since when, where that is known. Two events are equal without it.
    """

    status: JobStatus
    time: datetime.datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """The job's place in the queue.

    Attributes:
        position: how many jobs start before it on its backend's workers, plus one.
        estimated_start_time: when it may begin, by how long jobs took lately, in UTC;
            None where nobody knows. It is no part of what makes two events equal,
            and told with the position only: the job itself knows the present one.
    """

    position: int
    estimated_start_time: datetime.datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running job is.

    Attributes:
        finished: how many pubs of a primitive, or circuits of another job, are finished.
        total: how many there are.
    """

    finished: int
    total: int


@dataclass(frozen=True, slots=True)
class PubFinished:
    """A pub of a primitive is finished. Pubs finish in order.

    Attributes:
        index: which pub, counted from zero.
        result: its result; None where it is so large that it comes with the job's.
        attempt: in which attempt at the job. Where an attempt is lost, the next begins
            again with the first pub, and what the lost one told does not count.
    """

    index: int
    result: PubResult | None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Finished:
    """The job has ended. The last event.

    Attributes:
        status: DONE, CANCELLED or ERROR.
        error_message: why it failed; None where it did not.
        time: when it ended. Two events are equal without it.
    """

    status: JobStatus
    error_message: str | None = None
    time: datetime.datetime | None = field(default=None, compare=False)


JobEvent = StatusChanged | QueuePosition | Progress | PubFinished | Finished
"""One of the events above."""


class JobEvents(Feed[JobEvent]):
    """The events of one job: its present state, then every change, then the end.

    It has a call of its own, which is made again where the connection breaks. It
    is made by ``job.events()``, and can be iterated once.

    Args:
        record: what is known of the job; the events bring it up to date, too.
        pub_results: whether the results of single pubs are told.
    """

    def __init__(self, record: JobRecord, *, pub_results: bool) -> None:
        super().__init__()
        self._record = record
        self._pub_results = pub_results
        self._stream: JobStream | None = None
        self._told: dict[type[JobEvent], JobEvent] = {}

    def _read(self, interruption: Interruption) -> None:
        if self._stream is None:
            self._begin()
            return
        event = self._stream.next_event(None, interruption)
        try:
            self._take(event)
        except BaseException:
            # Ctrl-C in the middle: the next stream tells it again.
            self._stream = None
            raise

    def _end_call(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def _begin(self) -> None:
        job = self._record.refresh()
        if is_final(job):
            self._finish(job)
            return
        self._stream = JobStream(
            self._record.calls, job.job_id, job.sequence, pub_results=self._pub_results
        )
        self._tell(StatusChanged(job_state(job.status)))
        if job.HasField("queue_position"):
            self._tell(_position(job))
        if job.HasField("progress"):
            self._tell(Progress(job.progress.finished, job.progress.total))

    def _take(self, event: job_event_pb2.JobEvent) -> None:
        match event.WhichOneof("event"):
            case "status_changed":
                self._tell(StatusChanged(job_state(event.status_changed), _time(event)))
            case "queue_position":
                self._tell(_position(event))
            case "progress":
                self._tell(Progress(event.progress.finished, event.progress.total))
            case "pub_finished":
                self._take_pub(event.pub_finished)
            case "finished":
                result = event.finished.result if event.finished.HasField("result") else None
                self._record.take_over(event.finished.job, result)
                self._finish(event.finished.job)

    def _take_pub(self, finished: job_event_pb2.PubFinished) -> None:
        # Told again, from the first one on, where the connection broke.
        told = self._told.get(PubFinished)
        if isinstance(told, PubFinished) and (finished.attempt, finished.pub_index) <= (
            told.attempt,
            told.index,
        ):
            return
        from longwire.codecs.primitive_result import decode_pub_result

        result = decode_pub_result(finished.result) if finished.HasField("result") else None
        self._tell(PubFinished(finished.pub_index, result, finished.attempt))

    def _tell(self, event: JobEvent) -> None:
        kind = type(event)
        # A server says again how things are where a call is made again.
        if not isinstance(event, PubFinished) and self._told.get(kind) == event:
            return
        if isinstance(event, StatusChanged):
            # What was told of the state before says nothing about this one.
            self._told.pop(QueuePosition, None)
            self._told.pop(Progress, None)
        self._told[kind] = event
        self._ready.append(event)

    def _finish(self, job: Job) -> None:
        message = job.error.message if job.HasField("error") else None
        time = job.end_time.ToDatetime(tzinfo=datetime.UTC) if job.HasField("end_time") else None
        self._tell(Finished(job_state(job.status), message, time))
        self._is_ended = True


def _position(told: Job | job_event_pb2.JobEvent) -> QueuePosition:
    if not told.HasField("estimated_start_time"):
        return QueuePosition(told.queue_position)
    start = told.estimated_start_time.ToDatetime(tzinfo=datetime.UTC)
    return QueuePosition(told.queue_position, start)


def _time(event: job_event_pb2.JobEvent) -> datetime.datetime | None:
    if not event.HasField("event_time"):
        return None
    time: datetime.datetime = event.event_time.ToDatetime(tzinfo=datetime.UTC)
    return time
