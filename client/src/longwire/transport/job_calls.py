"""One method for each RPC of JobService."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc

from longwire.transport.calls import Calls
from longwire.transport.connection import Connection
from longwire.transport.failures import is_passing
from longwire.transport.interruption import Interruption
from longwire.transport.retry import Retry
from longwire.transport.sent_programs import SentPrograms
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import Job
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.result_pb2 import EncodedResult


class JobCalls(Calls):
    """The calls of JobService.

    Each raises a LongwireError where it fails, except the two that return gRPC's
    call itself: their reader (:mod:`longwire.transport.job_stream`) decides
    whether to resume.

    Attributes:
        sent_programs: the programs that the server is known to have.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, JobServiceStub)
        self.sent_programs = SentPrograms()

    @property
    def address(self) -> str:
        """The server's address."""
        return self._connection.address

    def run_job(self, request: messages.RunJobRequest) -> Any:
        """The call that streams RunJobResponse. Raises ``grpc.RpcError`` while read."""
        return self._stub.RunJob(request)

    def watch_job(self, job_id: str, resume_after: int, *, pub_results: bool = False) -> Any:
        """The call that streams WatchJobResponse. Raises ``grpc.RpcError`` while read."""
        request = messages.WatchJobRequest(
            job_id=job_id, resume_after=resume_after, pub_results=pub_results
        )
        return self._stub.WatchJob(request)

    def submit_job(self, request: messages.SubmitJobRequest) -> messages.SubmitJobResponse:
        """Submits a job without waiting for it."""
        response: messages.SubmitJobResponse = self._call("SubmitJob", request)
        return response

    def get_job(self, job_id: str, *, timeout_seconds: float | None = None) -> Job:
        """The job as it is now.

        Args:
            job_id: the job's id.
            timeout_seconds: the most to wait; None for the connection's own limit.
        """
        response: messages.GetJobResponse = self._call(
            "GetJob", messages.GetJobRequest(job_id=job_id), timeout_seconds=timeout_seconds
        )
        return response.job

    def get_result(
        self,
        job_id: str,
        *,
        retry_seconds: float = 0.0,
        interruption: Interruption | None = None,
    ) -> EncodedResult:
        """The result of a job in state DONE, its chunks joined.

        Args:
            job_id: the job's id.
            retry_seconds: how long to ask again where the server goes away.
            interruption: ends the call, which then raises.
        """
        retry = Retry(retry_seconds)
        interruption = interruption or Interruption()
        while True:
            try:
                return self._get_result(job_id, interruption)
            except grpc.RpcError as error:
                may_retry = is_passing(error) and not interruption.is_made
                if not may_retry or not retry.pause(None, interruption):
                    raise self.error_of(error) from None

    def _get_result(self, job_id: str, interruption: Interruption) -> EncodedResult:
        call = self._stub.GetResult(messages.GetResultRequest(job_id=job_id))
        with interruption.waking(call.cancel):
            first: messages.GetResultResponse = next(call)
            data = bytearray(first.chunk)
            for response in call:
                data += response.chunk
        first.header.data = bytes(data)
        return first.header

    def list_jobs(self, request: messages.ListJobsRequest, limit: int | None) -> Iterator[Job]:
        """The jobs that match, the newest first, page by page.

        Args:
            request: the filter; its page fields are overwritten.
            limit: the most jobs to return; None for all.
        """
        request.page_token = ""
        while limit is None or limit > 0:
            request.page_size = min(limit or 1000, 1000)
            response: messages.ListJobsResponse = self._call("ListJobs", request)
            yield from response.jobs
            request.page_token = response.next_page_token
            if not request.page_token:
                return
            if limit is not None:
                limit -= len(response.jobs)

    def cancel_job(self, job_id: str) -> Job:
        """Cancels a job, and returns it in the final state that it reached."""
        response: messages.CancelJobResponse = self._call(
            "CancelJob", messages.CancelJobRequest(job_id=job_id)
        )
        return response.job

    def delete_job(self, job_id: str) -> None:
        """Deletes a job in a final state."""
        self._call("DeleteJob", messages.DeleteJobRequest(job_id=job_id))
