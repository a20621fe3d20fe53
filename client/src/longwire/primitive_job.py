"""A job of a sampler or an estimator on a server."""

from __future__ import annotations

from typing import Any

from qiskit.primitives import BasePrimitiveJob, PrimitiveResult
from qiskit.providers import JobStatus

from longwire.codecs.primitive_result import decode_primitive_result
from longwire.codecs.received_result import ResultAsSent
from longwire.followed_job import FollowedJob
from longwire.partial_results import PartialResults
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream
from longwire.v1.job_pb2 import Job


class RemotePrimitiveJob(
    FollowedJob[PrimitiveResult[Any]], BasePrimitiveJob[PrimitiveResult[Any], JobStatus]
):
    """A job whose result is a ``PrimitiveResult``, with one entry a pub.

    Args:
        backend: the backend that runs it.
        message: the server's record of it.
        calls: the calls of JobService.
        stream: its events, where it was submitted by this object.
    """

    def __init__(
        self, backend: Any, message: Job, calls: JobCalls, stream: JobStream | None = None
    ) -> None:
        BasePrimitiveJob.__init__(self, message.job_id)
        FollowedJob.__init__(self, backend, message, calls, stream)

    def backend(self) -> Any:
        """The backend that runs it, a RemoteBackendV2."""
        return self._backend

    def partial_results(self) -> PartialResults:
        """The results of the pubs, in their order, each as soon as it is known.

        ::

            for pub_result in job.partial_results(): ...
            async for pub_result in job.partial_results(): ...

        It can be asked for at any time, and begins with the first pub; those of a
        job that has ended come from its result. After the last pub the iteration
        ends; it raises what :meth:`result` raises where the job did not succeed.
        """
        return PartialResults(
            self.events(pub_results=True),
            lambda interruption: self._await_result(None, interruption),
        )

    def _decode(self, encoded: ResultAsSent) -> PrimitiveResult[Any]:
        return decode_primitive_result(encoded)
