"""Attempts that are lost: their worker or their server dies, or stands still."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from circuits import bell
from qiskit.providers import JobStatus
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until
from service_calls import recorded

from longwire import RemoteJob, RemoteProvider, RemoteSampler
from longwire.errors import JobFailedError
from longwire.v1.job_pb2 import JobState

LEASE_SECONDS = 2
CONFIG = f"""
[server]
drain_grace_seconds = 0.2
lease_seconds = {LEASE_SECONDS}

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "simulator"
factory = "gated_backend:GatedBackend"
max_attempts = 3

[[backend]]
name = "device"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "stepped"
factory = "stepped_backend:SteppedBackend"
max_attempts = 2

[[backend]]
name = "poisonous"
factory = "faulty_backend:FaultyBackend"
max_attempts = 3
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with one worker."""
    with configured_server(tmp_path / "data", CONFIG) as running:
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


def restarted(
    server: ServerProcess, tmp_path: Path
) -> contextlib.AbstractContextManager[ServerProcess]:
    """A server on the data and at the address of one that has ended."""
    return configured_server(tmp_path / "data", CONFIG, address=server.address)


def run_behind(gate: Path, provider: RemoteProvider, name: str) -> RemoteJob:
    """A job that runs until the gate opens."""
    job = provider.get_backend(name).run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def worker_of(server: ServerProcess) -> int:
    """The process id of the only worker, once there is one."""
    wait_until(lambda: len(server.worker_pids()) == 1)
    (pid,) = server.worker_pids()
    return pid


def wait_for_attempt(server: ServerProcess, job: RemoteJob, attempt: int) -> None:
    """Waits until an attempt runs."""

    def runs() -> bool:
        now = recorded(server.address, job.job_id())
        return (now.attempt, now.status.status) == (attempt, JobState.JOB_STATE_RUNNING)

    wait_until(runs)


def test_job_whose_worker_is_killed_runs_again_before_those_behind_it(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider, "simulator")
    behind = provider.get_backend("simulator").run(bell(), shots=10)
    os.kill(worker_of(server), signal.SIGKILL)
    wait_for_attempt(server, job, 2)
    assert behind.status() is JobStatus.QUEUED
    gate.touch()
    assert job.result(timeout=60).success
    assert recorded(server.address, job.job_id()).attempt == 2
    assert behind.result(timeout=60).success


def test_device_runs_a_program_at_most_once_and_the_error_says_so(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider, "device")
    os.kill(worker_of(server), signal.SIGKILL)
    with pytest.raises(
        JobFailedError, match=r"SIGKILL; the job was tried once.*'device'.*max_attempts = 1"
    ) as caught:
        job.result(timeout=60)
    assert caught.value.reason == "WORKER_DIED"


@pytest.mark.parametrize("fault", ["exit_at_once", "crash"])
def test_job_that_kills_every_worker_stops_at_its_limit_and_others_run(
    server: ServerProcess, provider: RemoteProvider, fault: str
) -> None:
    backend = provider.get_backend("poisonous")
    bad = backend.run(bell(), shots=10, fault=fault)
    behind = [backend.run(bell(), shots=10) for _ in range(2)]
    with pytest.raises(JobFailedError, match=r"the job was tried 3 times") as caught:
        bad.result(timeout=120)
    assert caught.value.reason == "WORKER_DIED"
    assert recorded(server.address, bad.job_id()).attempt == 3
    for job in behind:
        assert job.result(timeout=60).success


@pytest.mark.parametrize("fault", ["raise", "exit", "fill_memory"])
def test_error_of_the_backend_is_not_tried_again(
    server: ServerProcess, provider: RemoteProvider, fault: str
) -> None:
    job = provider.get_backend("poisonous").run(bell(), shots=10, fault=fault)
    with pytest.raises(JobFailedError):
        job.result(timeout=60)
    assert recorded(server.address, job.job_id()).attempt == 1


def test_killed_server_leaves_interrupted_jobs_to_the_next_which_runs_them_first(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    running = run_behind(gate, provider, "simulator")
    queued = [provider.get_backend("simulator").run(bell(), shots=10) for _ in range(3)]
    with ThreadPoolExecutor(1) as threads, contextlib.ExitStack() as servers:
        # The same call is under way all the time.
        result = threads.submit(running.result, 120)
        for attempt in (2, 3):
            server.kill()
            server = servers.enter_context(restarted(server, tmp_path))
            wait_for_attempt(server, running, attempt)
            assert [job.status() for job in queued] == [JobStatus.QUEUED] * 3
        gate.touch()
        assert result.result(START_SECONDS).success
        for job in queued:
            assert job.result(timeout=60).success
        began = [
            recorded(server.address, job.job_id()).start_time.ToNanoseconds() for job in queued
        ]
        assert began == sorted(began)


def test_job_interrupted_in_its_last_attempt_ends_in_an_error_that_says_so(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    job = run_behind(gate, provider, "device")
    server.kill()
    with restarted(server, tmp_path):
        with pytest.raises(
            JobFailedError, match=r"stopped while the job ran; the job was tried once"
        ) as caught:
            job.result(timeout=60)
        assert caught.value.reason == "SERVER_STOPPED"


def test_jobs_from_before_servers_had_ids_run_after_the_upgrade(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    running = run_behind(gate, provider, "simulator")
    queued = provider.get_backend("simulator").run(bell(), shots=10)
    server.kill()
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "longwire.db")) as database:
        database.execute("UPDATE jobs SET lease_owner = NULL")
        database.commit()
    gate.touch()
    with restarted(server, tmp_path) as later:
        for job in (running, queued):
            assert job.result(timeout=START_SECONDS).success
        assert recorded(later.address, running.job_id()).attempt == 2


def test_job_that_outlasts_the_grace_period_goes_back_to_the_queue(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    job = run_behind(gate, provider, "simulator")
    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(job.result, 120)
        assert server.terminate() == 0
        assert "Traceback" not in server.log()
        with sqlite3.connect(tmp_path / "data" / "longwire.db") as database:
            row = database.execute("SELECT state, attempt, lease_owner FROM jobs").fetchall()
        database.close()
        assert row == [(2, 1, (tmp_path / "data" / "server_id").read_text().strip())]
        with restarted(server, tmp_path) as later:
            wait_for_attempt(later, job, 2)
            gate.touch()
            assert result.result(START_SECONDS).success


def test_worker_that_stands_still_longer_than_its_lease_loses_its_attempt(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider, "simulator")
    stopped = worker_of(server)
    os.kill(stopped, signal.SIGSTOP)
    wait_for_attempt(server, job, 2)
    assert not Path(f"/proc/{stopped}").exists()
    gate.touch()
    assert job.result(timeout=60).success
    assert f"stood still for {LEASE_SECONDS} s" in server.log()


def test_device_whose_worker_stands_still_ends_its_job_in_an_error(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider, "device")
    os.kill(worker_of(server), signal.SIGSTOP)
    with pytest.raises(JobFailedError, match=r"stood still for 2 s.*tried once") as caught:
        job.result(timeout=60)
    assert caught.value.reason == "WORKER_DIED"


def test_worker_that_goes_on_before_its_lease_ends_keeps_its_attempt(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider, "device")
    worker = worker_of(server)
    for _ in range(3):
        os.kill(worker, signal.SIGSTOP)
        os.kill(worker, signal.SIGCONT)
    gate.touch()
    assert job.result(timeout=60).success
    assert server.worker_pids() == [worker]


def test_lease_of_a_running_attempt_is_renewed_and_ends_with_it(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    def leases() -> tuple[str | None, int]:
        with contextlib.closing(sqlite3.connect(tmp_path / "data" / "longwire.db")) as database:
            ((owner, expires_us),) = database.execute(
                "SELECT lease_owner, lease_expires_us FROM jobs"
            ).fetchall()
        return owner, expires_us or 0

    job = run_behind(gate, provider, "device")
    owner, first_us = leases()
    assert owner == (tmp_path / "data" / "server_id").read_text().strip()
    # Longer than a lease: the attempt is not lost meanwhile.
    wait_until(lambda: leases()[1] > first_us + LEASE_SECONDS * 1_000_000)
    gate.touch()
    assert job.result(timeout=60).success
    assert leases() == (None, 0)


def test_attempt_that_another_server_has_taken_over_writes_nothing(
    server: ServerProcess, provider: RemoteProvider, gate: Path, tmp_path: Path
) -> None:
    job = run_behind(gate, provider, "simulator")
    # As another server on the same store would, which takes this one for dead.
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "longwire.db")) as database:
        database.execute("UPDATE jobs SET attempt = 2, lease_owner = 'other'")
        database.commit()
    gate.touch()
    wait_until(lambda: "refused" in server.log())
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "longwire.db")) as database:
        assert database.execute("SELECT state, attempt FROM jobs").fetchall() == [(3, 2)]
        assert database.execute("SELECT count(*) FROM results").fetchone() == (0,)
    assert provider.get_backend("simulator").run(bell(), shots=10).result(timeout=60).success
    assert job.job_id()


def test_results_of_a_lost_attempts_pubs_do_not_come_twice(
    server: ServerProcess, provider: RemoteProvider, tmp_path: Path
) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    (gates / "0").touch()
    sampler = RemoteSampler(
        provider.get_backend("stepped"), options={"run_options": {"gates": str(gates)}}
    )
    job = sampler.run([bell("first"), bell("second")], shots=10)
    partial = job.partial_results()
    next(partial)
    os.kill(worker_of(server), signal.SIGKILL)
    wait_for_attempt(server, job, 2)
    (gates / "1").touch()
    assert len(list(partial)) == 1
    assert len(job.result(timeout=60)) == 2
