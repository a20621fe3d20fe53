"""Servers and workers that stand still for longer than a lease, and then go on."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from circuits import bell
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until
from service_calls import recorded

from longwire import RemoteJob, RemoteProvider
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

LEASE_SECONDS = 1
CONFIG = f"""
[server]
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


def run_behind(gate: Path, provider: RemoteProvider, name: str) -> RemoteJob:
    """A job that runs until the gate opens."""
    job = provider.get_backend(name).run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def is_stopped(pid: int) -> bool:
    """Whether a process stands still."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def stand_still(*pids: int) -> None:
    """Stops processes for longer than a lease."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(map(is_stopped, pids)))
    # The time itself is what is tested here; nothing tells of it.
    with pytest.raises(AssertionError):
        wait_until(lambda: False, seconds=LEASE_SECONDS * 1.5)


def go_on(*pids: int) -> None:
    """Lets them go on, in this order."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def events_of(address: str, job_id: str) -> list[JobEvent]:
    """All events of a job, in one call."""
    with grpc.insecure_channel(address) as channel:
        request = messages.WatchJobRequest(job_id=job_id)
        watch = JobServiceStub(channel).WatchJob(request, timeout=START_SECONDS)
        return [event for answer in watch for event in answer.events]


def assert_ended_once(server: ServerProcess, events: list[JobEvent], *, attempt: int) -> None:
    """Asserts that the end of the only job was told once, and that there is one result."""
    changes = [each for each in events if each.WhichOneof("event") == "status_changed"]
    sequences = [each.sequence for each in (*changes, events[-1])]
    assert sequences == sorted(set(sequences))
    (last,) = [each.finished.job for each in events if each.HasField("finished")]
    assert (last.status.status, last.attempt) == (JobState.JOB_STATE_DONE, attempt)
    database_path = server.log_path.with_name("longwire.db")
    with contextlib.closing(sqlite3.connect(database_path)) as database:
        assert database.execute("SELECT count(*) FROM results").fetchone() == (1,)


def test_worker_that_goes_on_after_its_lease_has_no_say_in_the_result(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider, "simulator")
    (first,) = server.worker_pids()
    with ThreadPoolExecutor(1) as threads:
        events = threads.submit(events_of, server.address, job.job_id())
        os.kill(first, signal.SIGSTOP)
        wait_until(lambda: recorded(server.address, job.job_id()).attempt == 2)
        # It was ended as it stood, so that this reaches nobody.
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGCONT)
        gate.touch()
        assert_ended_once(server, events.result(START_SECONDS), attempt=2)
    assert job.result(timeout=60).success
    assert first not in server.worker_pids()


def test_server_that_goes_on_after_its_lease_keeps_its_attempt_and_its_watchers(
    server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, provider, "device")
    workers = server.worker_pids()
    with ThreadPoolExecutor(1) as threads:
        events = threads.submit(events_of, server.address, job.job_id())
        stand_still(server.pid)
        gate.touch()
        go_on(server.pid)
        assert_ended_once(server, events.result(START_SECONDS), attempt=1)
    assert job.result(timeout=60).success
    assert server.worker_pids() == workers


@pytest.mark.parametrize("server_first", [True, False], ids=["server first", "worker first"])
def test_machine_that_stood_still_costs_no_attempt(
    server: ServerProcess, provider: RemoteProvider, gate: Path, server_first: bool
) -> None:
    job = run_behind(gate, provider, "device")
    workers = server.worker_pids()
    stand_still(server.pid, *workers)
    if server_first:
        go_on(server.pid)
        # Long enough for it to look after its workers.
        assert job.running()
        go_on(*workers)
    else:
        go_on(*workers, server.pid)
    gate.touch()
    assert job.result(timeout=60).success
    assert recorded(server.address, job.job_id()).attempt == 1
    assert server.worker_pids() == workers
