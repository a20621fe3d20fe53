"""Pools whose workers run the jobs of one tenant alone, without a server around them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from circuits import bell
from server_process import DRIVERS, START_SECONDS

from longwire.codecs.program import program_to_proto
from longwire.v1.job_pb2 import JobSpec
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution.executor import AttemptListener, Executed
from longwire_server.execution.frames_pb2 import ProgramLimits, WorkerSettings
from longwire_server.execution.worker_pool import WorkerPool
from longwire_server.execution.worker_process import WorkerProcess

SETTINGS = WorkerSettings(
    backend_specs=[BackendSpec(name="hostile", target="hostile_backend:HostileBackend").to_json()],
    threads=1,
    loaded_backends=1,
    result_bytes=1 << 20,
    sandbox="auto",
    network=True,
    subprocesses=True,
)
JOB = JobSpec(backend_name="hostile", program=program_to_proto(bell())).SerializeToString()

Body = Callable[["Pool"], Awaitable[None]]


class Pool:
    """A pool of one worker at a time, and a way to wait for it."""

    def __init__(self, *, keeps_tenants_apart: bool = True) -> None:
        self._idle = asyncio.Event()
        self.pool = WorkerPool(
            "apart", 1, SETTINGS, self._idle.set, keeps_tenants_apart=keeps_tenants_apart
        )

    async def take(self, tenant: str) -> WorkerProcess:
        """The worker for a tenant's job, as soon as there is one."""
        while (worker := self.pool.take("hostile", tenant)) is None:
            self._idle.clear()
            await self._idle.wait()
        return worker

    async def run(self, tenant: str) -> int:
        """Runs a tenant's job; the process id of its worker."""
        worker = await self.take(tenant)
        outcome = await worker.execute("job", JOB, b"", _Silence(), ProgramLimits())
        assert isinstance(outcome, Executed), outcome
        self.pool.release(worker)
        return worker.pid


class _Silence(AttemptListener):
    def running(self) -> None: ...

    def progress(self, finished: int, total: int) -> None: ...

    def pub_finished(self, result: bytes) -> None: ...


@pytest.fixture
def with_pool(monkeypatch: pytest.MonkeyPatch) -> Callable[[Body], None]:
    """Runs a coroutine function on a pool that keeps tenants apart."""
    monkeypatch.setenv("PYTHONPATH", str(DRIVERS))

    def run(body: Body) -> None:
        async def main() -> None:
            pool = Pool()
            try:
                async with asyncio.timeout(START_SECONDS):
                    await body(pool)
            finally:
                await pool.pool.stop()

        uvloop.run(main())

    return run


def test_worker_of_one_tenant_never_runs_a_job_of_another(
    with_pool: Callable[[Body], None],
) -> None:
    async def body(pool: Pool) -> None:
        first = await pool.run("physics")
        assert await pool.run("physics") == first
        second = await pool.run("chemistry")
        third = await pool.run("physics")
        assert len({first, second, third}) == 3

    with_pool(body)


def test_spare_worker_describes_backends_and_takes_the_place_of_another_tenants(
    with_pool: Callable[[Body], None],
) -> None:
    async def body(pool: Pool) -> None:
        await pool.run("physics")
        described = await pool.pool.describe("hostile")
        assert described.backend.name == "hostile"
        [worker] = [each for each in pool.pool._alive if each.tenant == "physics"]
        [spare] = pool.pool._alive - {worker}
        assert spare.tenant is None
        assert spare.loaded == {"hostile"}
        # A busy one is not replaced.
        assert pool.pool.take("hostile", "physics") is worker
        assert pool.pool.take("hostile", "chemistry") is None
        assert worker.is_usable
        pool.pool.release(worker)
        assert pool.pool.take("hostile", "chemistry") is spare
        assert not worker.is_usable

    with_pool(body)
