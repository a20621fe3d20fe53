"""Workers and servers that are killed, and what is left of their jobs."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import grpc
import pytest
from circuits import bell, hours_long
from qiskit import qasm3
from qiskit.providers import JobStatus
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until

from longwire import RemoteJob, RemoteProvider
from longwire.errors import JobFailedError, ServerBusyError
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import Program, ProgramFormat

CONFIG = """
[server]
drain_grace_seconds = 60

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "aer_simulator"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with one worker and a gate in front of it."""
    with configured_server(tmp_path / "data", CONFIG) as running:
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


def test_cancel_whose_outcome_cannot_be_recorded_is_answered(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    job_id = run_behind(gate, provider).job_id()
    with RemoteProvider(server.address, timeout_seconds=8) as impatient:
        job = impatient.job(job_id)
        with contextlib.closing(sqlite3.connect(tmp_path / "data" / "longwire.db")) as database:
            database.execute("ALTER TABLE jobs RENAME TO away")
            with pytest.raises(ServerBusyError, match="is being cancelled") as caught:
                job.cancel()
            database.execute("ALTER TABLE away RENAME TO jobs")
        assert caught.value.reason == "STORE_UNAVAILABLE"
        assert job.cancel()
        assert job.status() is JobStatus.CANCELLED


def restarted(server: ServerProcess, tmp_path: Path) -> AbstractContextManager[ServerProcess]:
    """A server on the data and at the address of one that has ended."""
    return configured_server(tmp_path / "data", CONFIG, address=server.address)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def run_behind(gate: Path, provider: RemoteProvider) -> RemoteJob:
    """A job that runs until the gate opens."""
    job = provider.get_backend("gated").run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def test_killed_worker_fails_its_job_and_is_replaced(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider)
    behind = provider.get_backend("gated").run(bell(), shots=10)
    (worker,) = server.worker_pids()
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(JobFailedError, match="SIGKILL") as caught:
        job.result(timeout=60)
    assert caught.value.reason == "WORKER_DIED"
    assert behind.result(timeout=60).success
    assert worker not in server.worker_pids()


def test_worker_killed_while_idle_is_replaced(
    server: ServerProcess, provider: RemoteProvider
) -> None:
    assert provider.get_backend("gated").run(bell(), shots=10).result().success
    (worker,) = server.worker_pids()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: server.worker_pids() not in ([], [worker]))
    assert provider.get_backend("gated").run(bell(), shots=10).result().success


def test_ctrl_c_and_sigterm_to_a_worker_alone_do_not_end_its_job(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider)
    (worker,) = server.worker_pids()
    os.kill(worker, signal.SIGINT)
    os.kill(worker, signal.SIGTERM)
    gate.touch()
    assert job.result(timeout=60).success
    assert server.worker_pids() == [worker]


def test_killed_server_takes_its_workers_along(
    server: ServerProcess, provider: RemoteProvider, tmp_path: Path
) -> None:
    # Inside a simulation a worker reads no socket: only the kernel can end it.
    job = provider.get_backend("aer_simulator").run(hours_long(24), method="statevector")
    wait_until(job.running)
    workers = server.worker_pids()
    assert workers
    server.kill()
    wait_until(lambda: not any(map(is_running, workers)), seconds=10)


def test_killed_server_leaves_queued_jobs_to_the_next_and_says_what_was_lost(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    finished = provider.get_backend("gated").run(bell(), shots=10, seed_simulator=3)
    counts = finished.result().get_counts()
    running = run_behind(gate, provider)
    queued = [provider.get_backend("gated").run(bell(), shots=10) for _ in range(2)]
    server.kill()
    with restarted(server, tmp_path), RemoteProvider(server.address) as later:
        with pytest.raises(JobFailedError, match="stopped while the job ran") as caught:
            later.job(running.job_id()).result(timeout=60)
        assert caught.value.reason == "SERVER_STOPPED"
        for job in queued:
            assert later.job(job.job_id()).result(timeout=60).success
        assert later.job(finished.job_id()).result().get_counts() == counts


def test_finished_job_is_the_same_to_the_byte_after_a_restart(
    server: ServerProcess, provider: RemoteProvider, tmp_path: Path
) -> None:
    backend = provider.get_backend("gated")
    done = backend.run(bell(), shots=10, memory=True, job_name="kept", job_tags=["a"])
    failed = backend.run("OPENQASM 3.0; nonsense")
    for job in (done, failed):
        job.wait_for_final_state()

    def recorded() -> list[bytes]:
        with grpc.insecure_channel(server.address) as channel:
            jobs = JobServiceStub(channel)
            answers = [
                jobs.GetJob(messages.GetJobRequest(job_id=job.job_id()), wait_for_ready=True)
                for job in (done, failed)
            ]
            chunks = list(jobs.GetResult(messages.GetResultRequest(job_id=done.job_id())))
            return [each.SerializeToString(deterministic=True) for each in (*answers, *chunks)]

    before = recorded()
    assert server.terminate() == 0
    with restarted(server, tmp_path):
        assert recorded() == before


def test_client_that_waits_rides_out_a_restart(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    running = run_behind(gate, provider)
    queued = provider.get_backend("gated").run(bell(), shots=10)
    heard: list[JobStatus] = []
    with ThreadPoolExecutor(2) as threads:
        lost = threads.submit(running.result, 120)
        kept = threads.submit(
            queued.wait_for_final_state, 120, callback=lambda _id, state, _job: heard.append(state)
        )
        server.kill()
        with restarted(server, tmp_path):
            kept.result(START_SECONDS)
            with pytest.raises(JobFailedError, match="stopped while the job ran"):
                lost.result(START_SECONDS)
            assert queued.result().success
    assert heard[0] is JobStatus.QUEUED
    assert heard[-1] is JobStatus.DONE
    assert heard.count(JobStatus.DONE) == 1


def test_every_acknowledged_job_is_in_the_database_when_the_server_is_killed(
    server: ServerProcess, gate: Path, tmp_path: Path
) -> None:
    program = Program(
        format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[qasm3.dumps(bell()).encode()]
    )
    spec = JobSpec(backend_name="gated", program=program)
    acknowledged: list[str] = []

    def submit_until_killed(channel: grpc.Channel) -> None:
        jobs = JobServiceStub(channel)
        while True:
            try:
                event = next(jobs.RunJob(messages.RunJobRequest(spec=spec))).events[0]
            except grpc.RpcError:
                return
            assert event.HasField("accepted")
            acknowledged.append(event.job_id)

    with grpc.insecure_channel(server.address) as channel, ThreadPoolExecutor(4) as threads:
        submitting = [threads.submit(submit_until_killed, channel) for _ in range(4)]
        wait_until(lambda: len(acknowledged) >= 50)
        server.kill()
        for each in submitting:
            each.result(START_SECONDS)
    with sqlite3.connect(tmp_path / "data" / "longwire.db") as database:
        jobs = {job_id for (job_id,) in database.execute("SELECT job_id FROM jobs")}
        specs = dict(database.execute("SELECT job_id, payload FROM specs").fetchall())
    database.close()
    assert set(acknowledged) <= jobs
    assert {specs[job_id] for job_id in acknowledged} == {spec.SerializeToString()}


def test_server_process_holds_nothing_of_qiskit(
    server: ServerProcess, provider: RemoteProvider
) -> None:
    assert provider.get_backend("aer_simulator").run(bell(), shots=10).result().success
    assert provider.get_backend("aer_simulator").configuration().n_qubits > 1
    libraries = Path(f"/proc/{server.pid}/maps").read_text()
    assert "grpc" in libraries, "the list is not that of the server"
    assert "qiskit" not in libraries
    (worker,) = server.worker_pids()
    assert "qiskit" in Path(f"/proc/{worker}/maps").read_text()


def test_modules_of_the_server_import_no_qiskit() -> None:
    script = """
import sys
import longwire_server.cli.main, longwire_server.server, longwire_server.store.memory_job_store
print([name for name in sys.modules if name.partition(".")[0].startswith("qiskit")])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
