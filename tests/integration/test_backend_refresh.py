"""Backends that are described again while they are hosted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import code_pb2
from qiskit import QuantumCircuit, qasm3
from server_process import ServerProcess, configured_server, wait_until
from service_calls import bell_spec, refusal, run

from longwire.codecs.result import decode_result
from longwire.codecs.target import decode_target
from longwire.v1 import backend_service_pb2 as messages, job_service_pb2
from longwire.v1.backend_pb2 import Backend
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.job_pb2 import JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import Program, ProgramFormat
from longwire.v1.target_pb2 import EncodedTarget

CONFIG = """
[[pool]]
name = "default"
processes = 1
paths_read = ["FOLDER"]

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "calibrated"
factory = "calibrated_backend:CalibratedBackend"
arguments = { calibration = "CALIBRATION" }
refresh_seconds = 0.2
"""


def configuration(calibration: Path) -> str:
    """Of a server whose device has its calibration in this file."""
    # The directory: a file that takes the place of another would not be allowed with it.
    config = CONFIG.replace("FOLDER", str(calibration.parent))
    return config.replace("CALIBRATION", str(calibration))


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    """The file with the device's calibration."""
    path = tmp_path / "device" / "calibration"
    path.parent.mkdir()
    path.write_text("0.25")
    return path


@pytest.fixture
def server(tmp_path: Path, calibration: Path) -> Iterator[ServerProcess]:
    """A server that asks the device five times a second."""
    config = configuration(calibration)
    with configured_server(tmp_path / "server", config) as running:
        yield running


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to it."""
    with grpc.insecure_channel(server.address) as opened:
        yield opened


@pytest.fixture
def backends(channel: grpc.Channel) -> BackendServiceStub:
    """Its backends."""
    return BackendServiceStub(channel)


@pytest.fixture
def jobs(channel: grpc.Channel) -> JobServiceStub:
    """Its jobs."""
    return JobServiceStub(channel)


def listed(backends: BackendServiceStub) -> Backend:
    _, backend = backends.ListBackends(messages.ListBackendsRequest()).backends
    return backend


def target(backends: BackendServiceStub, known_sha256: bytes = b"") -> EncodedTarget:
    request = messages.GetBackendTargetRequest(backend_name="calibrated", known_sha256=known_sha256)
    return backends.GetBackendTarget(request).target


def error_rate(encoded: EncodedTarget) -> float:
    return decode_target(encoded)["x"][0,].error


def recalibrate(calibration: Path, text: str) -> None:
    new = calibration.with_suffix(".new")
    new.write_text(text)
    new.rename(calibration)


def flip() -> JobSpec:
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    program = Program(
        format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[qasm3.dumps(circuit).encode()]
    )
    return JobSpec(backend_name="calibrated", program=program)


def test_new_calibration_reaches_target_and_digest(
    backends: BackendServiceStub, jobs: JobServiceStub, calibration: Path
) -> None:
    before = listed(backends).target_sha256
    assert len(before) == 32
    assert target(backends).sha256 == before
    assert error_rate(target(backends)) == 0.25
    assert run(jobs, flip())[0].accepted.target_sha256 == before
    recalibrate(calibration, "0.125")
    wait_until(lambda: listed(backends).target_sha256 != before)
    after = target(backends, known_sha256=before)
    assert error_rate(after) == 0.125
    assert listed(backends).target_sha256 == after.sha256
    events = run(jobs, flip())
    assert events[0].accepted.target_sha256 == after.sha256
    assert decode_result(events[-1].finished.result).get_counts() == {"1": 1024}
    submitted = jobs.SubmitJob(job_service_pb2.SubmitJobRequest(spec=flip()))
    assert submitted.target_sha256 == after.sha256
    recalibrate(calibration, "0.25")
    wait_until(lambda: listed(backends).target_sha256 == before)


def test_device_that_fails_is_shown_with_the_reason_until_it_answers(
    backends: BackendServiceStub, calibration: Path, server: ServerProcess
) -> None:
    before = listed(backends)
    request = messages.WatchBackendStatusRequest(backend_name="calibrated")
    watch = backends.WatchBackendStatus(request, timeout=120)
    assert next(watch).backend_status.operational
    recalibrate(calibration, "the cryostat is warm")
    told = next(watch).backend_status
    assert not told.operational
    assert "the cryostat is warm" in told.status_msg
    # What it was before is still told, and jobs are taken.
    assert listed(backends).status == told
    assert target(backends).sha256 == before.target_sha256
    recalibrate(calibration, "0.25")
    told = next(watch).backend_status
    assert told == before.status
    watch.cancel()
    # A failure that goes on is logged once.
    assert server.log().count("is not operational: ") == 1


def test_backend_that_did_not_load_at_the_start_is_tried_again(
    tmp_path: Path, calibration: Path
) -> None:
    calibration.write_text("the cryostat is warm")
    config = configuration(calibration)
    with (
        configured_server(tmp_path / "server", config) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        backends, jobs = BackendServiceStub(channel), JobServiceStub(channel)
        assert "the cryostat is warm" in listed(backends).status.status_msg
        status, info = refusal(lambda: [target(backends)])
        assert (status.code, info.reason) == (
            code_pb2.FAILED_PRECONDITION,
            "BACKEND_NOT_OPERATIONAL",
        )
        _, info = refusal(lambda: run(jobs, flip()))
        assert info.reason == "BACKEND_NOT_OPERATIONAL"
        recalibrate(calibration, "0.25")
        wait_until(lambda: listed(backends).status.operational)
        assert error_rate(target(backends)) == 0.25
        assert run(jobs, flip())[-1].finished.job.status.status == JobState.JOB_STATE_DONE


def test_device_is_not_asked_while_every_worker_has_a_job(
    backends: BackendServiceStub, jobs: JobServiceStub, calibration: Path, gate: Path
) -> None:
    before = listed(backends).target_sha256
    call = jobs.RunJob(job_service_pb2.RunJobRequest(spec=bell_spec(gate=gate)))
    for response in call:
        if any(e.status_changed.status == JobState.JOB_STATE_RUNNING for e in response.events):
            break
    recalibrate(calibration, "0.125")
    # The listing is answered at once, with what is known.
    assert listed(backends).target_sha256 == before
    gate.touch()
    *_, last = call
    assert last.events[-1].finished.job.status.status == JobState.JOB_STATE_DONE
    wait_until(lambda: listed(backends).target_sha256 != before)


def test_target_that_the_caller_knows_comes_without_its_data(backends: BackendServiceStub) -> None:
    whole = target(backends)
    assert whole.data
    known = target(backends, known_sha256=whole.sha256)
    assert (known.sha256, known.data) == (whole.sha256, b"")
    assert target(backends, known_sha256=b"\x01" * 32) == whole
