"""Every store, empty, for the suite that all of them pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgresql_server import PostgresqlServer
from stored_jobs import Suite, with_open

from longwire_server.store.job_store import JobStore
from longwire_server.store.memory_job_store import MemoryJobStore
from longwire_server.store.payload_files import PayloadFiles
from longwire_server.store.sql_job_store import SqlJobStore


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/jobs.db"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    with server.bare_database() as name:
        yield server.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database for a store; SQLite's tables come when it is opened."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/jobs.db"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    with server.database() as url:
        yield url


@pytest.fixture(params=["memory", "sqlite-process", "sqlite-power", "sqlite-files", "postgresql"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], JobStore]]:
    """Makes a store that is not yet open; each one finds what the last one left, if it is kept."""
    if request.param == "memory":
        yield MemoryJobStore
    elif request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        with server.database() as url:
            yield lambda: SqlJobStore(url)
    elif request.param == "sqlite-files":
        # Every payload that is not empty is in a file.
        yield lambda: SqlJobStore(
            f"sqlite:///{tmp_path}/jobs.db",
            files=PayloadFiles(f"{tmp_path}/payloads", above_bytes=0),
        )
    else:
        url = f"sqlite:///{tmp_path}/jobs.db"
        durability = "power" if request.param == "sqlite-power" else "process"
        yield lambda: SqlJobStore(url, durability=durability)


@pytest.fixture
def with_store(make_store: Callable[[], JobStore]) -> Suite:
    """Runs a coroutine function on an open store, empty at first."""
    return lambda body: asyncio.run(with_open(make_store(), body))
