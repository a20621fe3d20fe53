"""Running one job on one worker, and recording how it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.execution.executor import Executed, Outcome, Worker
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.lifecycle import CANCELLED, DONE, ERROR, PREDECESSORS, VALIDATING
from longwire_server.jobs.live_job import LiveJob, Stop
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, ProgramKey, StoreError

_logger = logging.getLogger(__name__)

CANCEL = Stop(CANCELLED, ErrorReason.ERROR_REASON_CANCELLED, "")


class AttemptRunner:
    """Runs attempts and writes their outcomes.

    Args:
        store: the durable record.
        programs: the payloads of jobs that name them by their digest.
        time_limit_seconds: how long an attempt may take, by backend.
        inline_result_bytes: results up to this size travel in the final event.
        on_final: called with every job that will not be heard of again.
    """

    def __init__(
        self,
        store: JobStore,
        programs: KeptPrograms,
        *,
        time_limit_seconds: Mapping[str, float],
        inline_result_bytes: int,
        on_final: Callable[[LiveJob], None],
    ) -> None:
        self._store = store
        self._programs = programs
        self._time_limit_seconds = time_limit_seconds
        self._inline_result_bytes = inline_result_bytes
        self._on_final = on_final

    async def run(self, live: LiveJob, worker: Worker) -> None:
        """Runs a job on a worker that was taken for it. Never raises."""
        try:
            outcome = await self._execute(live, worker)
            await self._conclude(live, outcome)
        except StoreError:
            # The job stays as the store has it, unfinished: the next start sees to it.
            _logger.exception("job %s: its outcome could not be recorded", live.job.job_id)
            self._on_final(live)
            live.close()
        except Exception:
            # A defect of ours must not leave anybody waiting for ever.
            _logger.exception("job %s: an exception that nothing expected", live.job.job_id)
            await self._give_up(live)

    def stop(self, live: LiveJob, stop: Stop) -> None:
        """Has the running attempt killed; the job ends as ``stop`` says."""
        live.stop = live.stop or stop
        if live.worker is not None:
            live.worker.kill()

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
        )
        written = await self._store.update(job, expected=PREDECESSORS[state], result=result)
        self._on_final(live)
        if not written:
            # Its record is gone, or final by somebody else's hand.
            live.close()
            return
        small = result is not None and len(result) <= self._inline_result_bytes
        live.finish(job, EncodedResult.FromString(result) if small and result else None)

    async def _execute(self, live: LiveJob, worker: Worker) -> Outcome | None:
        """The outcome of one attempt, or None where it was stopped before it began."""
        job_id = live.job.job_id
        spec = live.spec if live.spec is not None else await self._store.spec(job_id)
        live.spec = None
        program = await self._program(live.job) if live.job.payloads_sha256 else b""
        if live.stop is not None or spec is None or program is None:
            return None
        live.begin_attempt(inline_result_bytes=self._inline_result_bytes)
        # Not waited for here: what is written later is committed later.
        begun = asyncio.ensure_future(
            self._store.update(live.job, expected=PREDECESSORS[VALIDATING], result=None)
        )
        limit_seconds = self._time_limit_seconds[live.job.backend_name]
        timer = asyncio.get_running_loop().call_later(
            limit_seconds, self.stop, live, _too_long(limit_seconds)
        )
        live.worker = worker
        try:
            return await worker.execute(job_id, spec, program, live)
        finally:
            live.worker = None
            timer.cancel()
            await begun

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
            self._on_final(live)
            live.close()

    async def _conclude(self, live: LiveJob, outcome: Outcome | None) -> None:
        if isinstance(outcome, Executed):
            await self.finish(live, DONE, result=outcome.result)
        elif live.stop is not None:
            stop = live.stop
            await self.finish(live, stop.state, reason=stop.reason, message=stop.message)
        elif outcome is None:
            reason = ErrorReason.ERROR_REASON_INTERNAL
            await self.finish(live, ERROR, reason=reason, message="The job's program is missing")
        else:
            await self.finish(live, ERROR, reason=outcome.reason, message=outcome.message)


def _too_long(limit_seconds: float) -> Stop:
    return Stop(
        ERROR,
        ErrorReason.ERROR_REASON_TIME_LIMIT,
        f"The job ran longer than {limit_seconds:g} s, its pool's time_limit_seconds: "
        "split it, or use fewer shots or qubits",
    )
