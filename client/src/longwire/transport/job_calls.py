"""One method for each RPC of JobService."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from longwire.transport.calls import Calls
from longwire.transport.connection import Connection
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import Job
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.result_pb2 import EncodedResult


class JobCalls(Calls):
    """The calls of JobService.

    Each raises a LongwireError where it fails, except the two that return gRPC's
    call itself: their reader (:mod:`longwire.transport.job_stream`) decides
    whether to resume.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, JobServiceStub)

    @property
    def address(self) -> str:
        """The server's address."""
        return self._connection.address

    def run_job(self, request: messages.RunJobRequest) -> Any:
        """The call that streams RunJobResponse. Raises ``grpc.RpcError`` while read."""
        return self._stub.RunJob(request)

    def watch_job(self, job_id: str, resume_after: int) -> Any:
        """The call that streams WatchJobResponse. Raises ``grpc.RpcError`` while read."""
        request = messages.WatchJobRequest(job_id=job_id, resume_after=resume_after)
        return self._stub.WatchJob(request)

    def submit_job(self, request: messages.SubmitJobRequest) -> messages.SubmitJobResponse:
        """Submits a job without waiting for it."""
        response: messages.SubmitJobResponse = self._call("SubmitJob", request)
        return response

    def get_job(self, job_id: str) -> Job:
        """The job as it is now."""
        response: messages.GetJobResponse = self._call(
            "GetJob", messages.GetJobRequest(job_id=job_id)
        )
        return response.job

    def get_result(self, job_id: str) -> EncodedResult:
        """The result of a job in state DONE, its chunks joined."""
        with self.errors():
            call = self._stub.GetResult(messages.GetResultRequest(job_id=job_id))
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
