"""What tests of several tiers share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from postgresql_server import PostgresqlMissingError, PostgresqlServer

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As where a shell began the tests in the background: the programs that they start
    # would ignore it too, and some are to be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("longwire", deadline=None)
hypothesis.settings.load_profile("longwire")


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache for this run alone, in place of the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LONGWIRE_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def config_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for saved accounts for this run alone, in place of the user's own."""
    folder = tmp_path_factory.mktemp("config")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LONGWIRE_CONFIG_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server, in which each test makes databases of its own."""
    try:
        server = PostgresqlServer()
    except PostgresqlMissingError as missing:
        pytest.skip(str(missing))
    yield server
    server.remove()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A gate for ``tests/drivers/gated_backend.py``, open at the latest when the test is over."""
    path = tmp_path / "gate"
    yield path
    path.touch()
