"""A database that is gone for a while: nothing is acknowledged meanwhile, nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuits import bell
from fault_run import IS_LONG
from job_submitters import JobSubmitters, assert_each_ran_once, ended
from postgresql_server import PostgresqlServer
from qiskit.providers import JobStatus
from server_process import ServerProcess, configured_server, wait_until

from longwire import RemoteProvider
from longwire.v1.job_pb2 import JobState

# Longer than a lease: an attempt that goes on is not lost with the database.
AWAY_SECONDS = 30.0 if IS_LONG else 4.0
CONFIG = """
[server]
drain_grace_seconds = 0.2
lease_seconds = 1

[store]
url = "{url}"

[[pool]]
name = "default"
processes = 2

[[backend]]
name = "device"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "simulator"
factory = "gated_backend:GatedBackend"
max_attempts = 3
"""


@pytest.fixture
def server(postgresql: PostgresqlServer, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that keeps its jobs in PostgreSQL."""
    with (
        postgresql.database() as url,
        configured_server(tmp_path / "data", CONFIG.format(url=url)) as running,
    ):
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_database_that_is_gone_for_longer_than_a_lease_costs_no_acknowledged_job(
    postgresql: PostgresqlServer,
    server: ServerProcess,
    provider: RemoteProvider,
    gate: Path,
    how: str,
) -> None:
    gated = provider.get_backend("device").run(bell(), shots=10, gate=str(gate))
    wait_until(gated.running)
    with JobSubmitters(server.address, "device") as submitters:
        wait_until(lambda: len(submitters.acknowledged) >= 20)
        if how == "stopped":
            postgresql.stop()
        else:
            postgresql.kill()
        try:
            # As long as it is said to be gone: it is the duration that matters here.
            assert not threading.Event().wait(AWAY_SECONDS / 2)
            gate.touch()
            assert not threading.Event().wait(AWAY_SECONDS / 2)
            wait_until(lambda: submitters.refusals.total() > 0)
            # Its end is not told before it is recorded.
            told = len(submitters.acknowledged)
        finally:
            postgresql.start()
        wait_until(lambda: len(submitters.acknowledged) >= told + 20)
    assert set(submitters.refusals) == {"STORE_UNAVAILABLE"}
    assert gated.result(timeout=60).success
    submitters.acknowledged["of the provider"] = gated.job_id()
    assert_each_ran_once(server.address, submitters)
    assert "Traceback" not in server.log()


def test_database_that_stands_still_is_waited_for(
    postgresql: PostgresqlServer, server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    gated = provider.get_backend("device").run(bell(), shots=10, gate=str(gate))
    wait_until(gated.running)
    with JobSubmitters(server.address, "device") as submitters:
        wait_until(lambda: len(submitters.acknowledged) >= 20)
        with postgresql.standing_still():
            told = len(submitters.acknowledged)
            gate.touch()
            assert not threading.Event().wait(AWAY_SECONDS / 2)
            # One commit may have been under way, with the request of each thread.
            assert len(submitters.acknowledged) <= told + 2
            # What needs no database is answered.
            assert provider.get_backend("device").status().operational
            assert gated.status() is JobStatus.RUNNING
        wait_until(lambda: len(submitters.acknowledged) >= told + 20)
    assert set(submitters.refusals) <= {"STORE_UNAVAILABLE"}
    assert gated.result(timeout=60).success
    submitters.acknowledged["of the provider"] = gated.job_id()
    assert_each_ran_once(server.address, submitters)


def test_server_that_stops_while_its_database_is_gone_leaves_its_jobs_to_the_next(
    postgresql: PostgresqlServer, server: ServerProcess, gate: Path, tmp_path: Path
) -> None:
    config = (tmp_path / "data" / "longwire-server.toml").read_text()
    with RemoteProvider(server.address) as provider:
        backend = provider.get_backend("simulator")
        jobs = [backend.run(bell(), shots=10, gate=str(gate)) for _ in range(4)]
        wait_until(lambda: [job.running() for job in jobs] == [True, True, False, False])
    postgresql.stop()
    try:
        assert server.terminate() == 0
        with (
            pytest.raises(RuntimeError, match=r"longwire-server: .*postgresql.*refused"),
            configured_server(tmp_path / "data", config),
        ):
            pass
    finally:
        postgresql.start()
    gate.touch()
    with configured_server(tmp_path / "data", config) as later:
        ends = ended(later.address, [job.job_id() for job in jobs])
    assert [job.status.status for job in ends] == [JobState.JOB_STATE_DONE] * 4
    assert [job.attempt for job in ends] == [2, 2, 1, 1]
