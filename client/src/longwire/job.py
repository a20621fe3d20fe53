"""A job on a server."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from qiskit.providers import JobStatus, JobV1
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from longwire.codecs.result import decode_result
from longwire.errors import JobCancelledError, JobFailedError, JobTimeoutError, LongwireError
from longwire.providers import BaseJob
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream, StreamTimeoutError
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobState
from longwire.v1.result_pb2 import EncodedResult

if TYPE_CHECKING:
    from qiskit.result import Result

    from longwire.backend import RemoteBackend

Callback = Callable[[str, JobStatus, "RemoteJob"], None]


class RemoteJob(BaseJob, JobV1):
    """A job on a server, to old and new code alike.

    Its end is pushed by the server: :meth:`result` and
    :meth:`wait_for_final_state` poll nothing, and go on where they were when the
    connection breaks or the server restarts. The object can be used by several
    threads, pickled and copied.

    Args:
        backend: the backend that runs it.
        message: the server's record of it.
        calls: the calls of JobService.
        stream: its events, where it was submitted by this object.
    """

    _async = True

    def __init__(
        self,
        backend: RemoteBackend,
        message: Job,
        calls: JobCalls,
        stream: JobStream | None = None,
    ) -> None:
        super().__init__(backend, message.job_id)
        self._message = message
        self._calls = calls
        self._encoded_result: EncodedResult | None = None
        self._result: Result | None = None
        self._restart(stream)

    def _restart(self, stream: JobStream | None) -> None:
        # One thread reads the stream at a time; the others wait for their turn
        # and find the job final.
        self._reading = threading.RLock()
        self._stream = stream

    def backend(self) -> RemoteBackend:
        """The backend that runs it."""
        backend: RemoteBackend = self._backend
        return backend

    def submit(self) -> NoReturn:
        """Not for use: ``backend.run`` has submitted the job.

        Raises:
            LongwireError: always.
        """
        raise LongwireError(f"Job {self._job_id} is submitted already; use backend.run() for more")

    def status(self) -> JobStatus:
        """The state that it is in now.

        Raises:
            JobNotFoundError: it was deleted.
            ServerUnreachableError: no server answers.
        """
        return _status(self._refreshed())

    def queue_position(self) -> int | None:
        """How many jobs start before it on its backend's workers, plus one; None unless queued.

        Raises:
            ServerUnreachableError: no server answers.
        """
        message = self._refreshed()
        return message.queue_position if message.HasField("queue_position") else None

    def error_message(self) -> str | None:
        """Why it failed; None where it did not.

        Raises:
            ServerUnreachableError: no server answers.
        """
        message = self._refreshed()
        return message.error.message if message.HasField("error") else None

    def name(self) -> str:
        """The name given at submission."""
        return self._message.name

    def tags(self) -> list[str]:
        """The tags given at submission."""
        return list(self._message.tags)

    def result(self, timeout: float | None = None) -> Result:
        """The result; waits for it.

        Args:
            timeout: the most seconds to wait; None waits for ever.

        Raises:
            JobFailedError: the job ended in ERROR.
            JobCancelledError: it was cancelled.
            JobTimeoutError: it has not ended in time.
            ServerUnreachableError: the server stayed away.
        """
        if self._result is None:
            self.wait_for_final_state(timeout)
            self._raise_unless_done()
            encoded = self._encoded_result or self._calls.get_result(self._job_id)
            self._result = decode_result(encoded)
            self._encoded_result = None
        return self._result

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float = 5,  # noqa: ARG002 - nothing polls; the argument is the interface's
        callback: Callback | None = None,
    ) -> None:
        """Waits until the job has ended.

        Args:
            timeout: the most seconds to wait; None waits for ever.
            wait: of no effect, since nothing polls.
            callback: called as ``callback(job_id, status, job)`` with the present
                state and after every change, the final one included.

        Raises:
            JobTimeoutError: it has not ended in time.
            ServerUnreachableError: the server stayed away.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        told: JobStatus | None = None
        while True:
            status = _status(self._message)
            if callback is not None and status is not told:
                callback(self._job_id, status, self)
                told = status
            if status in JOB_FINAL_STATES:
                return
            self._await_change(status, deadline, timeout)

    def cancel(self) -> bool:
        """Cancels the job; a running one's worker is killed.

        Returns:
            Whether the job is cancelled; False where it had ended before.

        Raises:
            ServerUnreachableError: no server answers.
        """
        if _status(self._message) not in JOB_FINAL_STATES:
            self._take_over(self._calls.cancel_job(self._job_id))
        return _status(self._message) is JobStatus.CANCELLED

    def delete(self) -> None:
        """Deletes the job, which must have ended, with its program and its result.

        Raises:
            ResultNotAvailableError: it has not ended; cancel it first.
            JobNotFoundError: it was deleted before.
            ServerUnreachableError: no server answers.
        """
        self._calls.delete_job(self._job_id)

    def _await_change(
        self, known: JobStatus, deadline: float | None, timeout: float | None
    ) -> None:
        """Reads events until the state is another than ``known``."""
        remaining = -1 if deadline is None else max(0.0, deadline - time.monotonic())
        if not self._reading.acquire(timeout=remaining):
            raise self._too_late(timeout)
        try:
            # Kept here too: whoever cancels the job takes it away from self.
            stream = self._stream = self._stream or JobStream(self._calls, self._job_id)
            while _status(self._message) is known:
                self._take_event(stream.next_event(deadline))
        except StreamTimeoutError:
            raise self._too_late(timeout) from None
        finally:
            self._reading.release()

    def _take_event(self, event: JobEvent) -> None:
        match event.WhichOneof("event"):
            case "status_changed":
                self._message.status.CopyFrom(event.status_changed)
                self._message.ClearField("queue_position")
            case "queue_position":
                self._message.queue_position = event.queue_position
            case "finished":
                if event.finished.HasField("result"):
                    self._encoded_result = event.finished.result
                self._take_over(event.finished.job)

    def _take_over(self, message: Job) -> None:
        self._message = message
        if _status(message) in JOB_FINAL_STATES:
            self._stream = None

    def _refreshed(self) -> Job:
        """The server's record, asked for unless it is final and so cannot change."""
        if _status(self._message) in JOB_FINAL_STATES:
            return self._message
        message = self._calls.get_job(self._job_id)
        if _status(message) in JOB_FINAL_STATES:
            self._message = message
        return message

    def _raise_unless_done(self) -> None:
        status = _status(self._message)
        if status is JobStatus.ERROR:
            error = self._message.error
            reason = ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
            raise JobFailedError(
                f"Job {self._job_id} on '{self._message.backend_name}' failed: {error.message}",
                reason=reason,
            )
        if status is JobStatus.CANCELLED:
            raise JobCancelledError(
                f"Job {self._job_id} was cancelled, so it has no result", reason="CANCELLED"
            )

    def _too_late(self, timeout: float | None) -> JobTimeoutError:
        return JobTimeoutError(
            f"Job {self._job_id} did not end within {timeout} s; it goes on: ask again, "
            "or cancel it"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_reading": None, "_stream": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._restart(None)

    def __repr__(self) -> str:
        backend = self._message.backend_name
        return f"<RemoteJob('{self._job_id}', {_status(self._message).name}) on '{backend}'>"

    def _repr_html_(self) -> str:
        status = self.status()
        name = html.escape(self._message.backend_name)
        return f"<b>Job {html.escape(self._job_id)}</b> on {name}: {status.name}"


def _status(message: Job) -> JobStatus:
    """The state as a member of Qiskit's own enum."""
    return JobStatus[JobState.Name(message.status.status).removeprefix("JOB_STATE_")]
