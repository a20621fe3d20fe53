"""The server's record of a job, kept up to date."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from longwire.codecs.received_result import ResultAsSent
from longwire.errors import JobTimeoutError
from longwire.following.job_state import is_final
from longwire.transport.interruption import Interruption, Turn, WaitTimeoutError
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobState
from longwire.v1.result_pb2 import EncodedResult

Observer = Callable[[Job], None]

# What a job that has ended takes to be asked for its result, where no time is left.
_ANSWER_SECONDS = 0.15


class JobRecord:
    """What is known of a job on a server, for all threads that use it.

    Args:
        message: the server's record.
        calls: the calls of JobService.
        stream: the job's events, where they are open already.
    """

    def __init__(self, message: Job, calls: JobCalls, stream: JobStream | None = None) -> None:
        # Replaced as a whole: other threads may look at it at any time.
        self._message = message
        self._calls = calls
        self._inline_result: EncodedResult | None = None
        self._restart(stream)

    def _restart(self, stream: JobStream | None) -> None:
        self._stream = stream
        # One thread at a time reads the stream, for all that wait.
        self._turn = Turn()
        self._changing = threading.RLock()
        self._changes = 0

    @property
    def message(self) -> Job:
        """The record as it was told last. It is not to be changed."""
        return self._message

    @property
    def calls(self) -> JobCalls:
        """The calls of JobService."""
        return self._calls

    @property
    def is_final(self) -> bool:
        """Whether the job is known to have ended, so that the record changes no more."""
        return is_final(self._message)

    def refresh(self, timeout_seconds: float | None = None) -> Job:
        """The record as it is now; nothing is asked where it cannot have changed.

        Args:
            timeout_seconds: the most to wait for the server; None for the
                connection's own limit.

        Raises:
            JobNotFoundError: the job was deleted.
            ServerUnreachableError: no server answers.
        """
        if not self.is_final:
            job_id = self._message.job_id
            self.take_over(self._calls.get_job(job_id, timeout_seconds=timeout_seconds))
        return self._message

    def follow(
        self, observer: Observer | None, timeout: float | None, interruption: Interruption
    ) -> None:
        """Waits until the job has ended.

        Args:
            observer: called with the record as it is, and after every change, the
                final one included; None where the end alone matters.
            timeout: the most seconds to wait; None waits for ever.
            interruption: ends the wait.

        Raises:
            JobTimeoutError: the job has not ended in time.
            WaitInterruptedError: the wait was interrupted.
            LongwireError: the job was deleted, or the server stayed away.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            changes, message = self._changes, self._message
            if observer is not None:
                observer(message)
            if is_final(message):
                return
            try:
                self._await_change(changes, deadline, interruption, skims=observer is None)
            except WaitTimeoutError:
                raise JobTimeoutError(self._timeout_message(timeout)) from None

    def result(self, deadline: float | None, interruption: Interruption) -> ResultAsSent:
        """The result of a job in state DONE.

        Args:
            deadline: on the clock of ``time.monotonic``; None waits for as long as a server
                may be away.
            interruption: ends the call.

        Raises:
            JobTimeoutError: it did not come in time.
            WaitInterruptedError: the call was interrupted.
            LongwireError: the job was deleted, or the server stayed away.
        """
        if self._inline_result is not None:
            return self._inline_result
        job_id = self._message.job_id
        if deadline is not None:
            deadline = max(deadline, time.monotonic() + _ANSWER_SECONDS)
        try:
            return self._calls.get_result(job_id, deadline=deadline, interruption=interruption)
        except WaitTimeoutError:
            raise JobTimeoutError(
                f"Job {job_id} is done, but its result did not come in time"
                f"{self._outage()}: ask again"
            ) from None

    def drop_result(self) -> None:
        """Forgets the result's bytes, where they came along with the final record."""
        self._inline_result = None

    def take_over(self, message: Job, result: EncodedResult | None = None) -> None:
        """Makes a record of the server's the present one, unless a newer one is known.

        Args:
            message: the record.
            result: the result that came along.
        """
        with self._changing:
            is_older = message.sequence < self._message.sequence
            if self.is_final or (is_older and not is_final(message)):
                return
            self._inline_result = result
            self._message = message
            self._changes += 1
            if is_final(message):
                self._stream = None

    def take_labels(self, message: Job) -> None:
        """Makes the name and the tags of a record the present ones, also where the job has ended.

        Args:
            message: the record with which the server answered their change.
        """
        with self._changing:
            self.take_over(message)
            labelled = Job()
            labelled.CopyFrom(self._message)
            labelled.name = message.name
            labelled.tags[:] = message.tags
            labelled.priority = message.priority
            self._message = labelled

    def _timeout_message(self, timeout: float | None) -> str:
        job_id, outage = self._message.job_id, self._outage()
        if outage:
            return f"Job {job_id} was not seen to end within {timeout} s{outage}: ask again"
        return f"Job {job_id} did not end within {timeout} s; it goes on: ask again, or cancel it"

    def _outage(self) -> str:
        description = self._calls.outage.description()
        return f"; {description}, and keeps the job" if description else ""

    def _await_change(
        self, changes: int, deadline: float | None, interruption: Interruption, *, skims: bool
    ) -> None:
        """Reads an event, unless another thread has read one since ``changes``."""
        with self._turn.taken(deadline, interruption):
            if self._changes != changes:
                return
            # Kept here too: whoever cancels the job takes it away from self.
            stream = self._stream = self._stream or JobStream(
                self._calls, self._message.job_id, self._message.sequence
            )
            event = stream.next_event(deadline, interruption, skims=skims)
            try:
                self._take(event)
            except BaseException:
                # Ctrl-C in the middle: the next stream tells it again.
                self._stream = None
                raise

    def _take(self, event: JobEvent) -> None:
        kind = event.WhichOneof("event")
        if kind == "finished":
            result = event.finished.result if event.finished.HasField("result") else None
            self.take_over(event.finished.job, result)
            return
        with self._changing:
            # What a call has told meanwhile is newer.
            if self.is_final or event.sequence < self._message.sequence:
                return
            message = Job()
            message.CopyFrom(self._message)
            if kind == "status_changed":
                message.status.CopyFrom(event.status_changed)
                message.sequence = event.sequence
                message.ClearField("queue_position")
                message.ClearField("estimated_start_time")
                message.ClearField("progress")
                if message.status.status == JobState.JOB_STATE_VALIDATING:
                    message.start_time.CopyFrom(event.event_time)
            elif kind == "queue_position":
                message.queue_position = event.queue_position
                message.ClearField("estimated_start_time")
                if event.HasField("estimated_start_time"):
                    message.estimated_start_time.CopyFrom(event.estimated_start_time)
            elif kind == "progress":
                message.progress.CopyFrom(event.progress)
            self._message = message
            self._changes += 1

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_stream": None, "_turn": None, "_changing": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._restart(None)
