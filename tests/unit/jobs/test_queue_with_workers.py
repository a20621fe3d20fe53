"""The queue in front of workers whose jobs a test ends: tenants, batches, sessions, restarts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from scripted_server import ScriptedServer, spec_for

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire.v1.session_service_pb2 import SessionState
from longwire_server.execution.executor import Executed
from longwire_server.jobs.labels import LabelChange
from longwire_server.refusals import RequestRefusedError

# Generous: other work may load the machine.
LIMIT_SECONDS = 60.0
RESULT = EncodedResult(data=b"counts").SerializeToString()
QUEUED, RUNNING = JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_RUNNING


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.005)


class PassingLoop(asyncio.SelectorEventLoop):
    """An event loop for which time can pass that the test does not wait for.

    So jobs take as long as a test says, and what the machine adds to that does not count.
    """

    passed_seconds = 0.0

    def time(self) -> float:
        return super().time() + self.passed_seconds


def let_pass(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PassingLoop)
    loop.passed_seconds += seconds


class Lab:
    """A server whose jobs end when a test says so.

    Attributes:
        server: the server.
        order: the names of the jobs in the order in which they began.
    """

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.order: list[str] = []
        self.names: dict[str, str] = {}

    async def submit(
        self, name: str, tenant: str = "physics", *, backend: str = "simulator", **fields: object
    ) -> str:
        spec = spec_for(backend)
        for field, value in fields.items():
            setattr(spec, field, value)
        submission = await self.server.manager.submit(tenant, spec, "")
        self.names[submission.job.job_id] = name
        return submission.job.job_id

    async def end_one(self) -> str:
        """Ends the job that has run longest, after ten more seconds, and returns its name."""
        await until(lambda: bool(self.server.executor.busy))
        let_pass(10.0)
        worker = self.server.executor.busy[0]
        name = self.names[worker.job_id]
        self.order.append(name)
        worker.end(Executed(RESULT))
        await asyncio.sleep(0)
        return name

    async def end_all(self, count: int) -> list[str]:
        """Ends so many jobs one after another, and returns their names."""
        return [await self.end_one() for _ in range(count)]

    async def get(self, job_id: str, tenant: str = "physics") -> Job:
        return await self.server.manager.get(tenant, job_id)

    def running(self) -> list[str]:
        return [self.names[worker.job_id] for worker in self.server.executor.busy]

    async def session(
        self, tenant: str = "physics", *, max_seconds: float = 0.0, idle_seconds: float = 0.0
    ) -> str:
        opened = self.server.sessions.open(tenant, "simulator", max_seconds, idle_seconds)
        return opened.session_id

    def state_of(self, session_id: str, tenant: str = "physics") -> str:
        session = self.server.sessions.get(tenant, session_id)
        return SessionState.Name(session.state).removeprefix("SESSION_STATE_")


@asynccontextmanager
async def lab(folder: Path, num_workers: int = 1) -> AsyncIterator[Lab]:
    server = ScriptedServer(f"sqlite:///{folder}/jobs.db", Counter(), num_workers=num_workers)
    await server.store.open()
    await server.manager.start("first")
    try:
        yield Lab(server)
    finally:
        await server.manager.drain(0.0)
        await server.store.close()


def run(folder: Path, body: Callable[[Lab], Awaitable[None]], *, num_workers: int = 1) -> None:
    async def main() -> None:
        async with lab(folder, num_workers) as opened:
            await body(opened)

    with asyncio.Runner(loop_factory=PassingLoop) as runner:
        runner.run(main())


def reason_of(refused: pytest.ExceptionInfo[RequestRefusedError]) -> str:
    return ErrorReason.Name(refused.value.reason).removeprefix("ERROR_REASON_")


def test_tenants_take_turns_whoever_came_first(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        await lab.submit("first")
        await until(lambda: lab.running() == ["first"])
        for number in range(3):
            await lab.submit(f"a{number}", "alice")
        for number in range(2):
            await lab.submit(f"b{number}", "bob")
        order = await lab.end_all(6)
        assert order[0] == "first"
        assert {name[0] for name in order[1:3]} == {"a", "b"}
        assert {name[0] for name in order[3:5]} == {"a", "b"}
        assert order[5] == "a2"

    run(tmp_path, body)


def test_tenant_whose_job_has_a_worker_killed_pays_for_the_next_ones_start(
    tmp_path: Path,
) -> None:
    async def body(lab: Lab) -> None:
        lab.server.executor.start_seconds = 100.0
        await lab.submit("first")
        await until(lambda: lab.running() == ["first"])
        killing = [await lab.submit(f"a{number}", "alice") for number in range(2)]
        for number in range(3):
            await lab.submit(f"b{number}", "bob")
        await lab.end_one()
        await until(lambda: lab.running() == ["a0"])
        await lab.server.manager.cancel("alice", killing[0])
        assert await lab.end_all(4) == ["b0", "b1", "b2", "a1"]

    run(tmp_path, body)


def test_priority_orders_the_jobs_of_a_tenant_and_can_be_changed(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        await lab.submit("first")
        await until(lambda: lab.running() == ["first"])
        await lab.submit("plain")
        urgent = await lab.submit("urgent", priority=3)
        late = await lab.submit("late", priority=-1)
        assert (await lab.get(urgent)).queue_position == 1
        assert (await lab.get(late)).queue_position == 3
        changed = await lab.server.manager.update(
            "physics", late, LabelChange(None, None, (), (), priority=10)
        )
        assert (changed.priority, changed.queue_position) == (10, 1)
        assert await lab.end_all(4) == ["first", "late", "urgent", "plain"]

    run(tmp_path, body)


@pytest.mark.parametrize("priority", [-11, 11])
def test_priority_out_of_range_is_refused(tmp_path: Path, priority: int) -> None:
    async def body(lab: Lab) -> None:
        with pytest.raises(RequestRefusedError, match="from -10 to 10") as refused:
            await lab.submit("job", priority=priority)
        assert (reason_of(refused), refused.value.field) == ("ARGUMENT_INVALID", "spec.priority")

    run(tmp_path, body)


def test_order_of_the_queue_is_the_same_after_a_restart(tmp_path: Path) -> None:
    names: dict[str, str] = {}

    async def before(lab: Lab) -> None:
        await lab.submit("first")
        await lab.submit("plain")
        await lab.submit("b1", batch="scan", priority=-1)
        await lab.submit("b2", batch="scan", priority=2)
        last = await lab.submit("last")
        moved = await lab.submit("moved")
        await lab.server.manager.update(
            "physics", last, LabelChange(None, None, (), (), priority=1)
        )
        await lab.server.manager.move_to_front(moved)
        await until(lambda: lab.running() == ["first"])
        names.update(lab.names)

    async def after(lab: Lab) -> None:
        lab.names = names
        assert await lab.end_all(6) == ["first", "moved", "last", "plain", "b1", "b2"]

    run(tmp_path, before)
    run(tmp_path, after)


def test_batch_word_with_another_backend_is_refused_while_its_jobs_are_unfinished(
    tmp_path: Path,
) -> None:
    async def body(lab: Lab) -> None:
        await lab.submit("b1", batch="scan")
        with pytest.raises(RequestRefusedError, match="on backend 'simulator'") as refused:
            await lab.submit("b2", batch="scan", backend="device")
        assert (reason_of(refused), refused.value.field) == ("ARGUMENT_INVALID", "spec.batch")
        await lab.submit("other", "chemistry", batch="scan", backend="device")
        await lab.end_one()
        await lab.end_one()
        await until(lambda: lab.server.executor.has_idle)
        await lab.submit("b3", batch="scan", backend="device")
        assert await lab.end_one() == "b3"

    run(tmp_path, body)


def test_paused_backend_takes_jobs_that_wait_and_others_go_on(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        lab.server.dispatcher.pause("simulator", is_paused=True)
        waiting = await lab.submit("waiting")
        await lab.submit("other", backend="device")
        assert await lab.end_one() == "other"
        assert not (await lab.get(waiting)).HasField("queue_position")
        lab.server.dispatcher.pause("simulator", is_paused=False)
        assert await lab.end_one() == "waiting"

    run(tmp_path, body)


def test_moved_job_comes_before_all_others(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        first = await lab.submit("first")
        await until(lambda: lab.running() == ["first"])
        await lab.submit("second", "alice", priority=10)
        last = await lab.submit("last", "bob", priority=-10)
        moved = await lab.server.manager.move_to_front(last)
        assert (moved.queue_position, moved.tenant) == (1, "bob")
        with pytest.raises(RequestRefusedError, match="only a queued job") as refused:
            await lab.server.manager.move_to_front(first)
        assert reason_of(refused) == "JOB_NOT_QUEUED"
        with pytest.raises(RequestRefusedError) as refused:
            await lab.server.manager.move_to_front("0" * 32)
        assert reason_of(refused) == "JOB_NOT_FOUND"
        assert await lab.end_all(3) == ["first", "last", "second"]

    run(tmp_path, body)


def test_jobs_of_a_session_run_on_its_worker_before_those_that_wait(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        session = await lab.session()
        assert lab.state_of(session) == "ACTIVE"
        await lab.submit("other", "alice")
        one = await lab.submit("s1", session_id=session)
        two = await lab.submit("s2", session_id=session)
        await until(lambda: lab.running() == ["s1"])
        assert (await lab.get(two)).queue_position == 1
        assert await lab.end_all(2) == ["s1", "s2"]
        three = await lab.submit("s3", session_id=session)
        await until(lambda: lab.running() == ["s3"])
        assert [(await lab.get(job)).session_id for job in (one, three)] == [session] * 2
        lab.server.sessions.close("physics", session)
        # Its job goes on.
        assert lab.running() == ["s3"]
        assert await lab.end_all(2) == ["s3", "other"]

    run(tmp_path, body)


def test_jobs_of_a_closed_session_wait_as_others_do(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        session = await lab.session()
        await lab.submit("s1", session_id=session)
        await lab.submit("other")
        await lab.submit("s2", session_id=session)
        await until(lambda: lab.running() == ["s1"])
        lab.server.sessions.close("physics", session)
        assert lab.state_of(session) == "CLOSED"
        assert await lab.end_all(3) == ["s1", "other", "s2"]
        for tenant, problem in (("physics", "is over"), ("alice", "is not known")):
            with pytest.raises(RequestRefusedError, match=problem) as refused:
                await lab.submit("late", tenant, session_id=session)
            assert reason_of(refused) == "SESSION_NOT_FOUND"

    run(tmp_path, body)


def test_session_waits_for_its_turn_and_one_worker_is_left_for_others(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        sessions = [await lab.session(), await lab.session()]
        assert [lab.state_of(each) for each in sessions] == ["ACTIVE", "QUEUED"]
        await lab.submit("s2", session_id=sessions[1])
        await lab.submit("other", "alice")
        assert await lab.end_one() == "other"
        lab.server.sessions.close("physics", sessions[0])
        assert [lab.state_of(each) for each in sessions] == ["CLOSED", "ACTIVE"]
        assert await lab.end_one() == "s2"

    run(tmp_path, body, num_workers=2)


def test_session_goes_on_with_another_worker_when_its_job_is_cancelled(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        session = await lab.session()
        await lab.submit("other", "alice")
        one = await lab.submit("s1", session_id=session)
        await until(lambda: lab.running() == ["s1"])
        await lab.server.manager.cancel("physics", one)
        assert lab.state_of(session) == "ACTIVE"
        await lab.submit("s2", session_id=session)
        assert await lab.end_one() == "s2"
        assert lab.state_of(session) == "ACTIVE"

    run(tmp_path, body)


@pytest.mark.parametrize(
    ("max_seconds", "idle_seconds"), [(0.05, 0.0), (0.0, 0.05)], ids=["time", "idle"]
)
def test_session_ends_when_its_time_is_over(
    tmp_path: Path, max_seconds: float, idle_seconds: float
) -> None:
    async def body(lab: Lab) -> None:
        session = await lab.session(max_seconds=max_seconds, idle_seconds=idle_seconds)
        await lab.submit("other", "alice")
        await until(lambda: lab.state_of(session) == "CLOSED")
        assert await lab.end_one() == "other"

    run(tmp_path, body)


def test_session_for_longer_than_the_limit_is_refused(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        with pytest.raises(RequestRefusedError, match="session_seconds") as refused:
            await lab.session(max_seconds=901.0)
        assert (reason_of(refused), refused.value.field) == ("ARGUMENT_INVALID", "max_seconds")
        with pytest.raises(RequestRefusedError, match="session_idle_seconds"):
            await lab.session(idle_seconds=-1.0)
        for _ in range(16):
            await lab.session()
        with pytest.raises(RequestRefusedError, match="close one first") as refused:
            await lab.session()
        assert reason_of(refused) == "LIMIT_EXCEEDED"

    run(tmp_path, body)


def test_time_of_a_session_counts_as_used_by_its_tenant(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        # New jobs wait until the server has taken up its old ones; this one has run.
        await lab.submit("measured")
        await lab.end_one()
        session = await lab.session("alice")
        for tenant in ("alice", "bob"):
            for number in range(3):
                await lab.submit(f"{tenant[0]}{number}", tenant)
        # More than all the jobs take.
        let_pass(50.0)
        lab.server.sessions.close("alice", session)
        assert (await lab.end_all(6))[:3] == ["b0", "b1", "b2"]

    run(tmp_path, body)


def test_jobs_of_a_session_wait_as_others_do_after_a_restart(tmp_path: Path) -> None:
    names: dict[str, str] = {}

    async def before(lab: Lab) -> None:
        session = await lab.session()
        for number in range(3):
            await lab.submit(f"s{number}", session_id=session)
        await until(lambda: lab.running() == ["s0"])
        names.update(lab.names)

    async def after(lab: Lab) -> None:
        lab.names = names
        assert await lab.end_all(3) == ["s0", "s1", "s2"]

    run(tmp_path, before)
    run(tmp_path, after)


def test_watcher_is_told_when_the_job_may_begin(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        # How long jobs take is known by then.
        await lab.submit("measured")
        await lab.end_one()
        await lab.submit("running")
        await lab.submit("waiting")
        last = await lab.submit("last")
        told: list[JobEvent] = []
        async with asyncio.timeout(LIMIT_SECONDS):
            async for events in lab.server.manager.watch("physics", last, 0):
                told += [event for event in events if event.HasField("queue_position")]
                if told:
                    break
        assert told[0].queue_position == 2
        job = await lab.get(last)
        assert job.estimated_start_time == told[0].estimated_start_time
        assert job.estimated_start_time.ToMicroseconds() > job.create_time.ToMicroseconds()
        await lab.end_all(3)

    run(tmp_path, body)


def test_drain_leaves_nothing_behind_that_was_about_to_tell_positions(tmp_path: Path) -> None:
    async def body(lab: Lab) -> None:
        lab.server.dispatcher.pause("simulator", is_paused=True)
        await lab.submit("waiting")
        let_pass(1.0)
        async with asyncio.timeout(LIMIT_SECONDS):
            while not telling():  # noqa: ASYNC110 - it must not have come further
                await asyncio.sleep(0)
        await lab.server.dispatcher.drain()
        assert not telling()

    def telling() -> list[str]:
        running = (task.get_coro() for task in asyncio.all_tasks())
        names = [getattr(each, "__qualname__", "") for each in running]
        return [name for name in names if name == "QueuePositions._tell"]

    run(tmp_path, body)
