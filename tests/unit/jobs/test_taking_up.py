"""A start, while the queue of before is still being taken up from the store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_server import TENANT, ScriptedServer, spec_for

from longwire.v1.account_pb2 import Quotas, Tenant
from longwire.v1.job_pb2 import JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.executor import Executed
from longwire_server.refusals import RequestRefusedError

LIMIT_SECONDS = 60.0
RESULT = EncodedResult(data=b"counts").SerializeToString()
QUEUED, DONE, CANCELLED, ERROR = (
    JobState.JOB_STATE_QUEUED,
    JobState.JOB_STATE_DONE,
    JobState.JOB_STATE_CANCELLED,
    JobState.JOB_STATE_ERROR,
)
ENDED = (DONE, CANCELLED, ERROR)


class Start:
    """A server that has one job running and more queued, and its next start.

    Attributes:
        server: the server of the present start.
        begun: how often each job has begun.
        job_ids: the jobs, the one that ran first.
    """

    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder}/jobs.db"
        self.begun: Counter[str] = Counter()
        self.server = self._server()
        self.job_ids: list[str] = []
        self.reads_late = False
        self.may_read, self.has_read, self.may_go_on = (asyncio.Event() for _ in range(3))

    def _server(self) -> ScriptedServer:
        return ScriptedServer(self._url, self.begun, num_workers=1)

    async def leave(self, num_jobs: int, backend: str = "simulator") -> None:
        """Leaves jobs to the next start."""
        await self.server.store.open()
        await self.server.manager.start("first")
        for _ in range(num_jobs):
            submission = await self.server.manager.submit(TENANT, spec_for(backend), "")
            self.job_ids.append(submission.job.job_id)

    async def open(self) -> None:
        """Opens the store for the next start."""
        await self.stop()
        self.begun.clear()
        self.server = self._server()
        await self.server.store.open()

    async def again(self) -> None:
        """Starts again; what waited is read, and not yet taken up."""
        owned = self.server.store.servers.owned

        async def owned_later(*arguments: Any, **named: Any) -> Any:
            if named["queued"] is False:
                return await owned(*arguments, **named)
            if self.reads_late:
                await self.may_read.wait()
            page = await owned(*arguments, **named)
            self.has_read.set()
            await self.may_go_on.wait()
            return page

        self.server.store.servers.owned = owned_later  # type: ignore[method-assign]
        await self.server.manager.start("first")

    async def state(self, job_id: str) -> JobState.ValueType:
        return (await self.server.manager.get(TENANT, job_id)).status.status

    async def until_begun(self, job_id: str) -> None:
        """Waits until an attempt runs, unless the job has ended."""
        async with asyncio.timeout(LIMIT_SECONDS):
            # Nothing tells it.
            while await self.state(job_id) not in ENDED:
                if self.server.executor.busy:
                    return
                await asyncio.sleep(0.001)

    async def until_taken_up(self) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            # Nothing tells it.
            while self.server.dispatcher.queued < len(self.job_ids) - 1:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def end_all(self) -> None:
        """Ends attempts until every job has ended."""
        async with asyncio.timeout(LIMIT_SECONDS):
            for job_id in self.job_ids:
                while await self.state(job_id) not in ENDED:
                    for worker in self.server.executor.busy:
                        worker.end(Executed(RESULT))
                    await asyncio.sleep(0.001)

    async def stop(self) -> None:
        await self.server.manager.drain(0.0)
        await self.server.store.close()


def run(folder: Path, body: Callable[[Start], Awaitable[None]]) -> None:
    async def main() -> None:
        start = Start(folder)
        try:
            await body(start)
        finally:
            await start.stop()

    asyncio.run(main())


def test_job_that_is_still_to_be_taken_up_is_shown_and_cancelled_at_once(tmp_path: Path) -> None:
    async def body(start: Start) -> None:
        await start.leave(4)
        await start.open()
        await start.again()
        _, early, _, late = start.job_ids
        async with asyncio.timeout(LIMIT_SECONDS):
            assert await start.state(late) == QUEUED
            for job_id in (early, late, late):
                job = await start.server.manager.cancel(TENANT, job_id)
                assert job.status.status == CANCELLED
        start.may_go_on.set()
        await start.end_all()
        states = [await start.state(job_id) for job_id in start.job_ids]
        assert states == [DONE, CANCELLED, DONE, CANCELLED]
        assert start.begun[early] == start.begun[late] == 0

    run(tmp_path, body)


def test_job_that_comes_and_is_cancelled_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    async def body(start: Start) -> None:
        await start.leave(1)
        await start.open()
        # The page is read when the job is there, and taken up when it has ended.
        start.reads_late = True
        await start.again()
        submission = await start.server.manager.submit(TENANT, spec_for("simulator"), "")
        job_id = submission.job.job_id
        start.may_read.set()
        async with asyncio.timeout(LIMIT_SECONDS):
            await start.has_read.wait()
            job = await start.server.manager.cancel(TENANT, job_id)
        assert job.status.status == CANCELLED
        start.may_go_on.set()
        await start.end_all()
        # It would begin before a later one.
        last = await start.server.manager.submit(TENANT, spec_for("simulator"), "")
        start.job_ids.append(last.job.job_id)
        await start.end_all()
        assert start.begun[job_id] == 0

    run(tmp_path, body)


def test_job_that_was_to_be_cancelled_when_its_server_ended_never_begins(tmp_path: Path) -> None:
    async def body(start: Start) -> None:
        await start.leave(2)
        await start.open()
        for job_id in start.job_ids:
            # As another server has asked for it.
            assert await start.server.store.servers.ask_to_cancel(TENANT, job_id)
        start.may_go_on.set()
        await start.again()
        await start.end_all()
        assert [await start.state(job_id) for job_id in start.job_ids] == [CANCELLED, CANCELLED]
        assert not start.begun

    run(tmp_path, body)


def test_jobs_of_before_a_start_count_as_unfinished(tmp_path: Path) -> None:
    async def body(start: Start) -> None:
        await start.leave(3)
        await start.open()
        await start.server.tenants.set(Tenant(name=TENANT, quotas=Quotas(unfinished_jobs=3)))
        start.may_go_on.set()
        await start.again()
        await start.until_taken_up()
        with pytest.raises(RequestRefusedError) as caught:
            await start.server.manager.submit(TENANT, spec_for("simulator"), "")
        assert caught.value.details == {"limit": "quotas.unfinished_jobs", "maximum": "3"}
        await start.end_all()

    run(tmp_path, body)


@pytest.mark.parametrize(
    ("backend", "state", "attempt"), [("simulator", DONE, 6), ("device", ERROR, 1)]
)
def test_servers_that_are_stopped_on_purpose_use_up_no_attempts_of_simulations(
    tmp_path: Path, backend: str, state: JobState.ValueType, attempt: int
) -> None:
    async def body(start: Start) -> None:
        await start.leave(1, backend)
        [job_id] = start.job_ids
        start.may_go_on.set()
        # More often than a backend's jobs are tried.
        for _ in range(5):
            await start.until_begun(job_id)
            await start.open()
            await start.again()
        await start.until_begun(job_id)
        await start.end_all()
        job = await start.server.manager.get(TENANT, job_id)
        assert (job.status.status, job.attempt) == (state, attempt)

    run(tmp_path, body)
