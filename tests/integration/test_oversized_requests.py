"""Requests that are far larger than any that makes sense: refused before anything reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from server_process import ServerProcess, resident_bytes
from service_calls import bell_spec, refusal

from longwire.v1 import backend_service_pb2, job_service_pb2, session_service_pb2
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import ProgramFormat
from longwire.v1.session_service_pb2_grpc import SessionServiceStub


@pytest.fixture
def channel(one_worker_server: ServerProcess) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(one_worker_server.address) as opened:
        yield opened


def test_payloads_are_counted_before_any_is_read(channel: grpc.Channel) -> None:
    spec = bell_spec()
    # Of which the first one is wrong already.
    spec.program.format = ProgramFormat.PROGRAM_FORMAT_QPY
    spec.program.payloads[:] = [b""] * 100_001
    request = job_service_pb2.SubmitJobRequest(spec=spec)
    status, info = refusal(lambda: [JobServiceStub(channel).SubmitJob(request)])
    assert (status.code, info.reason) == (code_pb2.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    assert info.metadata["limit"] == "quotas.circuits"
    assert "spec.program.payloads" in status.message


def test_request_without_a_program_is_refused_above_its_limit(channel: grpc.Channel) -> None:
    request = job_service_pb2.GetJobRequest(job_id="0" * (2 << 20))
    status, info = refusal(lambda: [JobServiceStub(channel).GetJob(request)])
    assert (status.code, info.reason) == (code_pb2.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    assert info.metadata["limit"] == "request_bytes"
    assert info.metadata["maximum"] == str(1 << 20)


# Below the limit of a request, above every name.
LONG = "é" * 300_000


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            lambda channel: BackendServiceStub(channel).GetBackendStatus(
                backend_service_pb2.GetBackendStatusRequest(backend_name=LONG)
            ),
            "BACKEND_NOT_FOUND",
        ),
        (
            lambda channel: JobServiceStub(channel).GetJob(
                job_service_pb2.GetJobRequest(job_id=LONG)
            ),
            "JOB_NOT_FOUND",
        ),
        (
            lambda channel: SessionServiceStub(channel).GetSession(
                session_service_pb2.GetSessionRequest(session_id=LONG)
            ),
            "SESSION_NOT_FOUND",
        ),
        (
            lambda channel: JobServiceStub(channel).SubmitJob(
                job_service_pb2.SubmitJobRequest(spec=bell_spec(backend_name=LONG * 10))
            ),
            "BACKEND_NOT_FOUND",
        ),
    ],
    ids=["backend", "job", "session", "submission"],
)
def test_long_name_is_repeated_in_part(
    channel: grpc.Channel, call: Callable[[grpc.Channel], object], reason: str
) -> None:
    status, info = refusal(lambda: [call(channel)])
    assert (status.code, info.reason) == (code_pb2.NOT_FOUND, reason)
    assert "é" * 100 in status.message
    assert "0000 characters" in status.message
    assert status.ByteSize() < 2_000


def test_health_check_repeats_nothing_of_what_strangers_send(channel: grpc.Channel) -> None:
    request = health_pb2.HealthCheckRequest(service="unheard of" * 100)
    with pytest.raises(grpc.RpcError) as caught:
        health_pb2_grpc.HealthStub(channel).Check(request)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "no such service"


def test_programs_of_jobs_that_wait_are_not_held_in_memory(
    one_worker_server: ServerProcess, channel: grpc.Channel, tmp_path: Path
) -> None:
    program_bytes, number = 8 << 20, 25
    jobs = JobServiceStub(channel)
    before = resident_bytes(one_worker_server.pid)
    calls = []
    for place in range(number):
        spec = bell_spec(gate=tmp_path / "gate")
        spec.program.payloads[0] += f"// {place} ".encode() + b"x" * program_bytes
        call = jobs.RunJob(job_service_pb2.RunJobRequest(spec=spec))
        calls.append((call, next(call).events[0].job_id))
    # Some are on their way to the worker and to the disk, and what Python has had it keeps.
    grown = resident_bytes(one_worker_server.pid) - before
    for call, job_id in calls:
        jobs.CancelJob(job_service_pb2.CancelJobRequest(job_id=job_id))
        call.cancel()
    assert grown < number * program_bytes
