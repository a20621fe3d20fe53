"""Running one job on one worker, and recording how it ended."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.accounts.tenants import Tenants
from longwire_server.execution.executor import Executed, Failed, Outcome, Worker
from longwire_server.execution.frames_pb2 import ProgramLimits
from longwire_server.failpoints import failpoint
from longwire_server.jobs.attempt_policy import AttemptPolicy, RunLimit
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.leases import Leases
from longwire_server.jobs.lifecycle import (
    CANCELLED,
    DONE,
    ERROR,
    PREDECESSORS,
    QUEUED,
)
from longwire_server.jobs.live_job import LiveJob, Stop
from longwire_server.jobs.recorder import Recorder
from longwire_server.jobs.spent import NOTHING_SPENT, Spent
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, PayloadDamagedError, ProgramKey, StoreError

_logger = logging.getLogger(__name__)

CANCEL = Stop(CANCELLED, ErrorReason.ERROR_REASON_CANCELLED, "")


# What is said of an attempt that was recorded and then not made; what stopped it counts.
_NOT_MADE = Failed(ErrorReason.ERROR_REASON_WORKER_DIED, "The attempt was stopped before it began")


class _RefusedError(Exception):
    """The store did not let an attempt begin or end: the job is no longer in it."""


class _ProgramMissingError(Exception):
    """The store does not have what is to be executed."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """What a worker is given."""

    spec: bytes
    program: bytes


class AttemptRunner:
    """Runs attempts and writes their outcomes.

    While the store is away, a job whose outcome is known counts as running, and keeps
    its worker until the outcome is recorded. So no more results are held in memory
    than there are workers, and nothing is run that cannot be recorded.

    Args:
        store: the durable record.
        programs: the payloads of jobs that name them by their digest.
        policies: how often and how long jobs are tried, by backend.
        tenants: what their owners may ask for.
        program_limits: what a worker is told to refuse of a tenant's programs.
        lease_seconds: how long a lease lasts without renewal.
        inline_result_bytes: results up to this size travel in the final event.
        on_put_back: called with every job that is to be queued again.
        on_final: called with every job that will not be heard of again.
    """

    def __init__(
        self,
        store: JobStore,
        programs: KeptPrograms,
        *,
        policies: Mapping[str, AttemptPolicy],
        tenants: Tenants,
        program_limits: Callable[[str], ProgramLimits],
        lease_seconds: float,
        inline_result_bytes: int,
        on_put_back: Callable[[LiveJob], None],
        on_final: Callable[[LiveJob], None],
    ) -> None:
        self._store = store
        self._recorder = Recorder(store)
        self._programs = programs
        self._policies = policies
        self._tenants = tenants
        self._program_limits = program_limits
        self._inline_result_bytes = inline_result_bytes
        self._on_put_back = on_put_back
        self._on_final = on_final
        self._running: dict[str, LiveJob] = {}
        self.leases = Leases(store, lease_seconds=lease_seconds, stop=self.stop)

    async def run(self, live: LiveJob, worker: Worker) -> None:
        """Runs a job on a worker that was taken for it. Never raises."""
        job_id = live.job.job_id
        self._running[job_id] = live
        try:
            await self._run(live, worker)
        except _RefusedError:
            # Somebody else has it, or has ended it: nothing of ours counts any more.
            _logger.warning(
                "job %s: attempt %d is no longer this server's, and what came of it was refused",
                job_id,
                live.job.attempt,
            )
            self.abandon(live)
        except StoreError as error:
            # The server stops. The job stays as the store has it, unfinished: the next
            # start sees to it.
            _logger.error("job %s: its outcome could not be recorded: %s", job_id, error)
            self.abandon(live)
        except Exception:
            # A defect of ours must not leave anybody waiting for ever.
            _logger.exception("job %s: an exception that nothing expected", job_id)
            await self._give_up(live)
        finally:
            self.leases.release(live)
            self._running.pop(job_id)

    def stop(self, live: LiveJob, stop: Stop) -> None:
        """Has the running attempt killed; the job goes on as ``stop`` says."""
        if live.stop is None or (live.stop.lost and not stop.lost):
            live.stop = stop
        if live.worker is not None:
            live.worker.kill()

    def stop_all(self, stop: Stop) -> None:
        """The same for every attempt that runs or is about to begin."""
        for live in list(self._running.values()):
            self.stop(live, stop)

    def drain(self) -> None:
        """Begins no attempt any more whose program has yet to be read from the store."""
        self._recorder.drain()

    def give_up(self) -> None:
        """What cannot be recorded is tried once more, and then left to the next start."""
        self._recorder.give_up()

    async def settled(self) -> None:
        """Returns when no outcome waits to be recorded."""
        await self._recorder.settled()

    async def end(self, live: LiveJob, stop: Stop) -> None:
        """Ends a job that has left the queue, as soon as the store takes it.

        Raises:
            StoreError: it could not be written before the server stopped.
        """
        await self.finish(
            live, stop.state, reason=stop.reason, message=stop.message, patiently=True
        )

    async def finish(
        self,
        live: LiveJob,
        state: JobState.ValueType,
        *,
        reason: ErrorReason.ValueType = ErrorReason.ERROR_REASON_UNSPECIFIED,
        message: str = "",
        result: bytes | None = None,
        patiently: bool = False,
    ) -> None:
        """Writes a job's final state, then tells the watchers.

        Args:
            live: the job.
            state: how it ended.
            reason: why it failed, where it did.
            message: the same for people.
            result: the serialised EncodedResult of a job that is done.
            patiently: whether to try until the store takes it, or the server stops.

        Raises:
            StoreError: it could not be written.
        """
        job = live.evolved(
            state=state,
            end_time_us=now_us(),
            error_reason=reason if state == ERROR else ErrorReason.ERROR_REASON_UNSPECIFIED,
            error_message=message if state == ERROR else "",
            result_bytes=len(result or b""),
            lease_owner="",
            lease_expires_us=None,
        )

        used = live.spent.usage_of(job, jobs=1)

        async def write() -> bool:
            failpoint("jobs.finish.before", StoreError)
            written = await self._store.update(
                job,
                expected=PREDECESSORS[state],
                attempt=job.attempt,
                result=result,
                usage=used,
            )
            failpoint("jobs.finish.after", StoreError)
            return written

        written = await self._write(job.job_id, write, patiently=patiently)
        self._on_final(live)
        if not written:
            _logger.warning(
                "job %s: it is no longer in attempt %d, whose outcome was refused",
                job.job_id,
                job.attempt,
            )
            live.close()
            return
        small = result is not None and len(result) <= self._inline_result_bytes
        live.finish(job, EncodedResult.FromString(result) if small and result else None)

    async def put_back(self, live: LiveJob, stop: Stop, *, patiently: bool = False) -> bool:
        """Puts a job whose attempt is lost back into the queue, or ends it.

        Args:
            live: the job.
            stop: how the attempt was lost.
            patiently: whether to try until the store takes it, or the server stops.

        Returns:
            Whether the job is to be queued again. Otherwise it is final, or somebody
            else's.

        Raises:
            StoreError: it could not be written.
        """
        attempt = live.job.attempt
        policy = self._policies[live.job.backend_name]
        # A device's program runs once, whatever became of it.
        is_forgiven = stop.forgiven and policy.max_attempts > 1
        forgiven_attempts = live.job.forgiven_attempts + is_forgiven
        if not policy.allows_another(attempt - forgiven_attempts):
            message = policy.exhausted(stop.message, live.job.counted_attempts)
            await self.finish(live, ERROR, reason=stop.reason, message=message, patiently=patiently)
            return False
        job = live.evolved(
            state=QUEUED,
            lease_owner=self.leases.owner,
            lease_expires_us=None,
            forgiven_attempts=forgiven_attempts,
        )

        used = live.spent.usage_of(job, jobs=0)

        async def write() -> bool:
            failpoint("jobs.put_back.before", StoreError)
            return await self._store.update(
                job, expected=PREDECESSORS[QUEUED], attempt=attempt, result=None, usage=used
            )

        if not await self._write(job.job_id, write, patiently=patiently):
            self.abandon(live)
            return False
        _logger.warning("job %s: attempt %d is lost: %s", job.job_id, attempt, stop.message)
        failpoint("jobs.put_back.after")
        live.lose_attempt(job)
        live.spent = NOTHING_SPENT
        if live.stop is not None and not live.stop.lost:
            # Somebody cancelled it meanwhile.
            stop = live.stop
            await self.finish(
                live, stop.state, reason=stop.reason, message=stop.message, patiently=patiently
            )
            return False
        live.stop = None
        return True

    async def _write(
        self, job_id: str, write: Callable[[], Awaitable[bool]], *, patiently: bool
    ) -> bool:
        return await (self._recorder.until_answered(job_id, write) if patiently else write())

    async def _run(self, live: LiveJob, worker: Worker) -> None:
        try:
            work = await self._work(live)
        except _ProgramMissingError as error:
            await self.end(live, Stop(ERROR, ErrorReason.ERROR_REASON_INTERNAL, str(error)))
            return
        if work is not None:
            outcome = await self._execute(live, worker, work)
            failpoint("jobs.outcome.received")
            await self._conclude(live, outcome)
        elif live.stop is not None and not live.stop.lost:
            await self.end(live, live.stop)
        else:
            # It is in the queue still, as far as the store knows.
            live.stop = None
            self._on_put_back(live)

    async def _work(self, live: LiveJob) -> _Work | None:
        """What is to be executed; None where the job is not to begin now.

        Waits for a store that is away, and the worker with it: whatever it took from
        the queue instead would have to wait as well.

        Raises:
            _ProgramMissingError: the store does not have it, or not as it was.
        """
        job = live.job

        async def read() -> tuple[bytes | None, bytes | None]:
            spec = live.spec if live.spec is not None else await self._store.spec(job.job_id)
            return spec, await self._program(job) if job.payloads_sha256 else b""

        try:
            found = await self._recorder.read(job.job_id, read, is_needed=lambda: live.stop is None)
        except PayloadDamagedError as error:
            _logger.error("job %s: its program is lost: %s", job.job_id, error)
            raise _ProgramMissingError(f"The job's program cannot be read: {error}") from error
        if found is None or live.stop is not None:
            return None
        spec, program = found
        if spec is None or program is None:
            raise _ProgramMissingError("The job's program is missing")
        if not self._policies[job.backend_name].allows_another(job.counted_attempts + 1):
            # No other attempt will need it.
            live.spec = None
        return _Work(spec, program)

    async def _execute(self, live: LiveJob, worker: Worker, work: _Work) -> Outcome:
        """The outcome of one attempt, whose beginning is recorded.

        Raises:
            StoreError: its beginning could not be recorded before the server stopped.
            _RefusedError: the job was no longer waiting for this attempt.
        """
        before = live.job.attempt
        live.begin_attempt(
            lease_owner=self.leases.owner,
            lease_expires_us=self.leases.expires_us(),
            inline_result_bytes=self._inline_result_bytes,
        )
        # What is written later is committed later: so this is not waited for, as a rule.
        begun = asyncio.create_task(self._record_beginning(live, live.job, before))
        begun.add_done_callback(partial(_kill_if_refused, worker))
        try:
            policy = self._policies[live.job.backend_name]
            # The last attempt is recorded before it is made: it must not be made once
            # more, also if the server dies now.
            if not policy.allows_another(live.job.counted_attempts) and not await begun:
                raise _RefusedError
            outcome = await self._execute_within_limit(live, worker, work)
        finally:
            is_ours = await begun
        if not is_ours:
            raise _RefusedError
        return outcome

    async def _execute_within_limit(self, live: LiveJob, worker: Worker, work: _Work) -> Outcome:
        if live.stop is not None:
            return _NOT_MADE
        job = live.job
        quotas = self._tenants.quotas(job.tenant)
        limit = self._policies[job.backend_name].run_limit(
            job.run_limit_seconds, quotas.run_seconds
        )
        loop = asyncio.get_running_loop()
        timer = loop.call_later(limit.seconds, self.stop, live, _too_long(limit))
        live.worker = worker
        begun, shots = loop.time(), 0
        try:
            outcome = await worker.execute(
                job.job_id, work.spec, work.program, live, self._program_limits(job.tenant)
            )
            if isinstance(outcome, Executed):
                shots = outcome.shots
            return outcome
        finally:
            live.spent = Spent(loop.time() - begun + worker.beside_seconds, shots)
            live.worker = None
            timer.cancel()

    async def _record_beginning(self, live: LiveJob, begun_job: Job, before: int) -> bool:
        """Records the attempt after ``before``; whether the store allowed it."""
        begun = await self._recorder.begin(
            begun_job, attempt=before, lease_expires_us=self.leases.expires_us
        )
        failpoint("jobs.begin.after")
        if begun:
            # Not before: a lease that is not in the store yet would pass for a lost one.
            self.leases.hold(live)
        return begun

    async def _program(self, job: Job) -> bytes | None:
        payloads = await self._programs.find(ProgramKey(job.tenant, job.payloads_sha256))
        return None if payloads is None else payloads.program

    async def _give_up(self, live: LiveJob) -> None:
        try:
            await self.finish(
                live,
                ERROR,
                reason=ErrorReason.ERROR_REASON_INTERNAL,
                message="The server has a defect; its log has the details under the job's id",
                patiently=True,
            )
        except (StoreError, ValueError):
            _logger.exception("job %s: it could not be ended either", live.job.job_id)
            self.abandon(live)

    async def _conclude(self, live: LiveJob, outcome: Outcome) -> None:
        if isinstance(outcome, Executed):
            await self.finish(live, DONE, result=outcome.result, patiently=True)
        elif live.stop is not None and not live.stop.lost:
            await self.end(live, live.stop)
        elif live.stop is not None or outcome.reason == ErrorReason.ERROR_REASON_WORKER_DIED:
            stop = live.stop or Stop(ERROR, outcome.reason, outcome.message, lost=True)
            if await self.put_back(live, stop, patiently=True):
                self._on_put_back(live)
        else:
            await self.end(live, Stop(ERROR, outcome.reason, outcome.message))

    def abandon(self, live: LiveJob) -> None:
        """Lets go of a job that is no longer this server's, or that the next start sees to."""
        self._on_final(live)
        live.close()


def _kill_if_refused(worker: Worker, begun: asyncio.Future[bool]) -> None:
    if not begun.cancelled() and begun.exception() is None and not begun.result():
        worker.kill()


def _too_long(limit: RunLimit) -> Stop:
    return Stop(ERROR, ErrorReason.ERROR_REASON_TIME_LIMIT, limit.message)
