"""The floor of throughput: the server's own workers, driven without a server before them.

The same protocol as submitter.py; its threads are coroutines here, which wait for one of the
workers in turn. No network, no store, no queue: what is left is the worker and its pipe.
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop
from clients import SHOTS, bell

from longwire.run_spec import run_spec
from longwire_server.backends.registry import backend_specs
from longwire_server.config.loading import load_config
from longwire_server.execution.executor import AttemptListener, Executed, Worker
from longwire_server.execution.frames_pb2 import ProgramLimits
from longwire_server.execution.local_executor import LocalExecutor

BACKEND = "aer_simulator"


class Deaf(AttemptListener):
    """Listens to nothing."""

    def running(self) -> None:
        pass

    def progress(self, finished: int, total: int) -> None:
        pass

    def pub_finished(self, result: bytes) -> None:
        pass


class BareWorkers:
    """The workers of a server's built-in configuration."""

    def __init__(self) -> None:
        config = load_config(None, environment={})
        specs = [spec for spec in backend_specs(config) if spec.name == BACKEND]
        self._pool = specs[0].pool
        self._idle = asyncio.Event()
        self._executor = LocalExecutor(config.pools, specs, result_bytes=config.limits.result_bytes)
        self._spec = b""

    async def start(self) -> None:
        """Starts them, and writes the job as a client would."""
        await self._executor.start(lambda _pool: self._idle.set())
        loaded = await self._executor.describe(self._pool, BACKEND)
        spec = run_spec(loaded.backend, bell(), options={"shots": SHOTS})
        self._spec = spec.SerializeToString()

    async def run(self) -> None:
        """Runs the job once, on the next worker that is idle."""
        worker = await self._take()
        try:
            outcome = await worker.execute("bench", self._spec, b"", Deaf(), ProgramLimits())
            assert isinstance(outcome, Executed), outcome
        finally:
            self._executor.release(self._pool, worker)
            self._idle.set()

    async def stop(self) -> None:
        await self._executor.stop()

    async def _take(self) -> Worker:
        while True:
            worker = self._executor.take(self._pool, BACKEND, "default")
            if worker is not None:
                return worker
            self._idle.clear()
            await self._idle.wait()


async def turn(workers: BareWorkers, submitters: int, seconds: float) -> tuple[int, float]:
    """As in submitter.py."""
    finished = 0
    begun = time.perf_counter()

    async def work() -> None:
        nonlocal finished
        while time.perf_counter() - begun < seconds:
            await workers.run()
            finished += 1

    await asyncio.gather(*(work() for _ in range(submitters)))
    return finished, time.perf_counter() - begun


async def main() -> None:
    workers = BareWorkers()
    await workers.start()
    await asyncio.gather(*(workers.run() for _ in range(8)))
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        submitters, seconds = line.split()
        print(*await turn(workers, int(submitters), float(seconds)), flush=True)
    await workers.stop()


if __name__ == "__main__":
    uvloop.run(main())
