"""An attempt at which several workers of a pool work, where some have nothing else to do.

The worker that was taken for the attempt leads it: it makes the result of what all have
run. It and its helpers ask for a part whenever they have none, and get some of the runs
that are left, in their order; of what a run is nothing is known here but how long the
last took. A helper goes when somebody else waits for a worker, at the latest when its
part is finished, and comes back as soon as nobody does.
"""

from __future__ import annotations

import abc
import asyncio
import dataclasses
import logging
import math
from collections.abc import Callable
from typing import Final

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.execution.executor import (
    AttemptListener,
    Executed,
    Failed,
    Outcome,
    Worker,
)
from longwire_server.execution.frames_pb2 import (
    PART_OF_WORKER_HELPS,
    PART_OF_WORKER_LEADS,
    PartDone,
    PartWanted,
    ProgramLimits,
    RunPart,
)
from longwire_server.execution.part_sizes import PartSizes
from longwire_server.execution.worker_frames import MisbehaviourError
from longwire_server.execution.worker_process import WorkerProcess

_logger = logging.getLogger(__name__)

# A smaller program has few circuits, or is over before others have read it.
_WORTH_BYTES: Final = 64 << 10
# A helper for whose worker somebody waits may take so long to finish its part.
_RECALL_SECONDS: Final = 1.0

_NOT_RUN: Final = Failed(
    ErrorReason.ERROR_REASON_WORKER_DIED, "A worker process did not run its part of the job"
)
_DEFECT: Final = Failed(
    ErrorReason.ERROR_REASON_INTERNAL, "The server has a defect; its log has the details"
)


def _seconds_since(begin: float) -> float:
    return asyncio.get_running_loop().time() - begin


