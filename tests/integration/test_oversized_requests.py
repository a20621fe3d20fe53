"""Requests that are far larger than any that makes sense: refused before anything reads them."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.rpc import code_pb2
from server_process import ServerProcess
from service_calls import bell_spec, refusal

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import ProgramFormat


@pytest.fixture
def channel(one_worker_server: ServerProcess) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(one_worker_server.address) as opened:
        yield opened


def test_payloads_are_counted_before_any_is_read(channel: grpc.Channel) -> None:
    spec = bell_spec()
    # Of which the first one is wrong already.
    spec.program.format = ProgramFormat.PROGRAM_FORMAT_QPY
    spec.program.payloads[:] = [b""] * 100_001
    request = messages.SubmitJobRequest(spec=spec)
    status, info = refusal(lambda: [JobServiceStub(channel).SubmitJob(request)])
    assert (status.code, info.reason) == (code_pb2.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    assert info.metadata["limit"] == "quotas.circuits"
    assert "spec.program.payloads" in status.message


def test_request_without_a_program_is_refused_above_its_limit(channel: grpc.Channel) -> None:
    request = messages.GetJobRequest(job_id="0" * (2 << 20))
    status, info = refusal(lambda: [JobServiceStub(channel).GetJob(request)])
    assert (status.code, info.reason) == (code_pb2.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    assert info.metadata["limit"] == "request_bytes"
    assert info.metadata["maximum"] == str(1 << 20)
