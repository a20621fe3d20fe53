"""What attempts took is recorded with their jobs, once, whatever the store and the workers do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from scripted_server import TENANT, ScriptedServer, ScriptedWorker, spec_for
from stored_jobs import make_job

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.executor import Executed, Failed
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.live_jobs import LiveJobs
from longwire_server.jobs.unfinished_jobs import UnfinishedJobs
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.server_beat import ServerBeat
from longwire_server.store.usage import Usage

# Generous: other work may load the machine.
LIMIT_SECONDS = 60.0
RESULT = EncodedResult(data=b"counts").SerializeToString()
JOB_NOT_FOUND = ErrorReason.ERROR_REASON_JOB_NOT_FOUND

Body = Callable[[ScriptedServer], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Body], None]:
    """Runs a coroutine function on a server with one worker."""

    async def main(body: Body) -> None:
        server = ScriptedServer(f"sqlite:///{tmp_path}/jobs.db", Counter(), num_workers=1)
        async with asyncio.timeout(LIMIT_SECONDS):
            await server.store.open()
            await server.manager.start("first")
            await body(server)
            server.store.work()
            await server.manager.drain(0.0)
            await server.store.close()

    return lambda body: asyncio.run(main(body))


async def submitted(server: ScriptedServer, backend_name: str = "simulator") -> str:
    submission = await server.manager.submit(TENANT, spec_for(backend_name), "")
    return submission.job.job_id


async def busy(server: ScriptedServer) -> ScriptedWorker:
    """The worker, once it has an attempt."""
    while True:
        if server.executor.busy:
            return server.executor.busy[0]
        await asyncio.sleep(0.001)


async def ended(server: ScriptedServer, job_id: str) -> JobState.ValueType:
    """The state in which a job ends."""
    async for events in server.manager.watch(TENANT, job_id, 0):
        last = events[-1]
    return last.finished.job.status.status


async def used(server: ScriptedServer) -> Usage:
    (usage,) = await server.store.usage.of(TENANT)
    return usage


@pytest.mark.parametrize("trouble", ["nothing", "fail", "lose_answers"])
def test_job_is_metered_once_whatever_becomes_of_its_confirmation(
    run: Callable[[Body], None], trouble: str
) -> None:
    async def body(server: ScriptedServer) -> None:
        job_id = await submitted(server)
        worker = await busy(server)
        if trouble != "nothing":
            getattr(server.store, trouble)("update")
        worker.end(Executed(RESULT, shots=123))
        if trouble != "nothing":
            await server.store.failed(3)
            server.store.work()
        assert await ended(server, job_id) == JobState.JOB_STATE_DONE
        usage = await used(server)
        assert (usage.backend_name, usage.jobs, usage.shots) == ("simulator", 1, 123)
        assert usage.worker_us > 0

    run(body)


def test_attempts_that_are_lost_or_fail_or_are_cancelled_count_their_time(
    run: Callable[[Body], None],
) -> None:
    async def body(server: ScriptedServer) -> None:
        job_id = await submitted(server)
        (await busy(server)).kill()
        again = await busy(server)
        lost = await used(server)
        assert (lost.jobs, lost.shots) == (0, 0)
        assert lost.worker_us > 0
        again.end(Failed(ErrorReason.ERROR_REASON_EXECUTION_FAILED, "no"))
        assert await ended(server, job_id) == JobState.JOB_STATE_ERROR
        failed = await used(server)
        assert failed.jobs == 1
        assert failed.worker_us > lost.worker_us
        job_id = await submitted(server)
        await busy(server)
        await server.manager.cancel(TENANT, job_id)
        cancelled = await used(server)
        assert cancelled.jobs == 2
        assert cancelled.worker_us > failed.worker_us

    run(body)


def test_job_that_is_cancelled_in_the_queue_counts_no_time(run: Callable[[Body], None]) -> None:
    async def body(server: ScriptedServer) -> None:
        await submitted(server)
        worker = await busy(server)
        await server.manager.cancel(TENANT, await submitted(server, "device"))
        device = Usage(TENANT, (await used(server)).day, "device", jobs=1)
        assert await server.store.usage.of(TENANT) == [device]
        worker.end(Executed(RESULT))

    run(body)


def test_number_of_shots_that_no_database_holds_is_cut(run: Callable[[Body], None]) -> None:
    async def body(server: ScriptedServer) -> None:
        job_id = await submitted(server)
        (await busy(server)).end(Executed(RESULT, shots=2**64 - 1))
        assert await ended(server, job_id) == JobState.JOB_STATE_DONE
        assert 0 < (await used(server)).shots < 2**63

    run(body)


def test_live_job_of_another_tenant_is_not_there_for_its_watchers(
    run: Callable[[Body], None],
) -> None:
    async def body(server: ScriptedServer) -> None:
        job_id = await submitted(server)
        worker = await busy(server)
        with pytest.raises(RequestRefusedError) as caught:
            async for _ in server.manager.watch("chemistry", job_id, 0):
                pass
        assert caught.value.reason == JOB_NOT_FOUND
        worker.end(Executed(RESULT))

    run(body)


def test_unfinished_jobs_of_all_servers_count(run: Callable[[Body], None]) -> None:
    async def body(server: ScriptedServer) -> None:
        servers = server.store.servers
        await servers.register(ServerBeat("there", "1", 30.0))
        owners = ["there", "there", "here", "there"]
        for number, owner in enumerate(owners):
            tenant = "chemistry" if number == 3 else "physics"
            await server.store.add(make_job(number, tenant=tenant, lease_owner=owner), b"")
        await servers.register(ServerBeat("here", "2", 30.0))
        live = LiveJobs()
        unfinished = UnfinishedJobs(live, servers, lambda: "here")
        live.remember(LiveJob(make_job(2, lease_owner="here"), b""))
        assert unfinished.of("physics") == 1
        await unfinished.count()
        assert (unfinished.of("physics"), unfinished.of("chemistry")) == (3, 1)
        assert unfinished.of("biology") == 0

    run(body)


def test_jobs_of_a_tenant_are_counted_as_they_come_and_go() -> None:
    async def body() -> None:
        live = LiveJobs()
        jobs = [LiveJob(make_job(number), b"") for number in range(2)]
        for job in (*jobs, jobs[0]):
            live.remember(job)
        assert (live.num_of("physics"), live.num_of("chemistry")) == (2, 0)
        for job in (jobs[0], *jobs):
            live.forget(job)
        assert live.num_of("physics") == 0

    asyncio.run(body())
