"""The sandbox where it cannot be whole: on a kernel without Landlock, around the data directory."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import without_landlock
from circuits import bell
from server_process import ServerProcess, configured_server, wait_until_loaded

from longwire import RemoteProvider
from longwire.errors import BackendNotOperationalError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")

CONFIG = """
[[pool]]
name = "default"
processes = 1
network = false
paths_read = [{paths}]
sandbox = "{sandbox}"

[[backend]]
name = "sealed"
factory = "hostile_backend:HostileBackend"
"""
OLD_KERNEL = [sys.executable, without_landlock.__file__]


def outcome(server: ServerProcess, deed: str, argument: object = "") -> str:
    """What came of a deed in a worker."""
    with RemoteProvider(server.address) as provider:
        job = provider.get_backend("sealed").run(bell(), deed=deed, argument=str(argument))
        return str(job.result().results[0].header["outcome"])


def test_server_whose_pool_requires_the_sandbox_does_not_start_without_landlock(
    tmp_path: Path,
) -> None:
    config = CONFIG.format(paths="", sandbox="required")
    with (
        pytest.raises(RuntimeError, match="did not start") as caught,
        configured_server(tmp_path, config, prefix=OLD_KERNEL),
    ):
        pass
    assert 'pool default has sandbox = "required", but the kernel has no Landlock' in str(
        caught.value
    )


def test_backend_whose_worker_cannot_be_sealed_as_required_says_why(tmp_path: Path) -> None:
    config = CONFIG.format(paths=f'"{tmp_path}"', sandbox="required")
    with (
        configured_server(tmp_path, config) as server,
        RemoteProvider(server.address) as provider,
        pytest.raises(BackendNotOperationalError, match="belongs to the server alone") as caught,
    ):
        provider.get_backend("sealed").run(bell())
    assert 'sandbox = "required"' in str(caught.value)


def test_pool_that_takes_what_there_is_says_what_is_missing(tmp_path: Path) -> None:
    config = CONFIG.format(paths="", sandbox="auto")
    with configured_server(tmp_path, config, prefix=OLD_KERNEL) as server:
        # What does without Landlock holds still.
        assert outcome(server, "connect", server.address) == f"PermissionError: {errno.EPERM}"
        assert outcome(server, "read", tmp_path / "longwire.db") != ""
        assert "the kernel has no Landlock" in server.log()


@pytest.fixture
def around(tmp_path: Path) -> Iterator[tuple[ServerProcess, Path]]:
    """A server whose data directory lies in one that its drivers may read."""
    shared = tmp_path / "shared"
    (shared / "tables" / "old").mkdir(parents=True)
    for path in (shared / "notes", shared / "tables" / "old" / "notes"):
        path.write_text("mine")
    config = CONFIG.format(paths=f'"{shared}"', sandbox="required")
    with configured_server(shared / "data", config) as server:
        wait_until_loaded(server)
        yield server, shared


def test_data_directory_within_an_allowed_one_stays_hidden(
    around: tuple[ServerProcess, Path],
) -> None:
    server, shared = around
    for path in (shared / "notes", shared / "tables" / "old" / "notes"):
        assert outcome(server, "read", path) == b"mine".hex()
    for name in ("longwire.db", "longwire-server.toml", "server.log"):
        assert (shared / "data" / name).exists()
        assert outcome(server, "read", shared / "data" / name) == f"PermissionError: {errno.EACCES}"
