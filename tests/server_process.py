"""A real server in a process of its own, for tests."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import grpc

from longwire.v1 import backend_service_pb2
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub

# Generous: other work may load the machine.
START_SECONDS = 120.0


class ServerProcess:
    """``longwire-server serve`` on a free port of this machine.

    Args:
        data_dir: where it keeps its jobs and its log.
        arguments: more arguments of the command.
        address: where it listens.
        environment: variables beside this process's own.
        prefix: what starts the command, such as a tracer that ends up as its child.
    """

    def __init__(
        self,
        data_dir: Path,
        arguments: Sequence[str] = (),
        *,
        address: str = "localhost:0",
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.log_path = data_dir / "server.log"
        command = [*prefix, sys.executable, "-m", "longwire_server", "serve", "--address", address]
        command += ["--data-dir", str(data_dir), *arguments]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LONGWIRE_")}
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**kept, **(environment or {})},
            )
        self.address = self._read_address()

    def _read_address(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline() if ready else ""
        if not line.startswith("listening on "):
            self.kill()
            raise RuntimeError(f"the server did not start: {line!r}\n{self.log()}")
        return line.removeprefix("listening on ").strip()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def worker_pids(self) -> list[int]:
        """The process ids of its workers."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def log(self) -> str:
        """What it has logged."""
        return self.log_path.read_text()

    def terminate(self) -> int:
        """Sends SIGTERM, waits, and returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Waits for its end and returns the exit code."""
        code = self.process.wait(START_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def kill(self) -> None:
        """Ends it at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.wait()


def resident_bytes(pid: int) -> int:
    """The memory that a process has now."""
    return _memory_bytes(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had so far."""
    return _memory_bytes(pid, "VmHWM")


def _memory_bytes(pid: int, kind: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{kind}:")[2].split()[0]) * 1024


@contextlib.contextmanager
def running_server(
    data_dir: Path,
    *arguments: str,
    address: str = "localhost:0",
    environment: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[ServerProcess]:
    """A server that is gone at the end of the block."""
    server = ServerProcess(
        data_dir, arguments, address=address, environment=environment, prefix=prefix
    )
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def wait_until_loaded(server: ServerProcess) -> None:
    """Waits until every backend is loaded: a call that asks for one waits only so long."""
    with grpc.insecure_channel(server.address) as channel:
        BackendServiceStub(channel).ListBackends(
            backend_service_pb2.ListBackendsRequest(),
            timeout=START_SECONDS,
            wait_for_ready=True,
        )


DRIVERS = Path(__file__).parent / "drivers"


@contextlib.contextmanager
def configured_server(
    data_dir: Path,
    config: str,
    *,
    address: str = "localhost:0",
    environment: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[ServerProcess]:
    """A server with a configuration in TOML, which may name the drivers of ``tests/drivers``."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "longwire-server.toml"
    path.write_text(config)
    # Workers inherit it, as they do every variable that begins with PYTHON.
    variables = {"PYTHONPATH": str(DRIVERS), **(environment or {})}
    with running_server(
        data_dir,
        "--config",
        str(path),
        address=address,
        environment=variables,
        prefix=prefix,
    ) as server:
        yield server


def refused_start(
    folder: Path, config: str, *, environment: Mapping[str, str] | None = None
) -> str:
    """What a server says that does not start with a configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "refused.toml"
    path.write_text(config)
    command = [sys.executable, "-m", "longwire_server", "serve", "--config", str(path)]
    command += ["--address", "localhost:0", "--data-dir", str(folder / "data")]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LONGWIRE_")}
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        env={**kept, **(environment or {})},
        check=False,
    )
    assert ended.returncode != 0
    return ended.stderr


def wait_until(condition: object, seconds: float = START_SECONDS) -> None:
    """Waits until a callable returns something true."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)
