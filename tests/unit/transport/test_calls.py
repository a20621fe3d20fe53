"""What a call does when it is refused for the moment, or not answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from scripted_job_service import scripted_job_calls

from longwire.errors import LimitExceededError, ServerBusyError, ServerUnreachableError
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_event_pb2 import JobAccepted, JobEvent
from longwire.v1.job_pb2 import Job
from longwire.v1.job_service_pb2_grpc import JobServiceServicer
from longwire_server.refusals import (
    limit_exceeded,
    quota_exceeded,
    server_draining,
    store_unavailable,
)
from longwire_server.servicers.status_table import status_of

JOB = Job(job_id="0123456789abcdef0123456789abcdef")


class BusyService(JobServiceServicer):
    """Refuses the first calls.

    Args:
        refusals: with what, one call after the other; a status code for a call that is
            cut off.

    Attributes:
        times: when each call came.
        request_ids: those of RunJob, in order.
    """

    def __init__(self, *refusals: Exception | grpc.StatusCode) -> None:
        self._refusals = list(refusals)
        self.times: list[float] = []
        self.request_ids: list[str] = []

    def _answer(self, context: grpc.ServicerContext) -> None:
        self.times.append(time.monotonic())
        if not self._refusals:
            return
        refusal = self._refusals.pop(0)
        if isinstance(refusal, grpc.StatusCode):
            context.abort(refusal, "cut off")
        context.abort_with_status(status_of(refusal))

    def GetJob(self, request: messages.GetJobRequest, context: Any) -> messages.GetJobResponse:  # noqa: N802
        """The job."""
        self._answer(context)
        return messages.GetJobResponse(job=JOB)

    def DeleteJob(  # noqa: N802
        self, request: messages.DeleteJobRequest, context: Any
    ) -> messages.DeleteJobResponse:
        """Nothing."""
        self._answer(context)
        return messages.DeleteJobResponse()

    def RunJob(self, request: messages.RunJobRequest, context: Any) -> Any:  # noqa: N802
        """Accepts a job."""
        self.request_ids.append(request.request_id)
        self._answer(context)
        yield messages.RunJobResponse(
            events=[JobEvent(job_id=JOB.job_id, sequence=1, accepted=JobAccepted(job=JOB))]
        )


def get(calls: JobCalls) -> str:
    """Asks for a job."""
    return calls.get_job(JOB.job_id).job_id


def run(calls: JobCalls) -> str:
    """Submits a job."""
    return JobStream.run(calls, messages.RunJobRequest(request_id="once"))[1].job_id


@pytest.mark.parametrize("call", [get, run], ids=["get", "run"])
@pytest.mark.parametrize(
    "refusal", [server_draining, store_unavailable], ids=["draining", "store away"]
)
def test_busy_server_is_asked_again_when_it_says(
    refusal: Callable[[], Exception], call: Callable[[JobCalls], str]
) -> None:
    service = BusyService()
    with scripted_job_calls(service) as calls:
        get(calls)
        service._refusals.append(refusal())
        assert call(calls) == JOB.job_id
    # It asks for one second.
    assert service.times[2] - service.times[1] >= 1.0
    assert set(service.request_ids) <= {"once"}


@pytest.mark.parametrize("call", [get, run], ids=["get", "run"])
@pytest.mark.parametrize(
    "code", [grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE], ids=["cancelled", "away"]
)
def test_call_that_a_stopping_server_cuts_off_is_made_again(
    code: grpc.StatusCode, call: Callable[[JobCalls], str]
) -> None:
    service = BusyService()
    with scripted_job_calls(service) as calls:
        get(calls)
        service._refusals.append(code)
        assert call(calls) == JOB.job_id
    assert len(service.times) == 3
    assert set(service.request_ids) <= {"once"}


def test_server_that_stays_busy_is_told_after_the_connections_time_limit() -> None:
    service = BusyService(*[server_draining() for _ in range(20)])
    with scripted_job_calls(service) as calls:
        calls._connection.timeout_seconds = 1.5
        calls.outage.has_answered = True
        for call in (get, run):
            with pytest.raises(ServerBusyError, match="shutting down"):
                call(calls)
    assert len(service.times) <= 4


def test_full_queue_is_told_at_once() -> None:
    service = BusyService(limit_exceeded("limits.queued_jobs", 5, "full", retry_after_seconds=1))
    with scripted_job_calls(service) as calls, pytest.raises(LimitExceededError, match="queued"):
        run(calls)
    assert len(service.times) == 1


def test_call_that_must_not_be_made_twice_is_not() -> None:
    service = BusyService(store_unavailable())
    with scripted_job_calls(service) as calls, pytest.raises(ServerBusyError):
        calls.delete_job(JOB.job_id)
    assert len(service.times) == 1


def test_address_where_nobody_ever_answered_is_told_soon() -> None:
    connection = Connection("localhost:1")
    begun = time.monotonic()
    for call in (get, run):
        with pytest.raises(ServerUnreachableError, match="localhost:1"):
            call(JobCalls(connection))
    connection.close()
    # Generous: with other attempts for 30 s each it were a minute.
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("call", [get, run], ids=["get", "run"])
def test_call_that_comes_too_fast_is_made_again_when_the_server_says(
    call: Callable[[JobCalls], str],
) -> None:
    refusal = quota_exceeded(
        "jobs_per_second", 2.0, "too fast", retry_after_seconds=0.3, passes=True
    )
    service = BusyService()
    with scripted_job_calls(service) as calls:
        get(calls)
        service._refusals.append(refusal)
        assert call(calls) == JOB.job_id
        # The server is there: nobody is told that it is away.
        assert calls.outage._since is None
    _, first, second = service.times
    assert second - first >= 0.3