def _has_died(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.reason == ErrorReason.ERROR_REASON_WORKER_DIED


class Helpers(abc.ABC):
    """Lends the workers that help."""

    @abc.abstractmethod
    def take(self, recall: Callable[[WorkerProcess], None]) -> WorkerProcess | None:
        """A worker that nobody else waits for, or None.

        Args:
            recall: called when somebody waits for it, at most once.
        """

    @abc.abstractmethod
    def give_back(self, worker: WorkerProcess) -> None:
        """Takes it back, dead or alive."""


class SharedWorker(Worker):
    """A worker that others help, where there are any.

    Args:
        leader: the worker.
        helpers: lends others.
    """

    def __init__(self, leader: WorkerProcess, helpers: Helpers) -> None:
        self._leader = leader
        self._helpers = helpers
        self._attempt: _SharedAttempt | None = None

    async def execute(
        self,
        job_id: str,
        spec: bytes,
        program: bytes,
        listener: AttemptListener,
        limits: ProgramLimits,
    ) -> Outcome:
        """See :meth:`Worker.execute`."""
        if len(spec) + len(program) < _WORTH_BYTES:
            return await self._leader.execute(job_id, spec, program, listener, limits)
        work = _Work(job_id, spec, program, limits)
        self._attempt = _SharedAttempt(self._leader, self._helpers, work, listener)
        try:
            return await self._attempt.run()
        finally:
            self.beside_seconds = self._attempt.beside_seconds

    def goes_on(self) -> bool:
        """See :meth:`Worker.goes_on`."""
        return all(worker.goes_on() for worker in self._members)

    def kill(self) -> None:
        """See :meth:`Worker.kill`."""
        for worker in self._members:
            worker.kill()

    @property
    def _members(self) -> list[WorkerProcess]:
        return [self._leader, *(self._attempt.helping if self._attempt is not None else ())]


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """What every worker is given."""

    job_id: str
    spec: bytes
    program: bytes
    limits: ProgramLimits


@dataclasses.dataclass(slots=True, eq=False)
class _Helper:
    """A worker that helps."""

    began: float
    """When, by the event loop's clock."""

    task: asyncio.Task[None] | None = None
    recalled: asyncio.TimerHandle | None = None
    """Kills it when it takes too long; set once somebody waits for it."""

    has_begun: bool = False
    """Whether it has read the program."""

    is_given_up: bool = False
    """Whether that has happened: what it ran last is run again."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Given:
    """A part that a worker runs."""

    first: int
    count: int
    since: float


class _Silent(AttemptListener):
    """What a helper tells is not news."""

    def running(self) -> None:
        """Nothing."""

    def progress(self, finished: int, total: int) -> None:
        """Nothing."""

    def pub_finished(self, result: bytes) -> None:
        """Nothing."""


class _SharedAttempt:
    """One attempt.

    Attributes:
        helping: the helpers that it has.
    """

    def __init__(
        self, leader: WorkerProcess, helpers: Helpers, work: _Work, listener: AttemptListener
    ) -> None:
        self._leader = leader
        self._helpers = helpers
        self._work = work
        self._listener = listener
        self.helping: dict[WorkerProcess, _Helper] = {}
        self._ended_seconds = 0.0
        self._is_over = False
        self._can_be_helped = True
        self._total = 0
        self._finished = 0
        self._shots = 0
        # Runs that nobody has been given, as (first, count) in their order.
        self._left: list[tuple[int, int]] = []
        self._given: dict[WorkerProcess, _Given] = {}
        self._sizes = PartSizes()
        # What helpers have finished and the leader has yet to be sent.
        self._results: list[PartDone] = []
        self._leader_waits = False
        # What went wrong, by where in the job.
        self._failures: list[tuple[float, Failed]] = []

    async def run(self) -> Outcome:
        """The outcome. A helper that still reads the program is given back when it has."""
        work = self._work
        outcome = await self._leader.execute(
            work.job_id,
            work.spec,
            work.program,
            self._listener,
            work.limits,
            part=PART_OF_WORKER_LEADS,
            on_part_wanted=self._on_leader_wants,
            on_runs_expected=self._on_expected,
        )
        self._is_over = True
        if isinstance(outcome, Failed):
            given = self._given.get(self._leader)
            self._failures.append((-1.0 if given is None else given.first, outcome))
        while tasks := [each.task for each in self._with_earlier_parts()]:
            await asyncio.wait([task for task in tasks if task is not None])
        if self._failures:
            return min(self._failures, key=lambda failure: failure[0])[1]
        if isinstance(outcome, Executed) and self._total:
            return dataclasses.replace(outcome, shots=self._shots)
        return outcome

    @property
    def beside_seconds(self) -> float:
        """How long helpers were occupied until now."""
        begins = [helper.began for helper in self.helping.values()]
        return self._ended_seconds + sum(map(_seconds_since, begins))

    def _with_earlier_parts(self) -> list[_Helper]:
        """The helpers whose parts may fail before what has failed by now."""
        failed_at = min((place for place, _ in self._failures), default=-1.0)
        return [
            helper
            for worker, helper in self.helping.items()
            if worker in self._given and self._given[worker].first < failed_at
        ]

    def _on_expected(self, total: int) -> None:
        """Has another read the program at the same time, where it is sure to be worth it.

        One alone: whether it can be read, and harms nobody who does, is not known yet.
        """
        if not self._total:
            self._find_helpers(total, most=1)

    def _on_leader_wants(self, wanted: PartWanted) -> None:
        self._note_total(wanted)
        self._take_over(self._leader, wanted)
        self._leader_waits = True
        self._serve_leader()
        self._find_helpers(sum(count for _, count in self._left))

    def _note_total(self, wanted: PartWanted) -> None:
        """The first to have read the program tells how many runs there are."""
        if not self._total:
            if not 0 < wanted.total < 1 << 32:
                raise MisbehaviourError(f"it sent a job of {wanted.total} runs")
            self._total = wanted.total
            self._left = [(0, wanted.total)]
        elif wanted.total != self._total:
            raise MisbehaviourError(f"it sent a job of {wanted.total} runs, not {self._total}")

    def _serve_leader(self) -> None:
        """Gives the leader something to do, if there is anything by now."""
        if not self._leader_waits:
            return
        part = self._next_part(self._leader)
        if part.count == 0 and self._given:
            # What others run may yet be lost, or have to be made a result of.
            return
        part.others.extend(self._results)
        self._results.clear()
        part.abandoned = part.count == 0 and bool(self._failures)
        self._leader_waits = False
        self._leader.give_part(part)

    def _on_helper_wants(self, worker: WorkerProcess, helper: _Helper, wanted: PartWanted) -> None:
        self._note_total(wanted)
        helper.has_begun = True
        self._take_over(worker, wanted)
        goes = self._is_over or helper.recalled is not None
        worker.give_part(RunPart() if goes else self._next_part(worker))
        self._serve_leader()

    def _take_over(self, worker: WorkerProcess, wanted: PartWanted) -> None:
        """Takes note of what a worker has run."""
        given = self._given.pop(worker, None)
        if given is None:
            return
        done = wanted.done
        if (done.first, done.count) != (given.first, given.count):
            raise MisbehaviourError("it ran something else than it was given")
        self._sizes.note(given.count, asyncio.get_running_loop().time() - given.since)
        self._finished += done.count
        self._shots += done.shots
        if worker is not self._leader:
            self._results.append(done)
        if self._finished < self._total:
            self._listener.progress(self._finished, self._total)

    def _next_part(self, worker: WorkerProcess) -> RunPart:
        """The next runs for a worker, empty where there are none that count."""
        failed_at = min((place for place, _ in self._failures), default=math.inf)
        if not self._left or self._left[0][0] > failed_at:
            return RunPart()
        first, left = self._left.pop(0)
        everything = left + sum(count for _, count in self._left)
        count = min(left, self._sizes.next_count(everything, 1 + len(self.helping)))
        if count < left:
            self._left.insert(0, (first + count, left - count))
        self._given[worker] = _Given(first, count, asyncio.get_running_loop().time())
        return RunPart(first=first, count=count)

    def _find_helpers(self, left: int, *, most: float = math.inf) -> None:
        """Has all that are idle help, as long as there is enough to do for them.

        Args:
            left: how many runs nobody has been given.
            most: how many may help.
        """
        while self._sizes.is_worth_help(left, 1 + len(self.helping)):
            if self._failures or not self._can_be_helped or len(self.helping) >= most:
                return
            worker = self._helpers.take(self._recall)
            if worker is None:
                return
            helper = self.helping[worker] = _Helper(asyncio.get_running_loop().time())
            helper.task = asyncio.create_task(self._help(worker, helper))
            _logger.info("job %s: worker %d helps", self._work.job_id, worker.pid)

    def _recall(self, worker: WorkerProcess) -> None:
        """Lets a helper go soon."""
        helper = self.helping[worker]

        def give_up() -> None:
            helper.is_given_up = True
            worker.kill()

        helper.recalled = asyncio.get_running_loop().call_later(_RECALL_SECONDS, give_up)

    async def _help(self, worker: WorkerProcess, helper: _Helper) -> None:
        work = self._work
        outcome: Outcome = _DEFECT
        try:
            outcome = await worker.execute(
                work.job_id,
                work.spec,
                work.program,
                _Silent(),
                work.limits,
                part=PART_OF_WORKER_HELPS,
                on_part_wanted=lambda wanted: self._on_helper_wants(worker, helper, wanted),
            )
        finally:
            if helper.recalled is not None:
                helper.recalled.cancel()
            self._note_end(worker, helper, outcome)
            self._ended_seconds += _seconds_since(helper.began)
            del self.helping[worker]
            self._helpers.give_back(worker)
            self._serve_leader()

    def _note_end(self, worker: WorkerProcess, helper: _Helper, outcome: Outcome) -> None:
        given = self._given.pop(worker, None)
        if not helper.has_begun:
            # The leader could read the program. Whatever kept this one from it, the job
            # does not need it.
            self._can_be_helped = self._can_be_helped and helper.is_given_up
        elif helper.is_given_up or _has_died(outcome):
            # What it had sent counts. If a run is what killed it, the leader dies of it,
            # and no third worker.
            self._can_be_helped = self._can_be_helped and helper.is_given_up
            if given is not None:
                self._left = sorted([*self._left, (given.first, given.count)])
        elif isinstance(outcome, Failed):
            self._failures.append((-1.0 if given is None else given.first, outcome))
        elif given is not None:
            self._failures.append((given.first, _NOT_RUN))
