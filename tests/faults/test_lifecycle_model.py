"""A model of the life of jobs, against the real manager on the real store.

Hypothesis draws what happens: jobs come, workers finish, fail or die, users cancel
and delete, the store fails and works again, the server drains or is cut off in the
middle of anything, and starts again. Workers are scripted, so that the model decides
when an attempt ends; all else is what the server runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from fault_run import IS_LONG
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from postgresql_server import PostgresqlServer
from scripted_server import MAX_ATTEMPTS, TENANT, ScriptedServer, ScriptedWorker, spec_for
from stored_jobs import data_of

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.executor import Executed, Failed
from longwire_server.jobs import recorder, submissions_in_doubt
from longwire_server.jobs.lifecycle import LEGAL_MOVES
from longwire_server.jobs.submissions import Submission
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.job import FINAL_STATES
from longwire_server.store.job_store import StoreError
from longwire_server.store.sql_job_store import SqlJobStore

T = TypeVar("T")

# Generous: other work may load the machine.
LIMIT_SECONDS = 60.0
# As many turns as the loop takes until nothing happens any more.
SETTLED = 60
# Which job or worker. What is drawn does not depend on the state, since threads read
# the store and take their time.
WHICH = st.integers(0, 50)
TURNS = st.sampled_from([0, 1, 2, 3, 5, SETTLED])
BACKENDS = st.sampled_from(sorted(MAX_ATTEMPTS))
OUTCOMES = st.sampled_from(["done", "failed", "died"])
# Which operations of the store fail: none of them means all.
FAILING = st.sampled_from([(), ("add", "update", "renew_leases"), ("get", "spec"), ("update",)])
# What a server waits for between two tries is not what is tested here.
PATIENCE = {
    recorder: ("_FIRST_PAUSE_SECONDS", "_LONGEST_PAUSE_SECONDS", "_LONGEST_READ_PAUSE_SECONDS"),
    submissions_in_doubt: ("_FIRST_PAUSE_SECONDS", "_LONGEST_PAUSE_SECONDS"),
}
DECISIONS = ("_DECISION_SECONDS", "_REPEATED_SECONDS")


class LifeOfJobs(RuleBasedStateMachine):
    """What happens, and what must hold whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.cleanup = contextlib.ExitStack()
        self.store_url = self.new_store(self.cleanup)
        patched = self.cleanup.enter_context(pytest.MonkeyPatch.context())
        for module, names in PATIENCE.items():
            for name in names:
                patched.setattr(module, name, 0.001)
        for name in DECISIONS:
            patched.setattr(submissions_in_doubt, name, 0.02)
        self.loop = asyncio.new_event_loop()
        self.begun: Counter[str] = Counter()
        # Jobs that the server has acknowledged and nobody has deleted.
        self.acknowledged: dict[str, str] = {}
        self.requests: dict[str, str] = {}
        # Requests of which nobody was told whether they have a job.
        self.in_doubt: set[str] = set()
        self.finals: dict[str, Job] = {}
        self.heard: dict[str, list[JobEvent]] = {}
        self.cancelling: set[asyncio.Task[Job | None]] = set()
        self.num_drains = 0
        self.start()

    def new_store(self, cleanup: contextlib.ExitStack) -> str:
        """The URL of a store that is gone after the clean-up."""
        return f"sqlite:///{cleanup.enter_context(tempfile.TemporaryDirectory())}/jobs.db"

    def start(self) -> None:
        self.server = ScriptedServer(self.store_url, self.begun)
        self.heard.clear()
        self.cancelling.clear()
        self.run(self.server.store.open())
        self.run(self.server.manager.start("model"))
        for job_id in self.acknowledged:
            self.watch(job_id)
        self.turn(SETTLED)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def turn(self, turns: int) -> None:
        async def take_turns() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        # Even to begin with it takes a turn or two.
        if turns:
            self.run(take_turns())

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return self.loop.create_task(work)

    def watch(self, job_id: str) -> None:
        heard = self.heard[job_id] = []
        manager = self.server.manager

        async def listen() -> None:
            with contextlib.suppress(RequestRefusedError, StoreError):
                async for events in manager.watch(TENANT, job_id, 0):
                    heard.extend(events)

        self.spawn(listen())

    @rule(backend=BACKENDS, key=st.sampled_from(["", "a", "b"]))
    def submit(self, backend: str, key: str) -> None:
        # One key for each backend, so that a request is always the same.
        request_id = f"{backend}-{key}" if key else ""
        submission = self.run(self.submitted(backend, request_id))
        if submission is None:
            self.in_doubt.add(request_id)
            return
        job_id = submission.job.job_id
        known = self.requests.get(request_id)
        if known is not None:
            assert (submission.created, job_id) == (False, known)
            return
        assert submission.created or request_id in self.in_doubt
        self.in_doubt.discard(request_id)
        self.acknowledged[job_id] = backend
        if request_id:
            self.requests[request_id] = job_id
        self.watch(job_id)

    async def submitted(self, backend: str, request_id: str) -> Submission | None:
        """What the server answers; None while its store fails."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                try:
                    return await self.server.manager.submit(TENANT, spec_for(backend), request_id)
                except (RequestRefusedError, StoreError):
                    if not self.server.store.works:
                        return None
                    # It takes a moment to notice that the store works again.
                    await asyncio.sleep(0.001)

    @rule(operations=FAILING, loses_answers=st.booleans())
    def store_fails(self, operations: tuple[str, ...], loses_answers: bool) -> None:
        """Nothing is done from here on, or it is done and nobody is told."""
        store = self.server.store
        store.work()
        (store.lose_answers if loses_answers else store.fail)(*operations)

    @rule(turns=TURNS)
    def store_works(self, turns: int) -> None:
        self.turn(turns)
        self.server.store.work()
        self.settle()

    def settle(self) -> None:
        """With a store that works, every job has ended, or runs, or waits for a busy worker."""

        deadline = self.loop.time() + LIMIT_SECONDS
        while not all(map(self.has_its_place, self.acknowledged)):
            assert self.loop.time() < deadline, "a job was left alone"
            self.run(asyncio.sleep(0.001))

    def has_its_place(self, job_id: str) -> bool:
        job = self.run(self.server.manager.get(TENANT, job_id))
        if job.status.status == JobState.JOB_STATE_QUEUED:
            return not self.server.executor.has_idle
        is_run = any(worker.job_id == job_id for worker in self.busy())
        return is_run or job.status.status in FINAL_STATES

    def chosen(self, which: int) -> str:
        job_ids = list(self.acknowledged)
        return job_ids[which % len(job_ids)]

    def busy(self) -> list[ScriptedWorker]:
        return self.server.executor.busy

    def worker_with_a_job(self, which: int) -> ScriptedWorker | None:
        """A worker with an attempt, which a new job begins where there is none."""
        if not self.busy() and self.server.store.works:
            self.submit(sorted(MAX_ATTEMPTS)[which % 2], "")
            self.until_busy()
        busy = self.busy()
        return busy[which % len(busy)] if busy else None

    def until_busy(self) -> None:
        """A worker is taken before the attempt on it begins: some are recorded first."""
        deadline = self.loop.time() + LIMIT_SECONDS
        while not self.busy():
            assert self.loop.time() < deadline, "no attempt began"
            self.run(asyncio.sleep(0.001))

    def worker_before_trouble(self, which: int) -> ScriptedWorker:
        """The same, with a store that works."""
        self.store_works(0)
        worker = self.worker_with_a_job(which)
        assert worker is not None
        return worker

    @rule(which=WHICH, outcome=OUTCOMES, turns=TURNS)
    def end_attempt(self, which: int, outcome: str, turns: int) -> None:
        worker = self.worker_with_a_job(which)
        if worker is not None:
            self.end(worker, outcome)
            self.turn(turns)

    @rule(which=WHICH, outcome=OUTCOMES, turns=TURNS, loses_answers=st.booleans())
    def end_attempt_while_the_store_is_away(
        self, which: int, outcome: str, turns: int, loses_answers: bool
    ) -> None:
        worker = self.worker_before_trouble(which)
        self.store_fails(("update", "spec", "renew_leases"), loses_answers)
        self.end(worker, outcome)
        self.store_works(turns)

    @rule(backend=BACKENDS, turns=TURNS, loses_answers=st.booleans(), ends=st.booleans())
    def begin_while_the_store_is_away(
        self, backend: str, turns: int, loses_answers: bool, ends: bool
    ) -> None:
        self.store_works(0)
        self.store_fails(("update",), loses_answers)
        self.submit(backend, "")
        if ends:
            self.cut_off(turns)
        else:
            self.store_works(turns)

    def end(self, worker: ScriptedWorker, outcome: str) -> None:
        if outcome == "done":
            worker.end(self.executed(worker))
        elif outcome == "failed":
            worker.end(Failed(ErrorReason.ERROR_REASON_EXECUTION_FAILED, "no"))
        else:
            worker.kill()

    @rule(which=WHICH, turns=TURNS)
    def cancel(self, which: int, turns: int) -> None:
        if not self.acknowledged:
            return
        cancelling = self.cancel_job(self.chosen(which))
        self.turn(turns)
        if cancelling.done():
            self.check_cancelled(cancelling)

    @rule(which=WHICH, turns=TURNS, more_turns=TURNS, is_away=st.booleans())
    def cancel_after_worker_died(
        self, which: int, turns: int, more_turns: int, is_away: bool
    ) -> None:
        """A cancel counts that comes while the loss of an attempt is being recorded."""
        worker = self.worker_before_trouble(which)
        if is_away:
            self.store_fails(("update",), loses_answers=False)
        worker.kill()
        self.turn(turns)
        cancelling = self.cancel_job(worker.job_id)
        self.store_works(more_turns)
        self.run(asyncio.wait_for(cancelling, LIMIT_SECONDS))
        self.check_cancelled(cancelling)

    def cancel_job(self, job_id: str) -> asyncio.Task[Job | None]:
        """A cancel under way; None where the server stops or its store fails."""
        manager = self.server.manager

        async def cancel() -> Job | None:
            with contextlib.suppress(RequestRefusedError, StoreError):
                return await manager.cancel(TENANT, job_id)
            return None

        cancelling = self.spawn(cancel())
        self.cancelling.add(cancelling)
        return cancelling

    def check_cancelled(self, cancelling: asyncio.Task[Job | None]) -> None:
        self.cancelling.discard(cancelling)
        job = cancelling.result()
        if job is None:
            assert not self.server.store.works
        else:
            assert job.status.status in FINAL_STATES

    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        if not self.acknowledged:
            return
        job_id = self.chosen(which)
        self.turn(SETTLED)
        before = self.seen(job_id)
        try:
            self.run(self.server.manager.delete(TENANT, job_id))
        except RequestRefusedError:
            assert before is None or before.status.status not in FINAL_STATES
            return
        except StoreError:
            assert not self.server.store.works
            if self.run(SqlJobStore.get(self.server.store, TENANT, job_id)) is not None:
                return
        for known in (self.acknowledged, self.finals, self.heard):
            known.pop(job_id, None)
        self.requests = {key: each for key, each in self.requests.items() if each != job_id}

    @rule(turns=TURNS)
    def cut_off(self, turns: int) -> None:
        """The server ends in the middle of whatever it does, and another starts."""
        self.turn(turns)
        self.end_server()
        self.start()

    @rule()
    def drain(self) -> None:
        """The server is told to stop, gives running attempts no time, and starts again."""
        self.num_drains += 1
        self.run(self.server.manager.drain(0.0))
        self.end_server()
        self.start()

    def end_server(self) -> None:
        self.end_tasks()
        # Its threads end, too.
        self.run(self.server.store.servers.stop())
        self.run(self.server.store.close())

    def end_tasks(self) -> None:
        # The end of one attempt begins the next, and timers go off meanwhile.
        while tasks := asyncio.all_tasks(self.loop):
            for task in tasks:
                task.cancel()
            self.run(_all_ended(tasks))

    def seen(self, job_id: str) -> Job | None:
        """The job as the server shows it; None where it needs a store that fails."""
        try:
            return self.run(self.server.manager.get(TENANT, job_id))
        except StoreError:
            assert not self.server.store.works
            return None

    @invariant()
    def no_acknowledged_job_is_lost_and_no_final_one_changes(self) -> None:
        for job_id in self.acknowledged:
            if (job := self.seen(job_id)) is None:
                continue
            if job.status.status in FINAL_STATES:
                assert self.finals.setdefault(job_id, job) == job
            else:
                assert job_id not in self.finals

    @invariant()
    def no_job_begins_more_often_than_its_backend_allows(self) -> None:
        for job_id, backend in self.acknowledged.items():
            job = self.seen(job_id)
            # Servers that are stopped on purpose use up none of a simulation's.
            forgiven = self.num_drains if backend == "simulator" else 0
            assert job is None or job.attempt <= MAX_ATTEMPTS[backend] + forgiven
            # A simulation may begin before that is durable, and once more if the
            # server ends in between; what must not run twice never does.
            assert backend == "simulator" or self.begun[job_id] <= 1

    @invariant()
    def events_are_legal_moves_in_order(self) -> None:
        for events in self.heard.values():
            told = [
                event
                for event in events
                if event.WhichOneof("event") in ("status_changed", "finished")
            ]
            sequences = [event.sequence for event in told]
            assert sequences == sorted(set(sequences))
            states = [_state(event) for event in told]
            for before, after in itertools.pairwise(states):
                assert after in LEGAL_MOVES[before], [JobState.Name(state) for state in states]

    def teardown(self) -> None:
        """Every job comes to its end, and a result is that of the attempt that counted."""
        try:
            self.server.store.work()
            self.end_all_cancels()
            self.end_all_jobs()
        finally:
            self.end_server()
            self.end_tasks()
            self.loop.close()
            self.cleanup.close()

    def end_all_cancels(self) -> None:
        """No attempt needs to end for it."""
        if self.cancelling:
            _, pending = self.run(_wait(self.cancelling))
            assert not pending, "a job was not cancelled"

    def end_all_jobs(self) -> None:
        deadline = self.loop.time() + LIMIT_SECONDS
        while not all(map(self.is_final, self.acknowledged)):
            assert self.loop.time() < deadline, "a job did not come to its end"
            for worker in self.busy():
                worker.end(self.executed(worker))
            self.run(asyncio.sleep(0.001))
        for job_id in self.acknowledged:
            job = self.run(self.server.manager.get(TENANT, job_id))
            assert job.status.status in FINAL_STATES
            if job.status.status == JobState.JOB_STATE_DONE:
                told = self.run(self.result(job_id))
                assert told == f"{job_id} {self.begun[job_id]}".encode()

    async def result(self, job_id: str) -> bytes:
        async with self.server.manager.result(TENANT, job_id) as result:
            return await data_of(result)

    def is_final(self, job_id: str) -> bool:
        job = self.run(self.server.manager.get(TENANT, job_id))
        return job.status.status in FINAL_STATES

    def executed(self, worker: ScriptedWorker) -> Executed:
        """A result that says of which attempt it is."""
        told = f"{worker.job_id} {self.begun[worker.job_id]}"
        return Executed(EncodedResult(data=told.encode()).SerializeToString())


async def _wait(
    tasks: set[asyncio.Task[Job | None]],
) -> tuple[set[asyncio.Task[Job | None]], set[asyncio.Task[Job | None]]]:
    return await asyncio.wait(tasks, timeout=LIMIT_SECONDS)


async def _all_ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _state(event: JobEvent) -> JobState.ValueType:
    if event.HasField("finished"):
        return event.finished.job.status.status
    return event.status_changed.status


def model_settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


TestLifeOfJobs = LifeOfJobs.TestCase
TestLifeOfJobs.settings = model_settings(400 if IS_LONG else 30)


def test_life_of_jobs_is_the_same_on_postgresql(postgresql: PostgresqlServer) -> None:
    class LifeOfJobsOnPostgresql(LifeOfJobs):
        def new_store(self, cleanup: contextlib.ExitStack) -> str:
            return cleanup.enter_context(postgresql.database())

    run_state_machine_as_test(LifeOfJobsOnPostgresql, settings=model_settings(50 if IS_LONG else 4))
