"""Waiting for a job's end, event by event."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from longwire.cli.command_error import CommandError, ExitCode
from longwire.cli.documents import FINAL_STATES, error_reason, event_document, state_name
from longwire.cli.progress import Progress, event_moment
from longwire.cli.session import outage_told
from longwire.v1.job_pb2 import Job, JobState

if TYPE_CHECKING:
    from longwire.cli.session import Session
    from longwire.codecs.received_result import ResultAsSent
    from longwire.transport.job_stream import JobStream
    from longwire.v1.job_event_pb2 import JobEvent

# What a job that has ended takes to be asked for its result, where no time is left.
_ANSWER_SECONDS = 0.15


@dataclass
class WatchedJob:
    """A job, kept up to date by its events.

    Attributes:
        session: the command's.
        job: the server's record, with what the events since have told.
        stream: its events, where they are open already.
        timeout_seconds: how long to wait for its end and its result; None for ever.
        begun: since when, on the clock of ``time.monotonic``.
        events: a document of each change, oldest first.
    """

    session: Session
    job: Job
    stream: JobStream | None = None
    timeout_seconds: float | None = None
    begun: float = field(default_factory=time.monotonic)
    events: list[dict[str, Any]] = field(default_factory=list)
    _result: ResultAsSent | None = None
    _is_shown: bool = False

    @classmethod
    def find(cls, session: Session, job_id: str, timeout_seconds: float | None) -> WatchedJob:
        """A job by its id; the time that this takes counts.

        Raises:
            CommandError: no job has this id, or the server does not answer in time.
        """
        begun = time.monotonic()
        try:
            # Whoever waits for no job waits for the answer.
            job = session.jobs.get_job(job_id, timeout_seconds=timeout_seconds or None)
        except CommandError as error:
            is_late = timeout_seconds and time.monotonic() >= begun + timeout_seconds
            if error.reason != "SERVER_UNREACHABLE" or not is_late:
                raise
            raise CommandError(
                "TIMEOUT",
                f"Job {job_id} was not seen to end within {timeout_seconds:g} s. {error.message}",
                ExitCode.TIMEOUT,
                job_id=job_id,
                hints=ways_back(session, job_id),
            ) from None
        return cls(session, job, timeout_seconds=timeout_seconds, begun=begun)

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.job.status.status in FINAL_STATES

    @property
    def deadline(self) -> float | None:
        """Until when to wait, on the clock of ``time.monotonic``; None for ever."""
        return None if self.timeout_seconds is None else self.begun + self.timeout_seconds

    def wait(self, progress: Progress) -> None:
        """Waits until the job has ended.

        Args:
            progress: told of every change.

        Raises:
            CommandError: it has not ended in time.
            LongwireError: it was deleted, or the server stayed away.
        """
        from longwire.transport.interruption import WaitTimeoutError
        from longwire.transport.job_stream import JobStream

        if self.stream is not None or self.is_final:
            began = "end_time" if self.is_final else "create_time"
            progress.show(self.job, event_moment(self.job, began))
            self._is_shown = True
        if self.is_final:
            return
        # A new stream begins with what has happened so far.
        stream = self.stream or JobStream(self.session.jobs, self.job.job_id)
        with outage_told(self.session, progress.note):
            try:
                while not self.is_final:
                    event = stream.next_event(self.deadline)
                    if self._take(event):
                        self.events.append(event_document(event, self.job))
                        progress.show(self.job, event_moment(event, "event_time"))
                        self._is_shown = True
            except WaitTimeoutError:
                raise self._timeout_error() from None
            finally:
                stream.close()

    def encoded_result(self) -> ResultAsSent:
        """The result of a job that has ended.

        Raises:
            CommandError: it failed or was cancelled, or the result did not come in time.
            LongwireError: the server does not have it, or stayed away.
        """
        self.raise_unless_done()
        if self._result is None:
            from longwire.transport.interruption import WaitTimeoutError

            job_id, deadline = self.job.job_id, self.deadline
            if deadline is not None:
                deadline = max(deadline, time.monotonic() + _ANSWER_SECONDS)
            try:
                self._result = self.session.jobs.get_result(job_id, deadline=deadline)
            except WaitTimeoutError:
                raise CommandError(
                    "TIMEOUT",
                    f"Job {job_id} is done, but its result did not come in time; it is kept",
                    ExitCode.TIMEOUT,
                    job_id=job_id,
                    hints=[("get it:", self.session.command(f"result {job_id}"))],
                ) from None
        return self._result

    def raise_unless_done(self) -> None:
        """Ends the command where the job has ended without a result.

        Raises:
            CommandError: it failed, or was cancelled.
        """
        job_id = self.job.job_id
        if self.job.status.status == JobState.JOB_STATE_ERROR:
            raise CommandError(
                error_reason(self.job),
                f"Job {job_id} on '{self.job.backend_name}' failed: {self.job.error.message}",
                ExitCode.JOB_FAILED,
                job_id=job_id,
            )
        if self.job.status.status == JobState.JOB_STATE_CANCELLED:
            raise CommandError(
                "CANCELLED", f"Job {job_id} was cancelled", ExitCode.JOB_CANCELLED, job_id=job_id
            )
        if not self.is_final:
            raise CommandError(
                "JOB_NOT_FINISHED",
                f"Job {job_id} is {state_name(self.job)} and has no result yet",
                job_id=job_id,
                hints=ways_back(self.session, job_id),
            )

    def _timeout_error(self) -> CommandError:
        job_id = self.job.job_id
        outage = self.session.connection.outage.description()
        text = f"Job {job_id} did not end within {self.timeout_seconds:g} s; it goes on"
        if outage:
            text = f"Job {job_id} was not seen to end within {self.timeout_seconds:g} s; {outage}"
        return CommandError(
            "TIMEOUT",
            text,
            ExitCode.TIMEOUT,
            job_id=job_id,
            hints=ways_back(self.session, job_id),
        )

    def _take(self, event: JobEvent) -> bool:
        """Brings the job up to date; False where the event tells nothing about it."""
        match event.WhichOneof("event"):
            case "status_changed":
                # A stream that was resumed can begin with the state that is known.
                if self._is_shown and self.job.status == event.status_changed:
                    return False
                self.job.status.CopyFrom(event.status_changed)
                self.job.ClearField("queue_position")
                self.job.ClearField("estimated_start_time")
                self.job.ClearField("progress")
            case "queue_position":
                if self.job.HasField("queue_position") and (
                    (self.job.queue_position, self.job.estimated_start_time)
                    == (event.queue_position, event.estimated_start_time)
                ):
                    return False
                self.job.queue_position = event.queue_position
                self.job.ClearField("estimated_start_time")
                if event.HasField("estimated_start_time"):
                    self.job.estimated_start_time.CopyFrom(event.estimated_start_time)
            case "progress":
                if self.job.HasField("progress") and self.job.progress == event.progress:
                    return False
                self.job.progress.CopyFrom(event.progress)
            case "finished":
                self.job = event.finished.job
                if event.finished.HasField("result"):
                    self._result = event.finished.result
            case _:
                return False
        return True


def pause_message(session: Session, job: Job) -> str:
    """Why a queued job's backend is paused, beginning with ``paused:``; empty where it is not."""
    if job.status.status != JobState.JOB_STATE_QUEUED:
        return ""
    try:
        told = session.backends.get_backend_status(job.backend_name)
    except CommandError:
        # Of another server on the same database, or of another tenant.
        return ""
    return told.backend_status.status_msg if told.paused else ""


def ways_back(session: Session, job_id: str) -> list[tuple[str, str]]:
    """What can be done with a job that goes on."""
    return [
        ("watch it:", session.command(f"watch {job_id}")),
        ("get its result:", session.command(f"result {job_id}")),
        ("cancel it:", session.command(f"cancel {job_id}")),
    ]


@contextmanager
def interruptible(session: Session, job_id: str) -> Iterator[None]:
    """Turns Ctrl-C into the end of waiting: the job goes on, and its user learns how to come back.

    Raises:
        CommandError: Ctrl-C was pressed.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(
            "INTERRUPTED",
            f"Stopped waiting; job {job_id} goes on",
            ExitCode.INTERRUPTED,
            job_id=job_id,
            hints=ways_back(session, job_id),
        ) from None
