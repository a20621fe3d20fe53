"""Servers that follow each other on the same data and address, and die where a test says."""

from __future__ import annotations

import contextlib
import os
import signal
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

from job_audit import Record, Stored, stored_jobs
from payload_files import make_old, payload_files, referred_files
from server_process import DRIVERS, ServerProcess, wait_until

from longwire_server.failpoints import FAILPOINTS, VARIABLE


class ArmedServers:
    """One server after the other, each with every failpoint armed.

    Nothing happens at a failpoint until :meth:`arm` puts a file there, and then once.

    Args:
        directory: for the data and the files.
        config: in TOML; it may name the drivers of ``tests/drivers``, and ``{armed}`` stands
            for the directory of the files that arm failpoints.
        url: of the store, where it is not the data directory's own.

    Attributes:
        server: the one that runs now.
        records: what clients were told, of all servers.
    """

    def __init__(self, directory: Path, config: str, url: str = "") -> None:
        self._data = directory / "data"
        self._armed = directory / "armed"
        self._armed.mkdir(parents=True)
        self._config = directory / "longwire-server.toml"
        self._config.write_text(config.replace("{armed}", str(self._armed)))
        self._url = url or f"sqlite:///{self._data}/longwire.db"
        self._environment = {
            # Workers inherit it, as they do every variable that begins with PYTHON.
            "PYTHONPATH": os.pathsep.join([str(DRIVERS), os.environ.get("PYTHONPATH", "")]),
            VARIABLE: ",".join(f"{name}=kill@file:{self._armed / name}" for name in FAILPOINTS),
        }
        self.address = "localhost:0"
        self.records: list[Record] = []

    def __enter__(self) -> ArmedServers:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.end()

    def start(self) -> None:
        """Starts the next one."""
        self.server = ServerProcess(
            self._data,
            ["--config", str(self._config)],
            address=self.address,
            environment=self._environment,
        )
        self.address = self.server.address

    def start_and_die(self, name: str) -> None:
        """Starts one that dies at a failpoint before it serves, or soon after."""
        self.arm(name)
        # It does not start, where it dies so soon.
        with contextlib.suppress(RuntimeError):
            self.start()
            assert self.server.wait() == -signal.SIGKILL
        assert self.has_passed(name)

    def end(self) -> None:
        """Kills the one that runs, if there is one."""
        if self.server.process.poll() is None:
            self.server.kill()

    def arm(self, name: str) -> None:
        """The next process that passes a failpoint dies there."""
        (self._armed / name).touch()

    def has_passed(self, name: str) -> bool:
        """Whether that has happened."""
        return not (self._armed / name).exists()

    def restart_when_dead(self, name: str, work: list[Future[Any]]) -> None:
        """Waits until the server has died at a failpoint, and starts the next."""
        self.await_death(name, work)
        self.start()

    def await_death(self, name: str, work: list[Future[Any]]) -> None:
        """Waits until the server has died at a failpoint.

        Args:
            name: the failpoint.
            work: what is under way. It cannot end before without passing there.
        """
        process = self.server.process
        wait_until(lambda: process.poll() is not None or all(each.done() for each in work))
        assert self.has_passed(name), f"nobody passed {name}"
        assert self.server.wait() == -signal.SIGKILL

    def stored(self) -> list[Stored]:
        """The jobs in the store."""
        return stored_jobs(self._url)

    def payload_files(self) -> set[str]:
        """The names of the files of payloads, half-written ones included."""
        return payload_files(self._data)

    def referred_files(self) -> set[str]:
        """The names of those to which the store refers."""
        return referred_files(self._url)

    def let_files_age(self) -> None:
        """Lets them look as if they had been written hours ago."""
        make_old(self._data)
