"""A model of the life of jobs, against the real manager on the real store.

Hypothesis draws what happens: jobs come, workers finish, fail or die, users cancel
and delete, the server drains or is cut off in the middle of anything, and starts
again. Workers are scripted, so that the model decides when an attempt ends; all else
is what the server runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobSpec, JobState
from longwire.v1.program_pb2 import Program, ProgramFormat
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution.executor import (
    AttemptListener,
    Executed,
    Executor,
    Failed,
    Outcome,
    Worker,
)
from longwire_server.execution.frames_pb2 import BackendLoaded
from longwire_server.jobs.admission import AdmissionLimits
from longwire_server.jobs.attempt_policy import AttemptPolicy
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.lifecycle import LEGAL_MOVES
from longwire_server.jobs.manager import JobManager
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.job import FINAL_STATES
from longwire_server.store.sql_job_store import SqlJobStore

T = TypeVar("T")

MAX_ATTEMPTS = {"simulator": 3, "device": 1}
NUM_WORKERS = 2
TENANT = "physics"
# As many turns as the loop takes until nothing happens any more.
SETTLED = 60
# Which job or worker. What is drawn does not depend on the state, since threads read
# the store and take their time.
WHICH = st.integers(0, 50)
TURNS = st.sampled_from([0, 1, 2, 3, 5, SETTLED])


class ScriptedWorker(Worker):
    """Executes what it is given until the model ends it."""

    def __init__(self, begun: Counter[str]) -> None:
        self._begun = begun
        self.killed = False
        self.job_id = ""
        self._outcome: asyncio.Future[Outcome] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether there is an attempt that can be ended."""
        return self._outcome is not None and not self._outcome.done()

    async def execute(
        self, job_id: str, spec: bytes, program: bytes, listener: AttemptListener
    ) -> Outcome:
        if self.killed:
            return Failed(ErrorReason.ERROR_REASON_WORKER_DIED, "killed")
        self._begun[job_id] += 1
        self.job_id = job_id
        self._outcome = asyncio.get_running_loop().create_future()
        listener.running()
        return await self._outcome

    def end(self, outcome: Outcome) -> None:
        """Ends the attempt."""
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(outcome)

    def goes_on(self) -> bool:
        return True

    def kill(self) -> None:
        self.killed = True
        self.end(Failed(ErrorReason.ERROR_REASON_WORKER_DIED, "killed"))


class ScriptedExecutor(Executor):
    """Some such workers."""

    def __init__(self, begun: Counter[str]) -> None:
        self.workers = [ScriptedWorker(begun) for _ in range(NUM_WORKERS)]
        self._idle: list[Worker] = list(self.workers)
        self._on_idle: Callable[[str], None] = lambda _pool: None

    async def start(self, on_idle: Callable[[str], None]) -> None:
        self._on_idle = on_idle

    def take(self, pool: str, backend_name: str) -> Worker | None:
        return self._idle.pop(0) if self._idle else None

    def release(self, pool: str, worker: Worker) -> None:
        assert isinstance(worker, ScriptedWorker)
        # Another takes its place.
        worker.killed = False
        self._idle.append(worker)
        self._on_idle(pool)

    async def describe(self, pool: str, backend_name: str) -> BackendLoaded:
        return BackendLoaded()

    async def describe_again(self, pool: str, backend_name: str) -> BackendLoaded | None:
        return None

    async def stop(self) -> None:
        """Nothing to do."""


class ServerRun:
    """One life of the server, from its start to its end."""

    def __init__(self, path: Path, begun: Counter[str]) -> None:
        self.executor = ScriptedExecutor(begun)
        self.store = SqlJobStore(f"sqlite:///{path}/jobs.db")
        specs = [BackendSpec(name=name, target="lab:make") for name in MAX_ATTEMPTS]
        directory = BackendDirectory(specs, program_bytes=1 << 20)
        self.manager = JobManager(
            self.store,
            KeptPrograms(self.store, kept_hours=1, kept_bytes=1 << 20),
            directory,
            Dispatcher(
                self.executor,
                pool_of=dict.fromkeys(MAX_ATTEMPTS, "default"),
                on_pending=directory.changed,
            ),
            limits=AdmissionLimits(program_bytes=1 << 20, queued_jobs=1000),
            policies={
                name: AttemptPolicy(name, attempts, None, 3600.0)
                for name, attempts in MAX_ATTEMPTS.items()
            },
            lease_seconds=30.0,
            inline_result_bytes=1 << 10,
        )


