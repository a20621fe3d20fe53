"""One method for each RPC of JobService."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import grpc

from longwire.codecs.received_result import ReceivedResult
from longwire.transport.calls import Calls
from longwire.transport.connection import Connection
from longwire.transport.failures import cause_of, retry_seconds
from longwire.transport.interruption import (
    Interruption,
    WaitInterruptedError,
    WaitTimeoutError,
)
from longwire.transport.outage import Outage
from longwire.transport.retry import RESUME_SECONDS, Retry
from longwire.transport.sent_programs import SentPrograms
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import Job
from longwire.v1.job_service_pb2_grpc import JobServiceStub


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

    @property
    def channel(self) -> grpc.Channel:
        """The channel on which the next call is made."""
        return self._connection.channel

    @property
    def outage(self) -> Outage:
        """Whether the server answers."""
        return self._connection.outage

    @property
    def timeout_seconds(self) -> float:
        """How long a call may take that does not wait for a job."""
        return self._connection.timeout_seconds

    def renew(self, channel: grpc.Channel) -> None:
        """Has the next call make a new channel, because this one seems to be dead."""
        self._connection.renew(channel)

    def run_job(self, request: messages.RunJobRequest) -> Any:
        """The call that streams RunJobResponse. Raises ``grpc.RpcError`` while read."""

        def run() -> Any:
            return self._stub.RunJob(request, metadata=self._connection.metadata)

        return (self._streamed(request, run) if request.request_id else None) or run()

    def watch_job(self, job_id: str, resume_after: int, *, pub_results: bool = False) -> Any:
        """The call that streams WatchJobResponse. Raises ``grpc.RpcError`` while read."""
        request = messages.WatchJobRequest(
            job_id=job_id, resume_after=resume_after, pub_results=pub_results
        )

        def watch() -> Any:
            return self._stub.WatchJob(request, metadata=self._connection.metadata)

        return self._streamed(request, watch) or watch()

    def submit_job(self, request: messages.SubmitJobRequest) -> messages.SubmitJobResponse:
        """Submits a job without waiting for it."""
        response: messages.SubmitJobResponse = self._call(
            "SubmitJob", request, repeats=bool(request.request_id)
        )
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
        deadline: float | None = None,
        interruption: Interruption | None = None,
    ) -> ReceivedResult:
        """The result of a job in state DONE, its chunks joined.

        Where the connection breaks or the server goes away, it is asked for again.

        Args:
            job_id: the job's id.
            deadline: on the clock of ``time.monotonic``; None waits for as long as a server
                may be away.
            interruption: ends the call.

        Raises:
            WaitTimeoutError: it did not come in time.
            WaitInterruptedError: the call was interrupted.
            LongwireError: the job is gone, or the server stayed away.
        """
        retry = Retry(RESUME_SECONDS)
        interruption = interruption or Interruption()
        while True:
            try:
                result = self._get_result(job_id, deadline, interruption)
            except grpc.RpcError as error:
                if interruption.is_made:
                    raise WaitInterruptedError from None
                if self.is_passing(error) and (deadline is None or time.monotonic() < deadline):
                    self.outage.failed(cause_of(error))
                    if retry.pause(deadline, interruption, at_least=retry_seconds(error)):
                        continue
                if deadline is not None and time.monotonic() >= deadline:
                    raise WaitTimeoutError from None
                raise self.error_of(error, job_id) from None
            self.outage.answered()
            return result

    def _get_result(
        self, job_id: str, deadline: float | None, interruption: Interruption
    ) -> ReceivedResult:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        request = messages.GetResultRequest(job_id=job_id)
        call = self._stub.GetResult(request, timeout=timeout, metadata=self._connection.metadata)
        with interruption.waking(call.cancel):
            first: messages.GetResultResponse = next(call)
            # It gives out what it holds without a copy, and grows without one.
            data = io.BytesIO()
            data.write(first.chunk)
            for response in call:
                data.write(response.chunk)
        return ReceivedResult(data.getvalue(), first.header.compression, first.header.sha256)

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

    def update_job(self, request: messages.UpdateJobRequest) -> Job:
        """Changes the name or the tags of a job, and returns it."""
        response: messages.UpdateJobResponse = self._call("UpdateJob", request)
        return response.job

    def delete_job(self, job_id: str) -> None:
        """Deletes a job in a final state."""
        # Where the answer is lost, a second call finds no job.
        self._call("DeleteJob", messages.DeleteJobRequest(job_id=job_id), repeats=False)
