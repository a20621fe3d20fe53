"""Several servers on one PostgreSQL: each sees the jobs of all, and none is lost with one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from circuits import bell
from postgresql_server import PostgresqlServer
from qiskit.providers import JobStatus
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until
from service_calls import bell_spec, recorded

from longwire import RemoteJob, RemoteProvider
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.admin_service_pb2 import MoveJobToFrontRequest, PauseBackendRequest
from longwire.v1.admin_service_pb2_grpc import AdminServiceStub
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire_server.failpoints import VARIABLE

LEASE_SECONDS = 2
CONFIG = """
[auth]
anonymous_role = "operator"

[server]
drain_grace_seconds = 0.2
lease_seconds = {lease_seconds}

[store]
url = "{url}"

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "simulator"
factory = "gated_backend:GatedBackend"
max_attempts = 3

[[backend]]
name = "{own_backend}"
factory = "gated_backend:GatedBackend"
"""


@pytest.fixture
def url(postgresql: PostgresqlServer) -> Iterator[str]:
    """A database with all tables."""
    with postgresql.database() as url:
        yield url


def config(url: str, own_backend: str) -> str:
    return CONFIG.format(url=url, lease_seconds=LEASE_SECONDS, own_backend=own_backend)


@pytest.fixture
def first(url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server."""
    with configured_server(tmp_path / "first", config(url, "left")) as running:
        yield running


@pytest.fixture
def second(url: str, tmp_path: Path, first: ServerProcess) -> Iterator[ServerProcess]:
    """Another one on the same database."""
    with configured_server(tmp_path / "second", config(url, "right")) as running:
        yield running


@pytest.fixture
def here(first: ServerProcess) -> Iterator[RemoteProvider]:
    """The provider of the first server."""
    with RemoteProvider(first.address) as opened:
        yield opened


@pytest.fixture
def there(second: ServerProcess) -> Iterator[RemoteProvider]:
    """The provider of the second server."""
    with RemoteProvider(second.address) as opened:
        yield opened


def run_behind(gate: Path, provider: RemoteProvider, backend: str = "simulator") -> RemoteJob:
    """A job that runs until the gate opens."""
    job = provider.get_backend(backend).run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def test_job_of_one_server_is_watched_and_fetched_through_another(
    here: RemoteProvider, there: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, here)
    same = there.job(job.job_id())
    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(same.result, START_SECONDS)
        assert [each.job_id() for each in there.jobs()] == [job.job_id()]
        gate.touch()
        assert result.result(START_SECONDS).success
    assert same.result().get_counts() == job.result(timeout=60).get_counts()


def test_queued_and_running_jobs_of_one_server_are_cancelled_through_another(
    here: RemoteProvider, there: RemoteProvider, gate: Path
) -> None:
    running = run_behind(gate, here)
    queued = here.get_backend("simulator").run(bell(), shots=10)
    for job in (queued, running):
        same = there.job(job.job_id())
        assert same.cancel()
        assert same.status() is JobStatus.CANCELLED
        # The other server has read the end as soon as it is recorded; its own may still be
        # hearing from the database that it is.
        wait_until(job.cancelled)
    gate.touch()
    assert here.get_backend("simulator").run(bell(), shots=10).result(timeout=60).success


def test_labels_that_another_server_changes_stay_when_the_job_ends(
    here: RemoteProvider, there: RemoteProvider, gate: Path
) -> None:
    job = run_behind(gate, here)
    there.job(job.job_id()).update_tags(["thesis"])
    gate.touch()
    assert job.result(timeout=60).success
    assert here.job(job.job_id()).tags() == ["thesis"]


def test_order_and_pause_that_one_server_is_told_hold_on_another(
    second: ServerProcess, here: RemoteProvider, there: RemoteProvider, gate: Path
) -> None:
    run_behind(gate, here)
    backend = here.get_backend("simulator")
    first, urgent, moved = [backend.run(bell(), shots=10) for _ in range(3)]
    same = there.job(urgent.job_id())
    assert same.update_priority(3) == 3
    wait_until(lambda: urgent.queue_position() == 1)
    with grpc.insecure_channel(second.address) as channel:
        operations = AdminServiceStub(channel)
        operations.MoveJobToFront(MoveJobToFrontRequest(job_id=moved.job_id()))
        places = [(moved, 1), (urgent, 2), (first, 3)]
        wait_until(lambda: all(job.queue_position() == place for job, place in places))
        operations.PauseBackend(PauseBackendRequest(backend_name="simulator"))
    wait_until(lambda: backend.status().status_msg.startswith("paused"))
    assert moved.queue_position() is None
    gate.touch()


