"""Calls of the services through their stubs, as a program in any language makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import grpc
import pytest
from circuits import bell
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from qiskit import qasm3

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobSpec
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import Program, ProgramFormat, RunOptions
from longwire.v1.value_pb2 import StructField, StructValue, Value


def bell_spec(shots: int = 10, backend_name: str = "gated", gate: Path | None = None) -> JobSpec:
    """A Bell circuit in OpenQASM 3."""
    options = RunOptions(shots=shots, seed_simulator=1)
    if gate is not None:
        options.backend_options.CopyFrom(
            StructValue(fields=[StructField(name="gate", value=Value(string_value=str(gate)))])
        )
    program = Program(
        format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3,
        payloads=[qasm3.dumps(bell()).encode()],
    )
    return JobSpec(backend_name=backend_name, program=program, options=options)


def recorded(address: str, job_id: str) -> Job:
    """What a server tells of a job, once it answers."""
    with grpc.insecure_channel(address) as channel:
        request = messages.GetJobRequest(job_id=job_id)
        return JobServiceStub(channel).GetJob(request, wait_for_ready=True).job


def run(jobs: JobServiceStub, spec: JobSpec, request_id: str = "") -> list[JobEvent]:
    """All events of a job."""
    call = jobs.RunJob(messages.RunJobRequest(spec=spec, request_id=request_id))
    return [event for response in call for event in response.events]


def refusal(
    call: Callable[[], Iterable[object]],
) -> tuple[status_pb2.Status, error_details_pb2.ErrorInfo]:
    """The status with which a call is refused, and the reason in it."""
    with pytest.raises(grpc.RpcError) as caught:
        list(call())
    status = rpc_status.from_call(caught.value)
    assert status is not None, caught.value
    info = error_details_pb2.ErrorInfo()
    assert detail(status, info)
    assert info.domain == "longwire"
    return status, info


def detail(status: status_pb2.Status, message: Message) -> bool:
    """Whether a status carries a detail, which is put into ``message``."""
    return any(packed.Unpack(message) for packed in status.details)
