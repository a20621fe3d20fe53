"""A job that runs circuits on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from qiskit.providers import JobV1

from longwire.codecs.received_result import ResultAsSent
from longwire.codecs.result import decode_result
from longwire.errors import LongwireError
from longwire.followed_job import FollowedJob
from longwire.providers import BaseJob
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream
from longwire.v1.job_pb2 import Job

if TYPE_CHECKING:
    from qiskit.result import Result


class RemoteJob(FollowedJob["Result"], BaseJob, JobV1):
    """A job whose result is a ``Result``, to old and new code alike.

    Args:
        backend: the backend that runs it.
        message: the server's record of it.
        calls: the calls of JobService.
        stream: its events, where it was submitted by this object.
    """

    _async = True

    def __init__(
        self, backend: Any, message: Job, calls: JobCalls, stream: JobStream | None = None
    ) -> None:
        BaseJob.__init__(self, backend, message.job_id)
        FollowedJob.__init__(self, backend, message, calls, stream)

    def backend(self) -> Any:
        """The backend that runs it: the RemoteBackend or RemoteBackendV2 that it came from."""
        return self._backend

    def submit(self) -> NoReturn:
        """Not for use: ``backend.run`` has submitted the job.

        Raises:
            LongwireError: always.
        """
        raise LongwireError(f"Job {self._job_id} is submitted already; use backend.run() for more")

    def _decode(self, encoded: ResultAsSent) -> Result:
        return decode_result(encoded)
