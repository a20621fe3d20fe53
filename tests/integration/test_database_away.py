"""What a user sees of a database that is away for a while: nothing but waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from circuits import bell
from postgresql_server import PostgresqlServer
from qiskit.providers import JobStatus
from server_process import ServerProcess, configured_server, wait_until, wait_until_loaded

from longwire import RemoteProvider
from longwire.errors import ServerBusyError

GRACE_SECONDS = 1.0
# The end of a server whose database is away takes a little longer than its grace
# period. Far less than this; other work may load the machine.
END_SECONDS = 30.0
CONFIG = """
[server]
drain_grace_seconds = 1

[store]
url = "{url}"

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
max_attempts = 3

[[backend]]
name = "aer_simulator"
"""


@pytest.fixture
def url(postgresql: PostgresqlServer) -> Iterator[str]:
    """A database with all tables, which runs at the end of the test."""
    with postgresql.database() as url:
        yield url
        postgresql.start()


@pytest.fixture
def server(url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that keeps its jobs there."""
    with configured_server(tmp_path / "data", CONFIG.format(url=url)) as running:
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


def test_job_that_is_submitted_while_the_database_is_away_is_recorded_once_when_it_is_back(
    postgresql: PostgresqlServer, server: ServerProcess, provider: RemoteProvider
) -> None:
    backend = provider.get_backend("aer_simulator")
    assert backend.run(bell(), shots=10).result(timeout=60).success
    postgresql.stop()
    with ThreadPoolExecutor(1) as threads:
        submitting = threads.submit(backend.run, bell(), shots=10)
        wait_until(lambda: "is it recorded?" in server.log())
        assert not submitting.done()
        postgresql.start()
        assert submitting.result(60).result(timeout=60).success
    assert len(provider.jobs()) == 2


def test_queued_job_is_cancelled_when_the_database_is_back(
    postgresql: PostgresqlServer, server: ServerProcess, provider: RemoteProvider, gate: Path
) -> None:
    gated = provider.get_backend("gated")
    running = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(running.running)
    queued = gated.run(bell(), shots=10)
    postgresql.stop()
    canceller = threading.Thread(target=queued.cancel)
    canceller.start()
    wait_until(lambda: queued.job_id() in server.log())
    assert queued.status() is JobStatus.QUEUED
    postgresql.start()
    canceller.join(60)
    assert queued.status() is JobStatus.CANCELLED
    gate.touch()
    assert running.result(timeout=60).success


def test_server_that_is_told_to_stop_while_the_database_is_away_ends_and_loses_nothing(
    postgresql: PostgresqlServer,
    url: str,
    server: ServerProcess,
    provider: RemoteProvider,
    gate: Path,
    tmp_path: Path,
) -> None:
    gated = provider.get_backend("gated")
    done = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(done.running)
    queued = gated.run(bell(), shots=10)
    postgresql.stop()
    gate.touch()
    wait_until(lambda: f"job {done.job_id()}: what became of it" in server.log())
    begun = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - begun < GRACE_SECONDS + END_SECONDS
    assert "Traceback" not in server.log()
    postgresql.start()
    with configured_server(tmp_path / "data", CONFIG.format(url=url), address=server.address):
        for job in (done, queued):
            assert job.result(timeout=60).success


def test_user_who_waits_no_longer_is_told_that_the_job_may_have_been_recorded(
    postgresql: PostgresqlServer, server: ServerProcess
) -> None:
    wait_until_loaded(server)
    with RemoteProvider(server.address, timeout_seconds=3) as hasty:
        backend = hasty.get_backend("aer_simulator")
        assert backend.run(bell(), shots=10).result(timeout=60).success
        postgresql.stop()
        with pytest.raises(ServerBusyError) as caught:
            backend.run(bell(), shots=10)
    assert caught.value.reason == "STORE_UNAVAILABLE"
    assert "look at the latest jobs" in "".join(caught.value.__notes__)
