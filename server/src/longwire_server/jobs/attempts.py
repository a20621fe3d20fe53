"""Running one job on one worker, and recording how it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.executor import Executed, Outcome, Worker
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
    VALIDATING,
)
from longwire_server.jobs.live_job import LiveJob, Stop
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, ProgramKey, StoreError

_logger = logging.getLogger(__name__)

CANCEL = Stop(CANCELLED, ErrorReason.ERROR_REASON_CANCELLED, "")


class _RefusedError(Exception):
    """The store did not let an attempt begin or end: the job is no longer in it."""


class AttemptRunner:
    """Runs attempts and writes their outcomes.

    Args:
        store: the durable record.
        programs: the payloads of jobs that name them by their digest.
        policies: how often and how long jobs are tried, by backend.
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
        lease_seconds: float,
        inline_result_bytes: int,
        on_put_back: Callable[[LiveJob], None],
        on_final: Callable[[LiveJob], None],
    ) -> None:
        self._store = store
        self._programs = programs
        self._policies = policies
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
            outcome = await self._execute(live, worker)
            await self._conclude(live, outcome)
        except _RefusedError:
            # Somebody else has it, or has ended it: nothing of ours counts any more.
            _logger.warning(
                "job %s: attempt %d is no longer this server's, and what came of it was refused",
                job_id,
                live.job.attempt,
            )
            self._abandon(live)
        except StoreError:
            # The job stays as the store has it, unfinished: the next start sees to it.
            _logger.exception("job %s: its outcome could not be recorded", job_id)
            self._abandon(live)
        except Exception:
            # A defect of ours must not leave anybody waiting for ever.
            _logger.exception("job %s: an exception that nothing expected", job_id)
            await self._give_up(live)
        finally:
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

    async def finish(
        self,
        live: LiveJob,
        state: JobState.ValueType,
        *,
        reason: ErrorReason.ValueType = ErrorReason.ERROR_REASON_UNSPECIFIED,
        message: str = "",
        result: bytes | None = None,
    ) -> None:
        """Writes a job's final state, then tells the watchers.

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
        written = await self._store.update(
            job, expected=PREDECESSORS[state], attempt=job.attempt, result=result
        )
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

    async def put_back(self, live: LiveJob, stop: Stop) -> bool:
        """Puts a job whose attempt is lost back into the queue, or ends it.

        Args:
            live: the job.
            stop: how the attempt was lost.

        Returns:
            Whether the job is to be queued again. Otherwise it is final, or somebody
            else's.

        Raises:
            StoreError: it could not be written.
        """
        attempt = live.job.attempt
        policy = self._policies[live.job.backend_name]
        if not policy.allows_another(attempt):
            message = policy.exhausted(stop.message, attempt)
            await self.finish(live, ERROR, reason=stop.reason, message=message)
            return False
        job = live.evolved(state=QUEUED, lease_owner="", lease_expires_us=None)
        if not await self._store.update(
            job, expected=PREDECESSORS[QUEUED], attempt=attempt, result=None
        ):
            self._abandon(live)
            return False
        _logger.warning("job %s: attempt %d is lost: %s", job.job_id, attempt, stop.message)
        live.lose_attempt(job)
        if live.stop is not None and not live.stop.lost:
            # Somebody cancelled it meanwhile.
            await self._end(live, live.stop)
            return False
        live.stop = None
        return True

    async def _execute(self, live: LiveJob, worker: Worker) -> Outcome | None:
        """The outcome of one attempt, or None where it was stopped before it began.

        Raises:
            StoreError: its beginning could not be recorded.
            _RefusedError: the job was no longer waiting for this attempt.
        """
        job_id = live.job.job_id
        spec = live.spec if live.spec is not None else await self._store.spec(job_id)
        program = await self._program(live.job) if live.job.payloads_sha256 else b""
        policy = self._policies[live.job.backend_name]
        if not policy.allows_another(live.job.attempt + 1):
            # No other attempt will need it.
            live.spec = None
        if live.stop is not None or spec is None or program is None:
            return None
        limit = policy.run_limit(live.job.run_limit_seconds)
        # What is written later is committed later: so this is not waited for, as a rule.
        begun = self._begin(live)
        begun.add_done_callback(partial(_kill_if_refused, worker))
        timer = asyncio.get_running_loop().call_later(
            limit.seconds, self.stop, live, _too_long(limit)
        )
        live.worker = worker
        try:
            if not policy.allows_another(live.job.attempt):
                # The program must not run once more, also if the server dies now.
                await begun
            outcome = await worker.execute(job_id, spec, program, live)
        finally:
            live.worker = None
            timer.cancel()
            self.leases.release(live)
            is_ours = await begun
        if not is_ours:
            raise _RefusedError
        return outcome

    def _begin(self, live: LiveJob) -> asyncio.Future[bool]:
        """Moves a job into its next attempt. The future tells whether the store allowed it."""
        before = live.job.attempt
        live.begin_attempt(
            lease_owner=self.leases.owner,
            lease_expires_us=self.leases.expires_us(),
            inline_result_bytes=self._inline_result_bytes,
        )
        self.leases.hold(live)
        return asyncio.ensure_future(
            self._store.update(
                live.job, expected=PREDECESSORS[VALIDATING], attempt=before, result=None
            )
        )

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
            )
        except (StoreError, ValueError):
            _logger.exception("job %s: it could not be ended either", live.job.job_id)
            self._abandon(live)

    async def _conclude(self, live: LiveJob, outcome: Outcome | None) -> None:
        if isinstance(outcome, Executed):
            await self.finish(live, DONE, result=outcome.result)
        elif live.stop is not None and not live.stop.lost:
            await self._end(live, live.stop)
        elif outcome is None and live.stop is not None:
            # It had not begun: it is in the queue still, as far as the store knows.
            live.stop = None
            self._on_put_back(live)
        elif outcome is None:
            reason = ErrorReason.ERROR_REASON_INTERNAL
            await self.finish(live, ERROR, reason=reason, message="The job's program is missing")
        elif live.stop is not None or outcome.reason == ErrorReason.ERROR_REASON_WORKER_DIED:
            stop = live.stop or Stop(ERROR, outcome.reason, outcome.message, lost=True)
            if await self.put_back(live, stop):
                self._on_put_back(live)
        else:
            await self.finish(live, ERROR, reason=outcome.reason, message=outcome.message)

    async def _end(self, live: LiveJob, stop: Stop) -> None:
        await self.finish(live, stop.state, reason=stop.reason, message=stop.message)

    def _abandon(self, live: LiveJob) -> None:
        self._on_final(live)
        live.close()


def _kill_if_refused(worker: Worker, begun: asyncio.Future[bool]) -> None:
    if not begun.cancelled() and begun.exception() is None and not begun.result():
        worker.kill()


def _too_long(limit: RunLimit) -> Stop:
    return Stop(ERROR, ErrorReason.ERROR_REASON_TIME_LIMIT, limit.message)
