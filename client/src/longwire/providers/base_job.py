"""The base class of classic jobs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from longwire.errors import JobTimeoutError

if TYPE_CHECKING:
    from qiskit.result import Result

__all__ = ["BaseJob"]

# The first pause between two queries; each next one is twice as long.
_FIRST_PAUSE_SECONDS = 0.01


class BaseJob(ABC):
    """A job in the classic interface.

    The interface is that of ``qiskit.providers.BaseJob`` up to Qiskit 0.20. A
    class may derive from it and from ``qiskit.providers.JobV1``, in this order,
    and is then a job to old and new code.

    Args:
        backend: the backend that runs the job.
        job_id: the job's id, unique on that backend.
        metadata: anything that goes with the job, by name.
    """

    def __init__(self, backend: Any, job_id: str, **metadata: Any) -> None:
        # The attributes are those of JobV1, whose methods serve the same object.
        self._backend = backend
        self._job_id = job_id
        self.metadata = metadata

    @abstractmethod
    def submit(self) -> None:
        """Sends the job to the backend."""

    @abstractmethod
    def result(self) -> Result:
        """The result; waits for it.

        Raises:
            JobError: the job ended without one.
        """

    @abstractmethod
    def cancel(self) -> Any:
        """Asks that the job be cancelled."""

    @abstractmethod
    def status(self) -> JobStatus:
        """The state that the job is in now."""

    def job_id(self) -> str:
        """The job's id."""
        return self._job_id

    def backend(self) -> Any:
        """The backend that runs the job."""
        return self._backend

    def done(self) -> bool:
        """Whether the job succeeded."""
        return self.status() is JobStatus.DONE

    def running(self) -> bool:
        """Whether the backend runs the job now."""
        return self.status() is JobStatus.RUNNING

    def cancelled(self) -> bool:
        """Whether the job was cancelled."""
        return self.status() is JobStatus.CANCELLED

    def in_final_state(self) -> bool:
        """Whether the job has ended: done, cancelled or failed."""
        return bool(self.status() in JOB_FINAL_STATES)

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float = 5,
        callback: Callable[[str, JobStatus, Any], None] | None = None,
    ) -> None:
        """Queries the state until the job has ended.

        The first pauses between queries are short and grow to ``wait``, so that
        a short job is not waited for longer than it ran. A job that is told of
        its end overrides this method.

        Args:
            timeout: the most seconds to wait; None waits for ever. The state is
                queried at least once, and once more when they have passed.
            wait: the longest pause between two queries, in seconds.
            callback: called after each query, the last one included, as
                ``callback(job_id, status, job)``.

        Raises:
            JobTimeoutError: the job has not ended in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause_seconds = min(_FIRST_PAUSE_SECONDS, wait)
        while True:
            # Read before the query, which takes time itself: the deadline is
            # never passed without a look at the state.
            now = time.monotonic()
            status = self.status()
            if callback is not None:
                callback(self.job_id(), status, self)
            if status in JOB_FINAL_STATES:
                return
            if deadline is not None and now >= deadline:
                raise JobTimeoutError(
                    f"job {self.job_id()} is {status.name} and did not end within {timeout} s: "
                    "wait longer, or cancel it"
                )
            remaining = wait if deadline is None else deadline - time.monotonic()
            time.sleep(max(0.0, min(pause_seconds, remaining)))
            pause_seconds = min(2 * pause_seconds, wait)
