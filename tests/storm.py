"""A storm: servers and workers that are killed at random while clients are at work."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import random
import signal
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from job_audit import Record, Stored, stored_jobs
from payload_files import make_old, payload_files, referred_files
from riding_client import work_through_a_storm
from server_process import DRIVERS, START_SECONDS, ServerProcess, wait_until

CLIENT_PROCESSES = 2
CLIENT_THREADS = 2
# The kernel ends a worker with its server. Within 2 s, and as long again where this
# machine has other things to do.
ORPHAN_SECONDS = 2.0
_SLACK = 2.0
# Between two blows the clients hear of so many changes at most, or wait so long.
_MOST_RECORDS = 40
_PATIENCE_SECONDS = 10.0
# It goes on until they have heard of so much.
_LEAST_RECORDS = 100


@dataclasses.dataclass(slots=True)
class Damage:
    """What a storm did."""

    servers_killed: int = 0
    workers_killed: int = 0
    # How long the last worker of a killed server lived on, in seconds.
    longest_orphan_seconds: float = 0.0


class Storm:
    """Kills whatever belongs to one server after the other, for a while.

    Args:
        data_dir: the servers' data.
        config: the path of their configuration.
        url: of their store.
        seed: of all that is drawn.
    """

    def __init__(self, data_dir: Path, config: Path, url: str, seed: int) -> None:
        self._data_dir = data_dir
        self._config = config
        self._url = url
        self._draw = random.Random(seed)
        self._seed = seed
        self._heard = data_dir / "heard"
        self.damage = Damage()
        self.address = "localhost:0"
        self._start()

    def _start(self) -> None:
        path = os.pathsep.join([str(DRIVERS), os.environ.get("PYTHONPATH", "")])
        self._server = ServerProcess(
            self._data_dir,
            ["--config", str(self._config)],
            address=self.address,
            environment={"PYTHONPATH": path},
        )
        self.address = self._server.address

    def rage(self, seconds: float) -> list[Record]:
        """Kills for so long, then waits until the clients have what they began.

        Returns:
            What the clients were told.
        """
        over = self._data_dir / "over"
        self._heard.touch()
        spawn = multiprocessing.get_context("spawn")
        with (
            ProcessPoolExecutor(CLIENT_PROCESSES, spawn) as processes,
            ThreadPoolExecutor(CLIENT_THREADS) as threads,
        ):
            # The test's own threads share one process, the others have one each.
            pools = [processes] * CLIENT_PROCESSES + [threads] * CLIENT_THREADS
            clients: list[Future[list[Record]]] = [
                pool.submit(
                    work_through_a_storm, self.address, self._seed + number, over, self._heard
                )
                for number, pool in enumerate(pools)
            ]
            try:
                self._strike_for(seconds)
            finally:
                over.touch()
            return [record for client in clients for record in client.result(3 * START_SECONDS)]

    def calm(self) -> list[Stored]:
        """Restarts once more, and returns the jobs of the store.

        The files to which nothing refers are then gone: half-written ones, and those of
        a server that was killed between a file and its commit.
        """
        self.end()
        make_old(self._data_dir)
        self._start()
        wait_until(lambda: payload_files(self._data_dir) == referred_files(self._url))
        return stored_jobs(self._url)

    def end(self) -> None:
        """Kills the server that runs, and sees to its workers' end."""
        workers = self._server.worker_pids()
        self._server.process.kill()
        self._server.wait()
        died = time.monotonic()
        wait_until(lambda: not any(map(is_running, workers)), ORPHAN_SECONDS * _SLACK)
        lived = time.monotonic() - died
        self.damage.longest_orphan_seconds = max(self.damage.longest_orphan_seconds, lived)

    def _strike_for(self, seconds: float) -> None:
        begun = time.monotonic()
        while time.monotonic() < begun + seconds or not self._was_enough:
            # On a machine that has other things to do, a start takes its time.
            assert time.monotonic() < begun + seconds + START_SECONDS, self.damage
            self._wait_for_prey()
            self._strike()

    @property
    def _was_enough(self) -> bool:
        """Whether it was a storm at all."""
        damage = self.damage
        return (
            damage.servers_killed >= 3
            and damage.workers_killed >= 2
            and self._heard.stat().st_size >= _LEAST_RECORDS
        )

    def _wait_for_prey(self) -> None:
        """Waits until the clients have heard something since the last blow, or for a while."""
        enough = self._heard.stat().st_size + self._draw.randrange(_MOST_RECORDS)
        patient_until = time.monotonic() + _PATIENCE_SECONDS
        while self._heard.stat().st_size < enough and time.monotonic() < patient_until:
            time.sleep(0.01)
        time.sleep(self._draw.uniform(0.0, 0.1))

    def _strike(self) -> None:
        workers = self._server.worker_pids()
        if workers and self._draw.random() < 0.5:
            # It may have ended meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._draw.choice(workers), signal.SIGKILL)
            self.damage.workers_killed += 1
            return
        self.end()
        self.damage.servers_killed += 1
        time.sleep(self._draw.uniform(0.0, 0.5))
        self._start()


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
