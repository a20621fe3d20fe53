"""BackendService as a program in any language sees it: messages and statuses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from circuits import bell
from command_line import CommandLine
from google.rpc import code_pb2
from grpc_status import rpc_status
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until
from service_calls import bell_spec

from longwire import RemoteBackend
from longwire.v1 import backend_service_pb2 as messages
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.job_service_pb2 import SubmitJobRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import ProgramFormat


@pytest.fixture
def backends(one_worker_server: ServerProcess) -> Iterator[BackendServiceStub]:
    """The service of the server with one worker."""
    with grpc.insecure_channel(one_worker_server.address) as channel:
        yield BackendServiceStub(channel)


def test_listing_is_in_the_order_of_the_configuration_and_complete(
    backends: BackendServiceStub,
) -> None:
    gated, aer = backends.ListBackends(messages.ListBackendsRequest()).backends
    assert (gated.name, aer.name) == ("gated", "aer_simulator")
    assert (gated.reported_version, gated.status.backend_version) == ("1.2.3", "1.2.3")
    assert gated.status.operational
    assert list(gated.option_names) == ["gate", "memory", "seed_simulator", "shots"]
    assert gated.max_program_bytes > 0
    assert {each.format for each in gated.accepted_programs} == {
        ProgramFormat.PROGRAM_FORMAT_QPY,
        ProgramFormat.PROGRAM_FORMAT_OPENQASM3,
        ProgramFormat.PROGRAM_FORMAT_OPENQASM2,
        ProgramFormat.PROGRAM_FORMAT_QOBJ,
    }


@pytest.mark.parametrize(
    ("method", "request_type"),
    [
        ("GetBackendStatus", messages.GetBackendStatusRequest),
        ("WatchBackendStatus", messages.WatchBackendStatusRequest),
        ("GetBackendConfiguration", messages.GetBackendConfigurationRequest),
        ("GetBackendProperties", messages.GetBackendPropertiesRequest),
        ("GetBackendTarget", messages.GetBackendTargetRequest),
    ],
)
def test_unknown_backend_is_not_found(
    backends: BackendServiceStub, method: str, request_type: type
) -> None:
    def call() -> None:
        answer = getattr(backends, method)(request_type(backend_name="nowhere"))
        list(answer)

    with pytest.raises(grpc.RpcError) as caught:
        call()
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert status.code == code_pb2.NOT_FOUND
    assert "nowhere" in status.message


def test_watch_tells_the_status_now_and_when_jobs_begin_to_wait(
    backends: BackendServiceStub, gated: RemoteBackend, gate: Path
) -> None:
    first = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(first.running)
    request = messages.WatchBackendStatusRequest(backend_name="gated")
    watch = backends.WatchBackendStatus(request, timeout=60)
    assert next(watch).backend_status.pending_jobs == 0
    waiting = [gated.run(bell(), shots=10) for _ in range(2)]
    told: list[int] = []
    while told[-1:] != [2]:
        told.append(next(watch).backend_status.pending_jobs)
    gate.touch()
    while told[-1] != 0:
        told.append(next(watch).backend_status.pending_jobs)
    watch.cancel()
    assert all(before != after for before, after in itertools.pairwise(told))
    assert all(job.result().success for job in waiting)


def test_command_line_tells_a_pause_while_another_backend_is_not_loaded_yet(
    tmp_path: Path, gate: Path
) -> None:
    config = f"""
    [auth]
    anonymous_role = "operator"

    [[pool]]
    name = "slow"
    processes = 1

    [[backend]]
    name = "gated"
    factory = "gated_backend:GatedBackend"

    [[backend]]
    name = "slow"
    factory = "gated_backend:loaded_behind"
    arguments = {{ gate = "{gate}" }}
    pool = "slow"
    """
    with configured_server(tmp_path / "server", config) as server:
        command = CommandLine(server.address, tmp_path)
        assert command("pause", "gated").returncode == 0
        with grpc.insecure_channel(server.address) as channel:
            request = SubmitJobRequest(spec=bell_spec())
            submitted = JobServiceStub(channel).SubmitJob(request, timeout=START_SECONDS)
        told = command("job", submitted.job.job_id)
        assert "gated is paused: " in told.stdout
        gate.touch()