def test_jobs_of_a_killed_server_run_on_another(
    first: ServerProcess,
    second: ServerProcess,
    here: RemoteProvider,
    there: RemoteProvider,
    gate: Path,
) -> None:
    running = run_behind(gate, here)
    queued = [here.get_backend("simulator").run(bell(), shots=10) for _ in range(20)]
    of_the_other = here.get_backend("left").run(bell(), shots=10)
    first.kill()
    gate.touch()
    for job in (running, *queued):
        assert there.job(job.job_id()).result(timeout=START_SECONDS).success
    assert recorded(second.address, running.job_id()).attempt == 2
    # Nobody else hosts its backend: it waits for its own server.
    state = recorded(second.address, of_the_other.job_id()).status.status
    assert state == JobState.JOB_STATE_QUEUED


def test_queued_jobs_of_a_server_that_drains_run_on_another_at_once(
    first: ServerProcess, here: RemoteProvider, there: RemoteProvider, gate: Path
) -> None:
    running = run_behind(gate, here)
    queued = here.get_backend("simulator").run(bell(), shots=10)
    assert first.terminate() == 0
    gate.touch()
    for job in (queued, running):
        assert there.job(job.job_id()).result(timeout=START_SECONDS).success


def test_server_that_stood_still_loses_its_jobs_once_and_goes_on(
    first: ServerProcess,
    second: ServerProcess,
    here: RemoteProvider,
    there: RemoteProvider,
    gate: Path,
) -> None:
    running = run_behind(gate, here)
    queued = [here.get_backend("simulator").run(bell(), shots=10) for _ in range(3)]
    os.kill(first.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: recorded(second.address, running.job_id()).attempt == 2)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    wait_until(lambda: "taken for dead" in first.log())
    gate.touch()
    # Through the server that had them, and has them no more.
    for job in (running, *queued):
        assert job.result(timeout=START_SECONDS).success
    assert recorded(first.address, running.job_id()).attempt == 2
    assert {recorded(first.address, job.job_id()).attempt for job in queued} == {1}
    assert here.get_backend("left").run(bell(), shots=10).result(timeout=60).success


def test_server_that_stands_still_in_a_transaction_does_not_hold_up_the_others(
    url: str, tmp_path: Path, gate: Path
) -> None:
    armed, goes_on = tmp_path / "armed", tmp_path / "goes_on"
    # Only the beat is written while nothing else happens, and it locks the server's row.
    variables = {VARIABLE: f"store.commit.before=pause:{goes_on}@file:{armed}"}
    with (
        configured_server(tmp_path / "first", config(url, "left"), environment=variables) as first,
        configured_server(tmp_path / "second", config(url, "right")) as second,
        RemoteProvider(first.address) as here,
    ):
        try:
            running = run_behind(gate, here)
            wait_until(lambda: recorded(second.address, running.job_id()).attempt == 1)
            armed.touch()
            wait_until(lambda: not armed.exists())
            wait_until(lambda: recorded(second.address, running.job_id()).attempt == 2)
        finally:
            goes_on.touch()
        wait_until(lambda: "taken for dead" in first.log())
        gate.touch()
        assert running.result(timeout=START_SECONDS).success
        assert here.get_backend("left").run(bell(), shots=10).result(timeout=60).success


def test_one_request_sent_to_two_servers_gives_one_job(
    first: ServerProcess, second: ServerProcess
) -> None:
    def submitted(address: str) -> messages.SubmitJobResponse:
        with grpc.insecure_channel(address) as channel:
            spec = bell_spec(backend_name="simulator")
            request = messages.SubmitJobRequest(spec=spec, request_id="once")
            return JobServiceStub(channel).SubmitJob(request, wait_for_ready=True)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(submitted, [first.address, second.address] * 2))
    assert len({answer.job.job_id for answer in answers}) == 1
    assert [answer.created for answer in answers].count(True) == 1


def test_server_with_the_id_of_another_goes_by_a_name_of_its_own(
    first: ServerProcess, url: str, tmp_path: Path, here: RemoteProvider, gate: Path
) -> None:
    running = run_behind(gate, here)
    twin_dir = tmp_path / "twin"
    twin_dir.mkdir()
    (twin_dir / "server_id").write_bytes((tmp_path / "first" / "server_id").read_bytes())
    with (
        configured_server(twin_dir, config(url, "right")) as twin,
        RemoteProvider(twin.address) as there,
    ):
        wait_until(lambda: "another server has this one's id" in first.log())
        gate.touch()
        # The twin took it for its own of before a restart.
        assert there.job(running.job_id()).result(timeout=START_SECONDS).success
        assert running.result(timeout=START_SECONDS).success
        assert here.get_backend("left").run(bell(), shots=10).result(timeout=60).success
