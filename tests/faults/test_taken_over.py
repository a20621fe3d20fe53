"""Jobs that other servers have taken over or want cancelled, and of which this one was not told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgresql_server import PostgresqlServer
from scripted_server import TENANT, ScriptedServer, spec_for

from longwire.v1.job_pb2 import JobState
from longwire_server.store.job import Job

# Generous: other work may load the machine.
LIMIT_SECONDS = 60.0

Body = Callable[["Scene"], Awaitable[None]]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.005)


class Scene:
    """A server with one worker, and a way to write what another server would."""

    def __init__(self, server: ScriptedServer, url: str) -> None:
        self.server = server
        self._url = url

    async def running(self) -> str:
        """A job of which the first attempt runs and is recorded."""
        spec = spec_for("simulator")
        job_id = (await self.server.manager.submit(TENANT, spec, "")).job.job_id
        await until(lambda: bool(self.server.executor.busy))
        while (await self.recorded(job_id)).attempt != 1:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.005)
        return job_id

    async def recorded(self, job_id: str) -> Job:
        job = await self.server.store.get(TENANT, job_id)
        assert job is not None
        return job

    def write(self, statement: str) -> None:
        """Changes the database, of which nobody is told."""
        engine = sa.create_engine(self._url)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def take_over(self) -> None:
        """Another server takes the job for its own, and begins it again."""
        self.write("UPDATE jobs SET attempt = 2, lease_owner = 'other'")


@asynccontextmanager
async def scene(url: str, lease_seconds: float) -> AsyncIterator[Scene]:
    server = ScriptedServer(url, Counter(), num_workers=1, lease_seconds=lease_seconds)
    await server.store.open()
    await server.manager.start("first")
    try:
        yield Scene(server, url)
    finally:
        await server.manager.drain(0.0)
        await server.store.close()


def run(url: str, body: Body, *, lease_seconds: float = 300.0) -> None:
    async def main() -> None:
        async with scene(url, lease_seconds) as opened:
            await body(opened)

    asyncio.run(main())


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.db"


def test_attempt_that_is_lost_after_another_server_has_taken_it_over_changes_nothing(
    url: str,
) -> None:
    async def body(scene: Scene) -> None:
        job_id = await scene.running()
        scene.take_over()
        theirs = await scene.recorded(job_id)
        scene.server.executor.busy[0].kill()
        await until(lambda: scene.server.executor.has_idle)
        assert await scene.recorded(job_id) == theirs
        # Neither does it wait here for another attempt.
        other = await scene.running()
        assert scene.server.executor.busy[0].job_id == other

    run(url, body)


def test_worker_of_an_attempt_that_another_server_has_taken_over_is_stopped(url: str) -> None:
    async def body(scene: Scene) -> None:
        job_id = await scene.running()
        scene.take_over()
        theirs = await scene.recorded(job_id)
        # The next renewal of its lease is refused.
        await until(lambda: scene.server.executor.has_idle)
        assert await scene.recorded(job_id) == theirs

    run(url, body, lease_seconds=0.3)


def test_cancel_of_which_a_server_was_not_told_is_found_when_it_listens_again(
    postgresql: PostgresqlServer,
) -> None:
    async def body(scene: Scene) -> None:
        job_id = await scene.running()
        scene.write("UPDATE jobs SET cancel_requested = 1")
        # It may have yet to begin to listen.
        await until(lambda: bool(postgresql.execute(end_listening)))
        await until(lambda: scene.server.executor.has_idle)
        assert (await scene.recorded(job_id)).state == JobState.JOB_STATE_CANCELLED

    with postgresql.database() as url:
        end_listening = (
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            f" WHERE query = 'LISTEN longwire_jobs' AND datname = '{sa.make_url(url).database}'"
        )
        run(url, body)
