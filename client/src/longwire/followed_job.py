"""A job on a server, whatever its result is."""

from __future__ import annotations

import datetime
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from longwire.codecs.received_result import ResultAsSent
from longwire.errors import JobCancelledError, JobFailedError, LongwireError
from longwire.events import JobEvents, Progress
from longwire.following.awaiting import in_thread
from longwire.following.job_html import job_html
from longwire.following.job_record import JobRecord, Observer
from longwire.following.job_state import job_state
from longwire.following.label_request import label_request
from longwire.transport.interruption import Interruption
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import Job
from longwire.v1.job_service_pb2 import UpdateJobRequest

if TYPE_CHECKING:
    from longwire.following.live import LiveDisplay

ResultT = TypeVar("ResultT")

# A notebook shows many jobs at once, and waits for each.
_DISPLAY_SECONDS = 1.5


class FollowedJob(ABC, Generic[ResultT]):
    """What all jobs on a server have in common.

    Its end is pushed by the server: :meth:`result` and
    :meth:`wait_for_final_state` poll nothing, and go on where they were when the
    connection breaks or the server restarts. The object can be used by several
    threads and event loops, pickled and copied.

    Args:
        backend: the backend that runs it.
        message: the server's record of it.
        calls: the calls of JobService.
        stream: its events, where it was submitted by this object.
    """

    def __init__(
        self, backend: Any, message: Job, calls: JobCalls, stream: JobStream | None = None
    ) -> None:
        self._backend = backend
        self._job_id = message.job_id
        self._record = JobRecord(message, calls, stream)
        self._result: ResultT | None = None

    @abstractmethod
    def _decode(self, encoded: ResultAsSent) -> ResultT:
        """The result that the bytes hold."""

    def job_id(self) -> str:
        """The server's id for the job, by which any process finds it."""
        return self._job_id

    def status(self) -> JobStatus:
        """The state that it is in now.

        Raises:
            JobNotFoundError: it was deleted.
            ServerUnreachableError: no server answers.
        """
        return job_state(self._record.refresh().status)

    def done(self) -> bool:
        """Whether it succeeded."""
        return self.status() is JobStatus.DONE

    def running(self) -> bool:
        """Whether the backend runs it now."""
        return self.status() is JobStatus.RUNNING

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.status() is JobStatus.CANCELLED

    def in_final_state(self) -> bool:
        """Whether it has ended: done, cancelled or failed."""
        return bool(self.status() in JOB_FINAL_STATES)

    def queue_position(self) -> int | None:
        """How many jobs start before it on its backend's workers, plus one; None unless queued.

        Raises:
            ServerUnreachableError: no server answers.
        """
        message = self._record.refresh()
        return message.queue_position if message.HasField("queue_position") else None

    def estimated_start_time(self) -> datetime.datetime | None:
        """When it may begin, by how long jobs took lately, in UTC; None where nobody knows.

        Raises:
            ServerUnreachableError: no server answers.
        """
        message = self._record.refresh()
        if not message.HasField("estimated_start_time"):
            return None
        time: datetime.datetime = message.estimated_start_time.ToDatetime(datetime.UTC)
        return time

    def progress(self) -> Progress | None:
        """How far it is; None unless it runs, and on a backend that tells.

        Raises:
            ServerUnreachableError: no server answers.
        """
        message = self._record.refresh()
        if not message.HasField("progress"):
            return None
        return Progress(message.progress.finished, message.progress.total)

    def error_message(self) -> str | None:
        """Why it failed; None where it did not.

        Raises:
            ServerUnreachableError: no server answers.
        """
        message = self._record.refresh()
        return message.error.message if message.HasField("error") else None

    def name(self) -> str:
        """Its name, empty where it has none, as this object was told last."""
        return self._record.message.name

    def tags(self) -> list[str]:
        """Its tags, as this object was told last."""
        return list(self._record.message.tags)

    def update_name(self, name: str) -> str:
        """Gives the job another name, in whichever state it is.

        Args:
            name: at most 128 characters in one line; empty for no name.

        Returns:
            The new name.

        Raises:
            InvalidArgumentError: it cannot be a name.
            JobNotFoundError: the job was deleted.
            ServerUnreachableError: no server answers.
        """
        self._relabel(label_request(self._job_id, name=name))
        return self.name()

    def priority(self) -> int:
        """How urgent it is among your jobs, -10 to 10, as this object was told last."""
        return self._record.message.priority

    def update_priority(self, priority: int) -> int:
        """Gives the job another priority, which moves it while it is queued.

        Args:
            priority: -10 to 10; a step is worth ten minutes of waiting.

        Returns:
            The new priority.

        Raises:
            InvalidArgumentError: it cannot be a priority.
            JobNotFoundError: the job was deleted.
            ServerUnreachableError: no server answers.
        """
        self._relabel(label_request(self._job_id, priority=priority))
        return self.priority()

    def batch(self) -> str:
        """The batch to which it belongs; empty for none."""
        return self._record.message.batch

    def session_id(self) -> str:
        """The session in which it was to run; empty for none."""
        return self._record.message.session_id

    def update_tags(self, new_tags: Sequence[str]) -> list[str]:
        """Gives the job other tags in place of those that it has, in whichever state it is.

        Args:
            new_tags: at most 32, each of 1 to 128 characters in one line; empty for none.

        Returns:
            The new tags.

        Raises:
            InvalidArgumentError: they cannot be tags.
            JobNotFoundError: the job was deleted.
            ServerUnreachableError: no server answers.
        """
        self._relabel(label_request(self._job_id, tags=new_tags))
        return self.tags()

    def add_tags(self, *tags: str) -> list[str]:
        """Gives the job more tags. What others change at the same time stays.

        Args:
            tags: as for :meth:`update_tags`; those that it has already stay where they are.

        Returns:
            All its tags.

        Raises:
            InvalidArgumentError: they cannot be tags, or the job would have too many.
            JobNotFoundError: the job was deleted.
            ServerUnreachableError: no server answers.
        """
        if tags:
            self._relabel(label_request(self._job_id, add_tags=tags))
        return self.tags()

    def remove_tags(self, *tags: str) -> list[str]:
        """Takes tags from the job. What others change at the same time stays.

        Args:
            tags: the tags; those that it has not do not matter.

        Returns:
            The tags that are left.

        Raises:
            InvalidArgumentError: a tag is no text.
            JobNotFoundError: the job was deleted.
            ServerUnreachableError: no server answers.
        """
        if tags:
            self._relabel(label_request(self._job_id, remove_tags=tags))
        return self.tags()

    def result(self, timeout: float | None = None, *, progress: bool = False) -> ResultT:
        """The result; waits for it.

        Args:
            timeout: the most seconds to wait; None waits for ever.
            progress: whether the wait is shown: in a notebook below the cell, else on
                the standard error.

        Raises:
            JobFailedError: the job ended in ERROR.
            JobCancelledError: it was cancelled.
            JobTimeoutError: it has not ended in time.
            ResultNotAvailableError: the server keeps its result no longer.
            ServerUnreachableError: the server stayed away.
        """
        if self._result is not None:
            return self._result
        with _shown(progress) as show:
            return self._await_result(timeout, Interruption(), show)

    async def result_async(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as in result()
        *,
        progress: bool = False,
    ) -> ResultT:
        """The same, awaited in a running asyncio event loop, which goes on meanwhile.

        Any number of jobs can be awaited at once, with ``asyncio.gather`` say.
        Cancelling the task that awaits ends the wait at once; the job goes on.
        """
        if self._result is not None:
            return self._result
        with _shown(progress) as show:
            return await in_thread(lambda ended: self._await_result(timeout, ended, show))

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float = 5,  # noqa: ARG002 - nothing polls; the argument is the interface's
        callback: Callable[[str, JobStatus, Any], None] | None = None,
        *,
        progress: bool = False,
    ) -> None:
        """Waits until the job has ended.

        Args:
            timeout: the most seconds to wait; None waits for ever.
            wait: of no effect, since nothing polls.
            callback: called as ``callback(job_id, status, job)`` with the present
                state and after every change, the final one included.
            progress: whether the wait is shown, as in :meth:`result`.

        Raises:
            JobTimeoutError: it has not ended in time.
            ServerUnreachableError: the server stayed away.
        """
        told: JobStatus | None = None

        def tell(message: Job) -> None:
            nonlocal told
            status = job_state(message.status)
            if show is not None:
                show(message)
            if callback is not None and status is not told:
                told = status
                callback(self._job_id, status, self)

        with _shown(progress) as show:
            is_watched = callback is not None or show is not None
            self._record.follow(tell if is_watched else None, timeout, Interruption())

    def events(self, *, pub_results: bool = False) -> JobEvents:
        """What happens to the job: its present state, every change, and the end.

        ::

            for event in job.events(): ...
            async for event in job.events(): ...

        The iteration raises JobNotFoundError where the job was deleted, and
        ServerUnreachableError where the server stayed away.

        Args:
            pub_results: whether the results of a primitive's pubs are told, each as a
                :class:`longwire.events.PubFinished`.
        """
        return JobEvents(self._record, pub_results=pub_results)

    def live(self) -> LiveDisplay:
        """Shows the job in the notebook, kept up to date until it has ended.

        The cell does not wait for that.

        Raises:
            LongwireError: IPython is not installed.
        """
        from longwire.following.live import LiveDisplay

        return LiveDisplay(self._record)

    def cancel(self) -> bool:
        """Cancels the job; a running one's worker is killed.

        Returns:
            Whether the job is cancelled; False where it had ended before.

        Raises:
            ServerUnreachableError: no server answers.
        """
        if not self._record.is_final:
            self._record.take_over(self._record.calls.cancel_job(self._job_id))
        return job_state(self._record.message.status) is JobStatus.CANCELLED

    def delete(self) -> None:
        """Deletes the job, which must have ended, with its program and its result.

        Raises:
            ResultNotAvailableError: it has not ended; cancel it first.
            JobNotFoundError: it was deleted before.
            ServerUnreachableError: no server answers.
        """
        self._record.calls.delete_job(self._job_id)

    def _relabel(self, request: UpdateJobRequest) -> None:
        self._record.take_labels(self._record.calls.update_job(request))

    def _await_result(
        self,
        timeout: float | None,
        interruption: Interruption,
        show: Observer | None = None,
    ) -> ResultT:
        deadline = None if timeout is None else time.monotonic() + timeout
        self._record.follow(show, timeout, interruption)
        self._raise_unless_done()
        if self._result is None:
            self._result = self._decode(self._record.result(deadline, interruption))
            self._record.drop_result()
        return self._result

    def _raise_unless_done(self) -> None:
        message = self._record.message
        status = job_state(message.status)
        if status is JobStatus.ERROR:
            raise JobFailedError(
                f"Job {self._job_id} on '{message.backend_name}' failed: {message.error.message}",
                reason=ErrorReason.Name(message.error.reason).removeprefix("ERROR_REASON_"),
            )
        if status is JobStatus.CANCELLED:
            raise JobCancelledError(
                f"Job {self._job_id} was cancelled, so it has no result", reason="CANCELLED"
            )

    def __repr__(self) -> str:
        message = self._record.message
        status = job_state(message.status).name
        return f"<{type(self).__name__}('{self._job_id}', {status}) on '{message.backend_name}'>"

    def _repr_html_(self) -> str:
        try:
            return job_html(self._record.refresh(_DISPLAY_SECONDS))
        except LongwireError as error:
            return job_html(self._record.message, warning=f"Not up to date: {error}")


def _shown(progress: bool) -> AbstractContextManager[Observer | None]:
    """A context that gives an observer which shows the job, or None where that is not wanted."""
    if not progress:
        return nullcontext(None)
    from longwire.following.progress import shown_progress

    return shown_progress()