class LifeOfJobs(RuleBasedStateMachine):
    """What happens, and what must hold whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.begun: Counter[str] = Counter()
        # Jobs that the server has acknowledged and nobody has deleted.
        self.acknowledged: dict[str, str] = {}
        self.requests: dict[str, str] = {}
        self.finals: dict[str, Job] = {}
        self.heard: dict[str, list[JobEvent]] = {}
        self.start()

    def start(self) -> None:
        self.server = ServerRun(Path(self.folder.name), self.begun)
        self.heard.clear()
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

        self.run(take_turns())

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return self.loop.create_task(work)

    def watch(self, job_id: str) -> None:
        heard = self.heard[job_id] = []
        manager = self.server.manager

        async def listen() -> None:
            with contextlib.suppress(RequestRefusedError):
                async for events in manager.watch(TENANT, job_id, 0):
                    heard.extend(events)

        self.spawn(listen())

    @rule(backend=st.sampled_from(sorted(MAX_ATTEMPTS)), key=st.sampled_from(["", "a", "b"]))
    def submit(self, backend: str, key: str) -> None:
        # One key for each backend, so that a request is always the same.
        request_id = f"{backend}-{key}" if key else ""
        program = Program(
            format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[b"OPENQASM 3.0;"]
        )
        spec = JobSpec(backend_name=backend, program=program)
        submission = self.run(self.server.manager.submit(TENANT, spec, request_id))
        job_id = submission.job.job_id
        known = self.requests.get(request_id)
        if known is not None:
            assert (submission.created, job_id) == (False, known)
            return
        assert submission.created
        self.acknowledged[job_id] = backend
        if request_id:
            self.requests[request_id] = job_id
        self.watch(job_id)

    def chosen(self, which: int) -> str:
        job_ids = list(self.acknowledged)
        return job_ids[which % len(job_ids)]

    def busy(self) -> list[ScriptedWorker]:
        return [worker for worker in self.server.executor.workers if worker.is_busy]

    @rule(which=WHICH, outcome=st.sampled_from(["done", "failed", "died"]), turns=TURNS)
    def end_attempt(self, which: int, outcome: str, turns: int) -> None:
        if not (busy := self.busy()):
            return
        worker = busy[which % len(busy)]
        if outcome == "done":
            worker.end(self.executed(worker))
        elif outcome == "failed":
            worker.end(Failed(ErrorReason.ERROR_REASON_EXECUTION_FAILED, "no"))
        else:
            worker.kill()
        self.turn(turns)

    @rule(which=WHICH, turns=TURNS)
    def cancel(self, which: int, turns: int) -> None:
        if not self.acknowledged:
            return
        job_id = self.chosen(which)
        cancelling = self.spawn(self.server.manager.cancel(TENANT, job_id))
        self.turn(turns)
        if cancelling.done():
            assert cancelling.result().status.status in FINAL_STATES

    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        if not self.acknowledged:
            return
        job_id = self.chosen(which)
        self.turn(SETTLED)
        state = self.run(self.server.manager.get(TENANT, job_id)).status.status
        deleting = self.server.manager.delete(TENANT, job_id)
        if state not in FINAL_STATES:
            with pytest.raises(RequestRefusedError):
                self.run(deleting)
            return
        self.run(deleting)
        for known in (self.acknowledged, self.finals, self.heard):
            known.pop(job_id, None)
        self.requests = {key: each for key, each in self.requests.items() if each != job_id}

    @rule(turns=TURNS)
    def cut_off(self, turns: int) -> None:
        """The server ends in the middle of whatever it does, and another starts."""
        self.turn(turns)
        self.end_tasks()
        self.run(self.server.store.close())
        self.start()

    @rule()
    def drain(self) -> None:
        """The server is told to stop, gives running attempts no time, and starts again."""
        self.run(self.server.manager.drain(0.0))
        self.end_tasks()
        self.run(self.server.store.close())
        self.start()

    def end_tasks(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.run(_all_ended(tasks))

    @invariant()
    def no_acknowledged_job_is_lost_and_no_final_one_changes(self) -> None:
        for job_id in self.acknowledged:
            job = self.run(self.server.manager.get(TENANT, job_id))
            if job.status.status in FINAL_STATES:
                assert self.finals.setdefault(job_id, job) == job
            else:
                assert job_id not in self.finals

    @invariant()
    def no_job_begins_more_often_than_its_backend_allows(self) -> None:
        for job_id, backend in self.acknowledged.items():
            job = self.run(self.server.manager.get(TENANT, job_id))
            assert job.attempt <= MAX_ATTEMPTS[backend]
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
            self.end_all_jobs()
        finally:
            self.end_tasks()
            self.run(self.server.store.close())
            self.loop.close()
            self.folder.cleanup()

    def end_all_jobs(self) -> None:
        deadline = self.loop.time() + 60
        while not all(map(self.is_final, self.acknowledged)):
            assert self.loop.time() < deadline, "a job did not come to its end"
            for worker in self.busy():
                worker.end(self.executed(worker))
            self.run(asyncio.sleep(0.001))
        for job_id in self.acknowledged:
            job = self.run(self.server.manager.get(TENANT, job_id))
            assert job.status.status in FINAL_STATES
            if job.status.status == JobState.JOB_STATE_DONE:
                stored = self.run(self.server.manager.result(TENANT, job_id))
                told = EncodedResult.FromString(stored).data
                assert told == f"{job_id} {self.begun[job_id]}".encode()

    def is_final(self, job_id: str) -> bool:
        job = self.run(self.server.manager.get(TENANT, job_id))
        return job.status.status in FINAL_STATES

    def executed(self, worker: ScriptedWorker) -> Executed:
        """A result that says of which attempt it is."""
        told = f"{worker.job_id} {self.begun[worker.job_id]}"
        return Executed(EncodedResult(data=told.encode()).SerializeToString())


async def _all_ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _state(event: JobEvent) -> JobState.ValueType:
    if event.HasField("finished"):
        return event.finished.job.status.status
    return event.status_changed.status


TestLifeOfJobs = LifeOfJobs.TestCase
TestLifeOfJobs.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
