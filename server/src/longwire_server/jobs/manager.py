"""Jobs from their submission to their deletion."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping

from longwire.v1 import job_pb2
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.jobs.admission import AdmissionLimits, admit, check_payloads
from longwire_server.jobs.attempt_policy import AttemptPolicy
from longwire_server.jobs.attempts import CANCEL, AttemptRunner
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.job_message import job_to_proto
from longwire_server.jobs.job_watch import JobWatch
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.lifecycle import (
    CANCELLED,
    DONE,
    QUEUED,
    RUNNING,
    VALIDATING,
    state_name,
)
from longwire_server.jobs.live_job import SERVER_STOPPED, LiveJob, finished_event
from longwire_server.jobs.primitive_admission import job_kind
from longwire_server.jobs.queue_deadlines import QueueDeadlines
from longwire_server.jobs.recovery import Recovery
from longwire_server.refusals import (
    job_not_finished,
    job_not_found,
    request_id_reused,
    result_not_available,
    server_draining,
)
from longwire_server.store.job import FINAL_STATES, Job
from longwire_server.store.job_query import Cursor, JobQuery
from longwire_server.store.job_store import JobStore, StoreError

# Specs up to this size stay in memory while their job is queued; larger ones
# are read from the store when a worker is there.
_SPEC_KEPT_BYTES = 64 * 1024
_US_PER_SECOND = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Submission:
    """The outcome of :meth:`JobManager.submit`."""

    job: Job
    """The job as recorded."""

    created: bool
    """False where the request id was known."""

    target_sha256: bytes
    """The digest of the backend's Target; empty while it is not loaded."""


@dataclasses.dataclass(frozen=True, slots=True)
class JobPage:
    """A page of a listing. It may hold fewer jobs than were asked for, even none."""

    jobs: list[job_pb2.Job]
    """The jobs, the newest first."""

    next_page: Cursor | None
    """Where the next page begins; None where there is none."""


