"""Servers in processes of their own, which say on one line where they listen."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that runs."""

    address: str
    pid: int


@contextlib.contextmanager
def process(*arguments: str, kill: bool = False) -> Iterator[Server]:
    """Runs ``python ARGUMENTS`` until the end of the block.

    Args:
        arguments: of Python.
        kill: ends it at once, for a server that would wait for its jobs.
    """
    running = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline().strip()
        if not line.startswith("listening on "):
            raise RuntimeError(f"python {' '.join(arguments)} did not start: {line!r}")
        yield Server(line.removeprefix("listening on "), running.pid)
    finally:
        if kill:
            running.kill()
        else:
            running.terminate()
        running.wait(60)


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[str]:
    """Runs ``python ARGUMENTS`` and yields the address that it prints."""
    with process(*arguments) as running:
        yield running.address


@contextlib.contextmanager
def raw_server() -> Iterator[Server]:
    """The floor of every call: a ``grpc.aio`` server without anything behind it."""
    with process(str(HERE / "raw_server.py")) as running:
        yield running


@contextlib.contextmanager
def longwire_server(config: str = "", *, kill: bool = False) -> Iterator[Server]:
    """A Longwire server with an empty store.

    Args:
        config: its configuration, TOML; empty for what is built in.
        kill: as in :func:`process`.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "longwire_server", "serve", "--address", "localhost:0"]
        command += ["--data-dir", str(Path(folder) / "data")]
        if config:
            path = Path(folder) / "longwire-server.toml"
            path.write_text(config)
            command += ["--config", str(path)]
        with process(*command, kill=kill) as running:
            yield running
