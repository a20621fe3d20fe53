"""Large jobs that several workers run together, and what comes in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_tokens import make_token, sqlite_url
from large_jobs import (
    counts_of,
    helpers_of,
    large_job,
    local_counts,
    names_of,
    pids_of,
    wait_until_ready,
)
from qiskit.providers import JobStatus
from server_process import ServerProcess, configured_server, wait_until

from longwire import RemoteBackend, RemoteProvider
from longwire.errors import JobFailedError

CONFIG = """
[server]
drain_grace_seconds = 60

[[pool]]
name = "default"
processes = 2
sandbox = "off"
isolation = "{isolation}"

[[backend]]
name = "parts"
factory = "part_backend:PartBackend"
max_attempts = 3
"""


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("interrupted")
    with configured_server(folder, CONFIG.format(isolation="shared")) as running:
        yield running


@pytest.fixture
def backend(two_workers: ServerProcess) -> Iterator[RemoteBackend]:
    wait_until_ready(two_workers, 2)
    with RemoteProvider(two_workers.address) as provider:
        yield provider.get_backend("parts")


def wait_until_both_run(folder: Path) -> None:
    """Waits until two workers have begun a part."""
    wait_until(lambda: len(list(folder.iterdir())) == 2)


def check_splits_again(server: ServerProcess, backend: RemoteBackend) -> None:
    """What was left behind keeps no worker from helping."""
    wait_until_ready(server, 2)
    result = backend.run(large_job(), shots=10).result()
    assert len(set(pids_of(result))) == 2


def test_cancelling_ends_all_workers_of_a_split_job(
    backend: RemoteBackend, two_workers: ServerProcess, tmp_path: Path
) -> None:
    before = set(two_workers.worker_pids())
    job = backend.run(large_job(seconds=0.05, folder=tmp_path), shots=10)
    wait_until_both_run(tmp_path)
    job.cancel()
    job.wait_for_final_state()
    assert job.status() is JobStatus.CANCELLED
    wait_until(lambda: not before & set(two_workers.worker_pids()))
    check_splits_again(two_workers, backend)


def test_a_time_limit_ends_all_workers_of_a_split_job(
    backend: RemoteBackend, two_workers: ServerProcess, tmp_path: Path
) -> None:
    before = set(two_workers.worker_pids())
    # Ten minutes of work, of which either worker has its part.
    job = backend.run(large_job(seconds=3, folder=tmp_path), shots=10, max_run_seconds=15)
    wait_until_both_run(tmp_path)
    with pytest.raises(JobFailedError, match="max_run_seconds"):
        job.result()
    wait_until(lambda: not before & set(two_workers.worker_pids()))
    check_splits_again(two_workers, backend)


def test_a_job_goes_on_without_a_helper_that_was_killed(
    backend: RemoteBackend, two_workers: ServerProcess, tmp_path: Path
) -> None:
    circuits = large_job(seconds=0.03, folder=tmp_path)
    job = backend.run(circuits, shots=20, seed_simulator=2)
    wait_until_both_run(tmp_path)
    [helper] = helpers_of(two_workers, job.job_id())
    os.kill(helper, signal.SIGKILL)
    result = job.result()
    assert names_of(result) == [each.name for each in circuits]
    assert counts_of(result) == local_counts(circuits, shots=20, seed_simulator=2)
    assert f"job {job.job_id()}: attempt 1 is lost" not in two_workers.log()
    # One that kills whoever runs it has no third worker.
    assert helpers_of(two_workers, job.job_id()) == [helper]
    check_splits_again(two_workers, backend)


def test_a_job_whose_leader_was_killed_is_tried_again(
    backend: RemoteBackend, two_workers: ServerProcess, tmp_path: Path
) -> None:
    circuits = large_job(seconds=0.03, folder=tmp_path)
    job = backend.run(circuits, shots=20, seed_simulator=2)
    wait_until_both_run(tmp_path)
    helpers = helpers_of(two_workers, job.job_id())
    [leader] = set(two_workers.worker_pids()) - set(helpers)
    os.kill(leader, signal.SIGKILL)
    result = job.result()
    assert counts_of(result) == local_counts(circuits, shots=20, seed_simulator=2)
    assert f"job {job.job_id()}: attempt 1 is lost" in two_workers.log()
    # The helper was none of its attempt any more, and not ended for it.
    assert set(helpers) <= set(two_workers.worker_pids())
    check_splits_again(two_workers, backend)


def test_a_draining_server_finishes_a_split_job(tmp_path: Path) -> None:
    data, seen = tmp_path / "data", tmp_path / "seen"
    seen.mkdir()
    circuits = large_job(seconds=0.02, folder=seen)
    with configured_server(data, CONFIG.format(isolation="shared")) as server:
        wait_until_ready(server, 2)
        with RemoteProvider(server.address) as provider:
            job = provider.get_backend("parts").run(circuits, shots=20, seed_simulator=4)
            wait_until_both_run(seen)
            assert server.terminate() == 0
        assert len(helpers_of(server, job.job_id())) == 1
        assert "Traceback" not in server.log()
    with (
        configured_server(data, CONFIG.format(isolation="shared")) as server,
        RemoteProvider(server.address) as provider,
    ):
        result = provider.job(job.job_id()).result()
        assert counts_of(result) == local_counts(circuits, shots=20, seed_simulator=4)
        assert f"job {job.job_id()}: attempt 1 is lost" not in server.log()


def test_a_worker_of_one_tenant_never_helps_another_that_is_kept_apart(tmp_path: Path) -> None:
    with configured_server(tmp_path, CONFIG.format(isolation="tenant")) as server:
        # One more is at hand, which runs nothing in its place.
        wait_until_ready(server, 3)
        seen = {}
        for tenant in ("physics", "chemistry", "physics"):
            token = make_token(sqlite_url(tmp_path), tenant=tenant)
            with RemoteProvider(server.address, token=token) as provider:
                job = provider.get_backend("parts").run(large_job(), shots=10)
                pids = {*pids_of(job.result()), *helpers_of(server, job.job_id())}
            seen.setdefault(tenant, set()).update(pids)
            wait_until_ready(server, 3)
        assert len(seen["physics"]) > 1
        assert not seen["physics"] & seen["chemistry"]
