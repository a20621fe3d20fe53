"""A store that fails for a while: no job is lost, none is said to be what it is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from scripted_server import TENANT, ScriptedServer, ScriptedWorker, spec_for
from stored_jobs import data_of, unfinished

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobSpec, JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.executor import Executed
from longwire_server.refusals import RequestRefusedError

T = TypeVar("T")

# Generous: other work may load the machine.
LIMIT_SECONDS = 60.0
# A spec of this size is not kept in memory while its job is queued.
LARGE_BYTES = 100_000

DONE, ERROR = JobState.JOB_STATE_DONE, JobState.JOB_STATE_ERROR
CANCELLED, QUEUED = JobState.JOB_STATE_CANCELLED, JobState.JOB_STATE_QUEUED
STORE_UNAVAILABLE = ErrorReason.ERROR_REASON_STORE_UNAVAILABLE
RESULT = EncodedResult(data=b"counts").SerializeToString()


class Lives:
    """Servers that follow each other on one store.

    Attributes:
        server: the present one.
        begun: how often each job was begun.
    """

    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder}/jobs.db"
        self.begun: Counter[str] = Counter()
        self.server: ScriptedServer

    async def start(self, *, lease_seconds: float = 30.0) -> None:
        self.server = ScriptedServer(
            self._url, self.begun, num_workers=1, lease_seconds=lease_seconds
        )
        await self.server.store.open()
        await self.server.manager.start("first")

    async def drain(self, grace_seconds: float) -> None:
        await self.server.manager.drain(grace_seconds)
        await self.server.store.close()

    async def submit(self, spec: JobSpec, request_id: str = "") -> str:
        submission = await self.server.manager.submit(TENANT, spec, request_id)
        return submission.job.job_id

    async def busy(self) -> ScriptedWorker:
        """The worker, once it has an attempt of which the beginning is being written."""
        await until(lambda: bool(self.server.executor.busy))
        # That begins right behind the attempt, and not before what a test does next.
        await asyncio.sleep(0)
        return self.server.executor.busy[0]

    async def get(self, job_id: str) -> Job:
        return await self.server.manager.get(TENANT, job_id)

    async def final(self, job_id: str) -> Job:
        """The job as its watchers are told in the end."""
        return (await self.events(job_id))[-1].finished.job

    async def events(self, job_id: str) -> list[JobEvent]:
        """All that they are told."""
        told: list[JobEvent] = []
        async for events in self.server.manager.watch(TENANT, job_id, 0):
            told += events
        return told

    def cancelling(self, job_id: str) -> asyncio.Task[Job]:
        """A cancel under way."""
        return asyncio.create_task(self.server.manager.cancel(TENANT, job_id))


@contextlib.asynccontextmanager
async def _lives(folder: Path) -> AsyncIterator[Lives]:
    lives = Lives(folder)
    await lives.start()
    yield lives
    lives.server.store.work()
    await lives.drain(0.0)


Body = Callable[[Lives], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Body], None]:
    """Runs a coroutine function on a server with one worker."""

    async def main(body: Body) -> None:
        async with asyncio.timeout(LIMIT_SECONDS), _lives(tmp_path) as lives:
            await body(lives)

    return lambda body: asyncio.run(main(body))


async def until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.001)


async def refusal_of(work: Awaitable[T]) -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as caught:
        await work
    return caught.value


def test_outcome_that_cannot_be_recorded_is_recorded_when_the_store_is_back(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        job_id, after = [await lives.submit(spec_for("simulator")) for _ in range(2)]
        watching = asyncio.create_task(lives.events(job_id))
        worker = await lives.busy()
        store.fail()
        worker.end(Executed(RESULT))
        await store.failed(3)
        assert not watching.done()
        # Its worker is kept: what cannot be recorded must not pile up.
        assert lives.begun[after] == 0
        store.work()
        told = await watching
        assert told[-1].finished.job.status.status == DONE
        assert [event.HasField("finished") for event in told].count(True) == 1
        async with lives.server.manager.result(TENANT, job_id) as result:
            assert await data_of(result) == EncodedResult.FromString(RESULT).data
        assert lives.begun[job_id] == 1
        (await lives.busy()).end(Executed(RESULT))
        assert (await lives.final(after)).status.status == DONE

    run(body)


def test_outcome_whose_confirmation_is_lost_is_recorded_once(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        job_id = await lives.submit(spec_for("simulator"))
        worker = await lives.busy()
        store.lose_answers("update")
        worker.end(Executed(RESULT))
        await store.failed(2)
        store.work()
        assert (await lives.final(job_id)).status.status == DONE
        async with lives.server.manager.result(TENANT, job_id) as result:
            assert await data_of(result) == EncodedResult.FromString(RESULT).data

    run(body)


@pytest.mark.parametrize("trouble", ["fail", "lose_answers"])
def test_attempt_whose_beginning_is_not_confirmed_counts_when_the_store_is_back(
    run: Callable[[Body], None], trouble: str
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        getattr(store, trouble)("update")
        job_id = await lives.submit(spec_for("simulator"))
        worker = await lives.busy()
        await store.failed(2)
        worker.end(Executed(RESULT))
        store.work()
        job = await lives.final(job_id)
        assert (job.status.status, job.attempt) == (DONE, 1)
        assert lives.begun[job_id] == 1

    run(body)


def test_attempt_whose_beginning_is_not_recorded_yet_is_not_taken_for_lost(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        await lives.drain(0.0)
        await lives.start(lease_seconds=0.3)
        store = lives.server.store
        store.fail("update")
        job_id = await lives.submit(spec_for("simulator"))
        worker = await lives.busy()
        # Leases are renewed meanwhile, but this one is not in the store.
        await asyncio.sleep(0.5)
        assert worker.is_busy
        store.work()
        worker.end(Executed(RESULT))
        job = await lives.final(job_id)
        assert (job.status.status, job.attempt) == (DONE, 1)

    run(body)


def test_lease_goes_on_until_the_outcome_is_recorded(run: Callable[[Body], None]) -> None:
    async def body(lives: Lives) -> None:
        await lives.drain(0.0)
        await lives.start(lease_seconds=0.3)
        store = lives.server.store
        job_id = await lives.submit(spec_for("simulator"))
        worker = await lives.busy()
        store.fail("update")
        worker.end(Executed(RESULT))
        await store.failed()

        leases: set[int | None] = set()
        while len(leases) < 3:
            recorded = await store.get(TENANT, job_id)
            assert recorded is not None
            # That it has told of running is not written, whoever is faster.
            assert recorded.state == JobState.JOB_STATE_VALIDATING
            leases.add(recorded.lease_expires_us)
        store.work()
        assert (await lives.final(job_id)).status.status == DONE

    run(body)


def test_lost_attempt_whose_beginning_is_not_recorded_is_followed_by_another(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        store.fail("update")
        job_id = await lives.submit(spec_for("simulator"))
        (await lives.busy()).kill()
        await store.failed(2)
        store.work()
        (await lives.busy()).end(Executed(RESULT))
        job = await lives.final(job_id)
        assert (job.status.status, job.attempt) == (DONE, 2)

    run(body)


@pytest.mark.parametrize("trouble", ["fail", "lose_answers"])
def test_last_attempt_is_not_made_before_it_is_recorded(
    run: Callable[[Body], None], trouble: str
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        getattr(store, trouble)("update")
        job_id = await lives.submit(spec_for("device"))
        await store.failed(3)
        assert lives.begun[job_id] == 0
        store.work()
        (await lives.busy()).end(Executed(RESULT))
        assert (await lives.final(job_id)).status.status == DONE
        assert lives.begun[job_id] == 1

    run(body)


def test_last_attempt_that_is_cancelled_before_it_is_recorded_is_never_made(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        store.fail("update")
        job_id = await lives.submit(spec_for("device"))
        await store.failed()
        cancelling = lives.cancelling(job_id)
        await store.failed()
        assert not cancelling.done()
        store.work()
        assert (await cancelling).status.status == CANCELLED
        assert lives.begun[job_id] == 0

    run(body)


def test_job_whose_program_cannot_be_read_begins_when_it_can(run: Callable[[Body], None]) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        store.fail("spec")
        job_id = await lives.submit(spec_for("simulator", payload_bytes=LARGE_BYTES))
        await store.failed(3)
        # A queue that spins asks thousands of times in this time.
        before = store.failures
        await asyncio.sleep(0.5)
        assert store.failures - before < 10
        assert (await lives.get(job_id)).status.status == QUEUED
        store.work()
        (await lives.busy()).end(Executed(RESULT))
        assert (await lives.final(job_id)).status.status == DONE

    run(body)


def test_job_whose_program_cannot_be_read_is_cancelled_all_the_same(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        lives.server.store.fail("spec")
        job_id = await lives.submit(spec_for("simulator", payload_bytes=LARGE_BYTES))
        await lives.server.store.failed()
        assert (await lives.cancelling(job_id)).status.status == CANCELLED
        assert lives.begun[job_id] == 0

    run(body)


def test_job_whose_program_cannot_be_read_waits_no_longer_than_it_is_to(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        spec = spec_for("simulator", payload_bytes=LARGE_BYTES)
        spec.max_queue_seconds = 0.5
        lives.server.store.fail("spec")
        job = await lives.final(await lives.submit(spec))
        assert job.status.status == ERROR
        assert job.error.reason == ErrorReason.ERROR_REASON_QUEUE_TIME_LIMIT

    run(body)


def test_job_whose_program_cannot_be_read_does_not_hold_up_a_drain(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        lives.server.store.fail("spec")
        job_id = await lives.submit(spec_for("simulator", payload_bytes=LARGE_BYTES))
        await lives.server.store.failed()
        await lives.drain(10 * LIMIT_SECONDS)
        await lives.start()
        (await lives.busy()).end(Executed(RESULT))
        job = await lives.final(job_id)
        assert (job.status.status, job.attempt) == (DONE, 1)

    run(body)


@pytest.mark.parametrize(
    ("backend_name", "state", "begun"), [("simulator", DONE, 2), ("device", ERROR, 1)]
)
def test_drain_while_the_store_is_away_ends_and_the_next_start_takes_the_job_up(
    run: Callable[[Body], None], backend_name: str, state: JobState.ValueType, begun: int
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        job_id = await lives.submit(spec_for(backend_name))
        worker = await lives.busy()
        store.fail()
        worker.end(Executed(RESULT))
        await store.failed()
        watching = asyncio.create_task(lives.events(job_id))
        await lives.drain(0.2)
        refusal = await refusal_of(watching)
        assert refusal.reason == ErrorReason.ERROR_REASON_SERVER_DRAINING
        await lives.start()
        if begun == 2:
            (await lives.busy()).end(Executed(RESULT))
        job = await lives.final(job_id)
        assert job.status.status == state
        assert lives.begun[job_id] == begun

    run(body)


def test_outcome_is_recorded_in_the_grace_period_when_the_store_comes_back_in_it(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        job_id = await lives.submit(spec_for("device"))
        worker = await lives.busy()
        store.fail()
        worker.end(Executed(RESULT))
        await store.failed()
        draining = asyncio.create_task(lives.drain(10 * LIMIT_SECONDS))
        await store.failed()
        store.work()
        await draining
        await lives.start()
        assert (await lives.get(job_id)).status.status == DONE

    run(body)


def test_cancel_of_a_queued_job_waits_for_the_store(run: Callable[[Body], None]) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        _, queued = [await lives.submit(spec_for("simulator")) for _ in range(2)]
        await lives.busy()
        store.fail("update")
        cancelling = [lives.cancelling(queued) for _ in range(2)]
        await store.failed(2)
        assert not any(each.done() for each in cancelling)
        store.work()
        for each in cancelling:
            assert (await each).status.status == CANCELLED
        assert lives.begun[queued] == 0

    run(body)


def test_queued_job_whose_cancel_was_not_recorded_is_there_after_a_restart(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        running, queued = [await lives.submit(spec_for("simulator")) for _ in range(2)]
        await lives.busy()
        store.fail("update")
        cancelling = lives.cancelling(queued)
        await store.failed()
        await lives.drain(0.0)
        # Nobody was told that it is cancelled.
        assert cancelling.exception() is not None
        await lives.start()
        for job_id in (running, queued):
            (await lives.busy()).end(Executed(RESULT))
            assert (await lives.final(job_id)).status.status == DONE

    run(body)


def test_cancel_that_comes_while_a_lost_attempt_is_being_recorded_counts(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        job_id = await lives.submit(spec_for("simulator"))
        worker = await lives.busy()
        store.fail("update")
        worker.kill()
        await store.failed()
        cancelling = lives.cancelling(job_id)
        await store.failed()
        store.work()
        assert (await cancelling).status.status == CANCELLED
        assert lives.begun[job_id] == 1

    run(body)


def test_job_that_waited_too_long_ends_when_the_store_is_back(run: Callable[[Body], None]) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        await lives.submit(spec_for("simulator"))
        await lives.busy()
        spec = spec_for("simulator")
        spec.max_queue_seconds = 0.2
        job_id = await lives.submit(spec)
        store.fail("update")
        await store.failed(2)
        assert (await lives.get(job_id)).status.status == QUEUED
        store.work()
        job = await lives.final(job_id)
        assert job.error.reason == ErrorReason.ERROR_REASON_QUEUE_TIME_LIMIT
        assert lives.begun[job_id] == 0

    run(body)


def test_submission_that_is_not_in_the_store_is_said_not_to_be_recorded(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        store.fail("add")
        refusal = await refusal_of(lives.submit(spec_for("simulator"), "a"))
        assert refusal.reason == STORE_UNAVAILABLE
        assert "nothing was recorded" in refusal.message
        store.work()
        submission = await lives.server.manager.submit(TENANT, spec_for("simulator"), "a")
        assert submission.created
        await lives.busy()

    run(body)


def test_submission_whose_confirmation_is_lost_is_accepted_when_the_store_has_it(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        lives.server.store.lose_answers("add")
        submission = await lives.server.manager.submit(TENANT, spec_for("simulator"), "a")
        assert submission.created
        (await lives.busy()).end(Executed(RESULT))
        assert (await lives.final(submission.job.job_id)).status.status == DONE

    run(body)


@pytest.mark.parametrize("request_id", ["a", ""])
def test_submission_is_in_doubt_while_nobody_knows_whether_it_was_recorded(
    run: Callable[[Body], None], request_id: str
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        store.fail()
        refusal = await refusal_of(lives.submit(spec_for("simulator"), request_id))
        assert refusal.reason == STORE_UNAVAILABLE
        assert "whether it was is not known yet" in refusal.message
        assert ("same request_id" in refusal.message) == bool(request_id)

    run(body)


def test_request_in_doubt_that_was_recorded_has_one_job(run: Callable[[Body], None]) -> None:
    async def body(lives: Lives) -> None:
        store, manager = lives.server.store, lives.server.manager
        store.lose_answers("add")
        store.fail("get")
        await refusal_of(lives.submit(spec_for("simulator"), "a"))
        again = asyncio.create_task(manager.submit(TENANT, spec_for("simulator"), "a"))
        await store.failed()
        assert not again.done()
        store.work()
        submission = await again
        assert not submission.created
        (await lives.busy()).end(Executed(RESULT))
        assert (await lives.final(submission.job.job_id)).status.status == DONE
        assert len(await unfinished(store)) == 0
        assert sum(lives.begun.values()) == 1

    run(body)


def test_request_in_doubt_that_was_not_recorded_is_a_new_job(run: Callable[[Body], None]) -> None:
    async def body(lives: Lives) -> None:
        store, manager = lives.server.store, lives.server.manager
        store.fail("add", "get")
        await refusal_of(lives.submit(spec_for("simulator"), "a"))
        again = asyncio.create_task(manager.submit(TENANT, spec_for("simulator"), "a"))
        await store.failed()
        assert not again.done()
        store.work()
        assert (await again).created
        await lives.busy()
        assert sum(lives.begun.values()) == 1

    run(body)


def test_submissions_are_not_tried_while_the_store_is_known_to_be_away(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        store.fail()
        await refusal_of(lives.submit(spec_for("simulator"), "a"))
        # It could be recorded: but nobody tries, so that few are in doubt.
        store.fail("get")
        refusal = await refusal_of(lives.submit(spec_for("simulator"), "b"))
        assert refusal.reason == STORE_UNAVAILABLE
        assert "recorded" not in refusal.message
        assert not await unfinished(store)

    run(body)


def test_request_whose_commit_comes_true_late_has_its_job_watched_to_the_end(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store, manager = lives.server.store, lives.server.manager
        store.delay("add")
        await refusal_of(lives.submit(spec_for("simulator"), "a"))
        store.work()
        await store.catch_up()
        submission = await manager.submit(TENANT, spec_for("simulator"), "a")
        assert not submission.created
        (await lives.busy()).end(Executed(RESULT))
        assert (await lives.final(submission.job.job_id)).status.status == DONE

    run(body)


def test_request_in_doubt_at_the_end_of_a_server_is_known_to_the_next(
    run: Callable[[Body], None],
) -> None:
    async def body(lives: Lives) -> None:
        store = lives.server.store
        store.lose_answers("add")
        store.fail("get")
        await refusal_of(lives.submit(spec_for("simulator"), "a"))
        await lives.drain(0.0)
        await lives.start()
        submission = await lives.server.manager.submit(TENANT, spec_for("simulator"), "a")
        assert not submission.created
        (await lives.busy()).end(Executed(RESULT))
        assert (await lives.final(submission.job.job_id)).status.status == DONE
        assert sum(lives.begun.values()) == 1

    run(body)
