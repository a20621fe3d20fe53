"""Servers that keep their jobs in PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuits import bell
from postgresql_server import PostgresqlServer
from server_process import ServerProcess, configured_server, wait_until

from longwire import RemoteProvider
from longwire.errors import ServerBusyError

CONFIG = """
[server]
drain_grace_seconds = 0
lease_seconds = 2

[store]
url = "{url}"

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
def url(postgresql: PostgresqlServer) -> Iterator[str]:
    """A database with all tables."""
    with postgresql.database() as url:
        yield url


@pytest.fixture
def server(url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that keeps its jobs there."""
    with configured_server(tmp_path / "first", CONFIG.format(url=url)) as running:
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


def longwire_server(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "longwire_server", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_jobs_are_there_after_a_restart_and_queued_ones_run(
    server: ServerProcess, provider: RemoteProvider, url: str, gate: Path, tmp_path: Path
) -> None:
    done = provider.get_backend("aer_simulator").run(bell(), shots=100, seed_simulator=3)
    counts = done.result().get_counts()
    gated = provider.get_backend("gated")
    running = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(running.running)
    queued = gated.run(bell(), shots=10, job_name="waits", job_tags=["Ψ"])
    server.kill()
    # From another data directory: nothing of a job is kept there.
    with configured_server(
        tmp_path / "second", CONFIG.format(url=url), address=server.address
    ) as later:
        gate.touch()
        with RemoteProvider(later.address) as after:
            assert after.job(queued.job_id()).result(timeout=60).success
            assert after.job(done.job_id()).result().get_counts() == counts
            assert [job.name() for job in after.jobs(tag="Ψ")] == ["waits"]


def test_database_that_is_away_is_told_and_needs_no_restart_when_it_is_back(
    postgresql: PostgresqlServer, server: ServerProcess, provider: RemoteProvider
) -> None:
    backend = provider.get_backend("aer_simulator")
    before = backend.run(bell(), shots=100, seed_simulator=3)
    counts = before.result().get_counts()
    postgresql.stop()
    hasty = RemoteProvider(server.address, timeout_seconds=2)
    try:
        for call in (
            lambda: hasty.get_backend("aer_simulator").run(bell(), shots=10),
            lambda: hasty.job(before.job_id()),
            hasty.jobs,
        ):
            with pytest.raises(ServerBusyError) as caught:
                call()
            assert caught.value.reason == "STORE_UNAVAILABLE"
    finally:
        postgresql.start()
        hasty.close()
    assert backend.run(bell(), shots=10).result(timeout=60).success
    assert provider.job(before.job_id()).result().get_counts() == counts
    assert len(provider.jobs()) == 2


def test_database_without_tables_is_refused_until_migrate_made_them(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    with postgresql.bare_database() as name:
        config = CONFIG.format(url=postgresql.url(name))
        with (
            pytest.raises(RuntimeError, match="create them with longwire-server migrate"),
            configured_server(tmp_path / "data", config),
        ):
            pass
        path = str(tmp_path / "data" / "longwire-server.toml")
        made, again = (longwire_server("migrate", "--config", path) for _ in range(2))
        assert made.returncode == again.returncode == 0
        assert f"{postgresql.url(name)}: schema none -> " in made.stdout
        assert "up to date" in again.stdout
        with (
            configured_server(tmp_path / "data", config) as running,
            RemoteProvider(running.address) as provider,
        ):
            assert provider.get_backend("aer_simulator").run(bell(), shots=10).result().success


def test_migrate_of_a_file_that_a_server_uses_is_refused(tmp_path: Path) -> None:
    config = CONFIG.format(url="sqlite:///{data_dir}/longwire.db")
    with configured_server(tmp_path / "data", config):
        refused = longwire_server("migrate", "--data-dir", str(tmp_path / "data"))
        assert refused.returncode == 1
        assert "another server uses the directory" in refused.stderr
    done = longwire_server("migrate", "--data-dir", str(tmp_path / "data"))
    assert "up to date" in done.stdout
