"""Servers that are told to stop, and servers that cannot start."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuits import bell, hours_long
from qiskit.providers import JobStatus
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until

from longwire import RemoteBackend, RemoteJob, RemoteProvider
from longwire.errors import JobFailedError, ServerBusyError

CONFIG = """
[server]
drain_grace_seconds = {grace_seconds}

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "aer_simulator"
"""


def config(grace_seconds: float = 60) -> str:
    """The configuration."""
    return CONFIG.format(grace_seconds=grace_seconds)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with one worker and a gate in front of it."""
    with configured_server(tmp_path / "data", config()) as running:
        yield running


def run_behind(gate: Path, backend: RemoteBackend) -> RemoteJob:
    """A job that runs until the gate opens."""
    job = backend.run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def refusal_of(backend: RemoteBackend) -> ServerBusyError | None:
    """How the server refuses a job; None while it takes jobs."""
    try:
        backend.run(bell(), shots=10)
    except ServerBusyError as error:
        return error
    return None


def refusal_once_it_comes(address: str) -> ServerBusyError:
    """The first refusal of a job, for one who does not wait until the server is back."""
    refusals: list[ServerBusyError | None] = []
    with RemoteProvider(address, timeout_seconds=1) as provider:
        backend = provider.get_backend("gated")

        def is_refused() -> bool:
            refusals.append(refusal_of(backend))
            return refusals[-1] is not None

        wait_until(is_refused)
    refusal = refusals[-1]
    assert refusal is not None
    return refusal


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_the_running_job_end_and_refuses_new_ones(
    server: ServerProcess, gate: Path, tmp_path: Path, signal_number: signal.Signals
) -> None:
    with RemoteProvider(server.address) as provider:
        backend = provider.get_backend("gated")
        running = run_behind(gate, backend)
        queued = backend.run(bell(), shots=10)
        server.process.send_signal(signal_number)
        refusal = refusal_once_it_comes(server.address)
        assert refusal.reason == "SERVER_DRAINING"
        assert "shutting down" in str(refusal)
        status = backend.status()
        assert (status.operational, status.status_msg) == (False, "the server is shutting down")
        assert running.status() is JobStatus.RUNNING
        assert queued.status() is JobStatus.QUEUED
        gate.touch()
        assert running.result(timeout=60).success
        assert server.wait() == 0
        with configured_server(tmp_path / "data", config(), address=server.address):
            assert queued.result(timeout=60).success
    assert "Traceback" not in server.log()


def test_job_that_outlasts_the_grace_period_is_ended_with_the_reason(
    tmp_path: Path, gate: Path
) -> None:
    data = tmp_path / "data"
    with configured_server(data, config(grace_seconds=0.2)) as server:
        with RemoteProvider(server.address) as provider:
            running = run_behind(gate, provider.get_backend("gated"))
            assert server.terminate() == 0
        with (
            configured_server(data, config(), address=server.address),
            RemoteProvider(server.address) as later,
        ):
            with pytest.raises(JobFailedError, match="stopped while the job ran") as caught:
                later.job(running.job_id()).result(timeout=60)
            assert caught.value.reason == "SERVER_STOPPED"


def test_idle_server_stops_soon_with_its_workers(server: ServerProcess) -> None:
    with RemoteProvider(server.address) as provider:
        assert provider.get_backend("gated").run(bell(), shots=10).result().success
    workers = server.worker_pids()
    assert server.terminate() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert "Traceback" not in server.log()


def test_server_that_is_stopped_while_it_starts_ends_in_order(tmp_path: Path) -> None:
    with configured_server(tmp_path / "data", config()) as server:
        assert server.terminate() == 0
    assert "Traceback" not in server.log()


def failed_start(address: str, data_dir: Path) -> str:
    """What a server says that cannot start."""
    command = [sys.executable, "-m", "longwire_server", "serve", "--address", address]
    second = subprocess.run(
        [*command, "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    assert "Traceback" not in second.stderr
    return second.stderr


def test_second_server_on_a_taken_port_is_refused_and_the_first_goes_on(
    server: ServerProcess, tmp_path: Path
) -> None:
    said = failed_start(server.address, tmp_path / "second")
    assert f"cannot listen on {server.address}: the port is taken" in said
    with RemoteProvider(server.address) as provider:
        assert provider.get_backend("gated").run(bell(), shots=10).result().success


def test_second_server_on_a_taken_data_directory_is_refused_and_the_first_goes_on(
    server: ServerProcess, tmp_path: Path, gate: Path
) -> None:
    with RemoteProvider(server.address) as provider:
        job = run_behind(gate, provider.get_backend("gated"))
        assert "another server uses the directory" in failed_start("localhost:0", tmp_path / "data")
        gate.touch()
        assert job.result(timeout=60).success


def test_server_on_a_port_that_is_free_again_starts(server: ServerProcess, tmp_path: Path) -> None:
    assert server.terminate() == 0
    with (
        configured_server(tmp_path / "data", config(), address=server.address),
        RemoteProvider(server.address) as provider,
    ):
        assert provider.get_backend("gated").run(bell(), shots=10).result().success


def test_status_answers_while_a_large_simulation_runs(server: ServerProcess) -> None:
    with RemoteProvider(server.address) as provider:
        backend = provider.get_backend("aer_simulator")
        job = backend.run(hours_long(24), method="statevector")
        wait_until(job.running)
        begun = time.monotonic()
        for _ in range(50):
            assert backend.status().operational
        # Generous: a server that waits for its worker takes hours.
        assert time.monotonic() - begun < 30
        assert job.running()
        assert job.cancel()