class JobManager:
    """Submits, shows, cancels and deletes jobs.

    Args:
        store: the durable record.
        programs: the programs that jobs name by their digest.
        directory: the hosted backends.
        dispatcher: the queue in front of the workers.
        limits: what a request may ask for.
        policies: how often and how long jobs are tried, by backend.
        lease_seconds: how long a lease lasts without renewal.
        inline_result_bytes: results up to this size travel in the final event.
    """

    def __init__(
        self,
        store: JobStore,
        programs: KeptPrograms,
        directory: BackendDirectory,
        dispatcher: Dispatcher,
        *,
        limits: AdmissionLimits,
        policies: Mapping[str, AttemptPolicy],
        lease_seconds: float,
        inline_result_bytes: int,
    ) -> None:
        self._store = store
        self._programs = programs
        self._directory = directory
        self._dispatcher = dispatcher
        self._limits = limits
        self._inline_result_bytes = inline_result_bytes
        self._attempts = AttemptRunner(
            store,
            programs,
            policies=policies,
            lease_seconds=lease_seconds,
            inline_result_bytes=inline_result_bytes,
            on_put_back=self._put_back,
            on_final=self._forget,
        )
        self._deadlines = QueueDeadlines(dispatcher, self._attempts)
        self._recovery = Recovery(
            store, directory, self._attempts, self._attempts.leases, queue=self._take_up
        )
        self._live: dict[str, LiveJob] = {}
        self._requests: dict[tuple[str, str], LiveJob] = {}
        self._accepting = False

    async def start(self, server_id: str) -> None:
        """Takes up the unfinished jobs of the store, and begins to run.

        Args:
            server_id: who holds the leases of the attempts.
        """
        self._attempts.leases.start(server_id)
        await self._dispatcher.start(self._attempts.run)
        await self._recovery.run()
        self._accepting = True

    async def drain(self, grace_seconds: float) -> None:
        """Takes no more jobs, and lets running attempts end within the grace period.

        Those that do not are lost: their jobs are queued again, where their backend
        allows another attempt. Queued jobs stay in the store for the next start.
        Then every watch ends.
        """
        self._accepting = False
        self._directory.drain()
        await self._recovery.stop()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._dispatcher.drain()
        except TimeoutError:
            self._attempts.stop_all(SERVER_STOPPED)
            await self._dispatcher.drain()
        await self._attempts.leases.stop()
        for live in list(self._live.values()):
            live.close()

    async def submit(self, tenant: str, spec: JobSpec, request_id: str) -> Submission:
        """Makes a job durable and queues it.

        Args:
            tenant: who submits it.
            spec: what is asked for. Payloads with a digest are taken out of it.
            request_id: the submitter's idempotency key, or nothing.

        Raises:
            RequestRefusedError: the request cannot become a job.
            StoreError: it could not be made durable.
        """
        if not self._accepting:
            raise server_draining()
        admit(spec, request_id, self._limits, self._dispatcher.queued)
        self._directory.require_runnable(spec.backend_name)
        program = None
        if spec.program.payloads_sha256:
            program = await self._take_program(tenant, spec)
        payload = spec.SerializeToString(deterministic=True)
        digest = hashlib.sha256(payload).digest()
        known = self._requests.get((tenant, request_id)) if request_id else None
        if known is not None and await known.is_durable():
            return self._known(known.job, digest)
        time_us = now_us()
        job = Job(
            job_id=secrets.token_hex(16),
            tenant=tenant,
            request_id=request_id,
            spec_digest=digest,
            backend_name=spec.backend_name,
            name=spec.name,
            tags=tuple(spec.tags),
            state=QUEUED,
            sequence=1,
            attempt=0,
            create_time_us=time_us,
            kind=job_kind(spec),
            payloads_sha256=spec.program.payloads_sha256,
            queue_deadline_us=_queue_deadline_us(spec, time_us),
            run_limit_seconds=spec.max_run_seconds if spec.HasField("max_run_seconds") else None,
        )
        # A task of its own: a caller that goes away must not leave half a job.
        return await asyncio.shield(asyncio.create_task(self._admit(job, payload, program)))

    async def get(self, tenant: str, job_id: str) -> job_pb2.Job:
        """The job as it is now.

        Raises:
            RequestRefusedError: the tenant has no such job.
        """
        live = await self._live_job(tenant, job_id)
        if live is not None:
            position = self._dispatcher.position(live)
            return job_to_proto(live.job, position, live.partial.progress)
        return job_to_proto(await self._recorded(tenant, job_id))

    async def watch(
        self, tenant: str, job_id: str, resume_after: int, *, pub_results: bool = False
    ) -> AsyncIterator[list[JobEvent]]:
        """The job's events after a sequence, in lists of those that came together.

        Ends after the final event.

        Args:
            tenant: who owns the job.
            job_id: the job's id.
            resume_after: the highest sequence that the caller has seen.
            pub_results: whether finished pubs are told, from the first one on.

        Raises:
            RequestRefusedError: the tenant has no such job; or the server drains
                before the job is final.
        """
        live = await self._live_job(tenant, job_id)
        if live is not None:
            watch = JobWatch(live, resume_after, pub_results=pub_results)
            async for events in watch.events():
                yield events
            if not live.finished.done():
                raise server_draining()
            return
        job = await self._recorded(tenant, job_id)
        if not job.is_final:
            raise server_draining()
        if job.sequence > resume_after:
            yield [finished_event(job, await self._inline_result(job))]

    async def result(self, tenant: str, job_id: str) -> bytes:
        """The serialised EncodedResult of a job in state DONE.

        Raises:
            RequestRefusedError: the tenant has no such job, or it has no result.
        """
        live = await self._live_job(tenant, job_id)
        if live is not None:
            raise job_not_finished(job_id, state_name(live.job.state))
        job = await self._recorded(tenant, job_id)
        result = await self._store.result(job_id) if job.state == DONE else None
        if result is None:
            raise result_not_available(job_id, state_name(job.state), job.error_message)
        return result

    async def list_jobs(self, query: JobQuery) -> JobPage:
        """A page of the tenant's jobs, the newest first."""
        # The store does not know RUNNING, which is not written: what it lists is
        # looked at again in the state that the job has by now.
        stored = query.states | {VALIDATING} if RUNNING in query.states else query.states
        found = await self._store.list_jobs(dataclasses.replace(query, states=stored))
        messages = [self._message(job) for job in found]
        if query.states:
            messages = [each for each in messages if each.status.status in query.states]
        is_last = len(found) < query.page_size
        return JobPage(
            messages, None if is_last else Cursor(found[-1].create_time_us, found[-1].job_id)
        )

    async def cancel(self, tenant: str, job_id: str) -> job_pb2.Job:
        """Cancels a job, and returns it in the final state that it reached.

        Raises:
            RequestRefusedError: the tenant has no such job, or the server stops before
                it is cancelled.
        """
        live = await self._live_job(tenant, job_id)
        if live is not None:
            if self._dispatcher.remove(live):
                await asyncio.shield(asyncio.create_task(self._attempts.finish(live, CANCELLED)))
            else:
                self._attempts.stop(live, CANCEL)
                await live.ended()
        job = await self.get(tenant, job_id)
        if job.status.status not in FINAL_STATES:
            # Its end could not be recorded: the next server may run it.
            raise server_draining()
        return job

    async def delete(self, tenant: str, job_id: str) -> None:
        """Deletes a job in a final state with its payloads.

        Raises:
            RequestRefusedError: the tenant has no such job, or it is not final.
        """
        live = await self._live_job(tenant, job_id)
        if live is not None:
            raise job_not_finished(job_id, state_name(live.job.state))
        if not await self._store.delete(tenant, job_id, expected=FINAL_STATES):
            raise job_not_found(job_id)

    async def _take_program(self, tenant: str, spec: JobSpec) -> bytes:
        """The payloads that a spec holds or names, as a serialised Program."""
        payloads = await self._programs.take(tenant, spec.program)
        # Also what was kept before: for another format, or under another limit.
        check_payloads(spec, payloads.heads, payloads.size_bytes, self._limits)
        return payloads.program

    async def _admit(self, job: Job, payload: bytes, program: bytes | None) -> Submission:
        live = LiveJob(job, payload if len(payload) <= _SPEC_KEPT_BYTES else None)
        # Remembered before it is durable: the same request may come again meanwhile.
        self._remember(live)
        try:
            added = await self._store.add(job, payload, program)
        except StoreError as error:
            self._withdraw(live, error)
            raise
        if not added.created:
            self._withdraw(live, server_draining())
            return self._known(added.job, job.spec_digest)
        live.committed.set_result(None)
        # Only now: the request of a job that has long ended must not run again.
        self._queue(live)
        return Submission(
            job, created=True, target_sha256=self._directory.target_sha256(job.backend_name)
        )

    def _known(self, job: Job, digest: bytes) -> Submission:
        """The answer to a request that has a job."""
        _require_same_spec(job, digest)
        return Submission(
            job, created=False, target_sha256=self._directory.target_sha256(job.backend_name)
        )

    def _withdraw(self, live: LiveJob, error: Exception) -> None:
        """Takes back a job that was never acknowledged."""
        self._forget(live)
        live.committed.set_exception(error)
        # Nobody else may be waiting for it.
        live.committed.exception()

    def _remember(self, live: LiveJob) -> None:
        self._live[live.job.job_id] = live
        if live.job.request_id:
            self._requests[live.job.tenant, live.job.request_id] = live

    def _forget(self, live: LiveJob) -> None:
        self._live.pop(live.job.job_id, None)
        request = (live.job.tenant, live.job.request_id)
        if self._requests.get(request) is live:
            del self._requests[request]

    def _queue(self, live: LiveJob) -> None:
        self._dispatcher.enqueue(live)
        self._deadlines.watch(live)

    def _take_up(self, live: LiveJob) -> None:
        """Queues a job that the server has found in the store."""
        self._remember(live)
        self._queue(live)

    def _put_back(self, live: LiveJob) -> None:
        """Queues a job again whose attempt was lost."""
        self._dispatcher.enqueue(live, front=True)
        self._deadlines.watch(live)

    async def _live_job(self, tenant: str, job_id: str) -> LiveJob | None:
        """The tenant's unfinished job with this id, once it is durable."""
        live = self._live.get(job_id)
        if live is None or live.job.tenant != tenant:
            return None
        if not live.committed.done():
            await asyncio.shield(live.committed)
        return live

    async def _recorded(self, tenant: str, job_id: str) -> Job:
        job = await self._store.get(tenant, job_id)
        if job is None:
            raise job_not_found(job_id)
        return job

    async def _inline_result(self, job: Job) -> EncodedResult | None:
        if job.state != DONE or job.result_bytes > self._inline_result_bytes:
            return None
        result = await self._store.result(job.job_id)
        return None if result is None else EncodedResult.FromString(result)

    def _message(self, job: Job) -> job_pb2.Job:
        live = self._live.get(job.job_id)
        if live is None:
            return job_to_proto(job)
        position = live.queue_position if live.job.state == QUEUED else None
        return job_to_proto(live.job, position, live.partial.progress)


def _queue_deadline_us(spec: JobSpec, create_time_us: int) -> int | None:
    if not spec.HasField("max_queue_seconds"):
        return None
    return create_time_us + round(spec.max_queue_seconds * _US_PER_SECOND)


def _require_same_spec(job: Job, digest: bytes) -> None:
    if job.spec_digest != digest:
        raise request_id_reused(job.request_id, job.job_id)
