"""Jobs from their submission to their deletion."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

from longwire.v1 import job_pb2
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobSpec
from longwire_server.accounts.backend_access import BackendAccess
from longwire_server.accounts.tenants import Tenants
from longwire_server.execution.frames_pb2 import ProgramLimits
from longwire_server.failpoints import failpoint
from longwire_server.jobs.admission import AdmissionLimits
from longwire_server.jobs.attempt_policy import AttemptPolicy
from longwire_server.jobs.attempts import CANCEL, AttemptRunner
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.job_message import job_to_proto
from longwire_server.jobs.job_watch import JobWatch
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.labels import LabelChange, change_labels
from longwire_server.jobs.lifecycle import (
    QUEUED,
    RUNNING,
    VALIDATING,
    state_name,
)
from longwire_server.jobs.live_job import (
    SERVER_DRAINED,
    LiveJob,
    finished_event,
    status_event,
)
from longwire_server.jobs.live_jobs import LiveJobs
from longwire_server.jobs.other_servers import OtherServers
from longwire_server.jobs.queue_deadlines import QueueDeadlines
from longwire_server.jobs.quota_admission import QuotaAdmission
from longwire_server.jobs.recovery import Recovery
from longwire_server.jobs.results import FetchedResult, Results
from longwire_server.jobs.retention import RetentionLimits
from longwire_server.jobs.sessions import Sessions
from longwire_server.jobs.submissions import Submission, Submissions
from longwire_server.jobs.unfinished_jobs import UnfinishedJobs
from longwire_server.refusals import (
    cancel_not_recorded,
    job_not_finished,
    job_not_found,
    job_not_queued,
    server_draining,
)
from longwire_server.store.job import FINAL_STATES, Job
from longwire_server.store.job_query import Cursor, JobQuery
from longwire_server.store.job_store import JobStore, StoreError
from longwire_server.store.server_table import ServerTable

# A job that is cancelled ends within this time, unless its store is away.
_CANCEL_SECONDS = 3.0


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
        servers: the servers that share it.
        programs: the programs that jobs name by their digest.
        directory: the hosted backends.
        dispatcher: the queue in front of the workers.
        sessions: the sessions in which jobs may run.
        limits: what a request may ask for.
        tenants: what their tenants may ask for.
        program_limits: what a worker is told to refuse of a tenant's programs.
        access: which backends their submitters may use.
        policies: how often and how long jobs are tried, by backend.
        retention: what is kept of jobs that have ended.
        lease_seconds: how long a lease lasts without renewal.
        inline_result_bytes: results up to this size travel in the final event.
        fetched_bytes: larger ones of one tenant that are sent at once, all together.
    """

    def __init__(
        self,
        store: JobStore,
        servers: ServerTable,
        programs: KeptPrograms,
        directory: BackendDirectory,
        dispatcher: Dispatcher,
        sessions: Sessions,
        *,
        limits: AdmissionLimits,
        tenants: Tenants,
        program_limits: Callable[[str], ProgramLimits],
        access: BackendAccess,
        policies: Mapping[str, AttemptPolicy],
        retention: RetentionLimits,
        lease_seconds: float,
        inline_result_bytes: int,
        fetched_bytes: int,
    ) -> None:
        self._store = store
        self._directory = directory
        self._dispatcher = dispatcher
        self._sessions = sessions
        self._live = LiveJobs()
        self._results = Results(
            store, retention, inline_bytes=inline_result_bytes, fetched_bytes=fetched_bytes
        )
        self._attempts = AttemptRunner(
            store,
            programs,
            policies=policies,
            tenants=tenants,
            program_limits=program_limits,
            lease_seconds=lease_seconds,
            inline_result_bytes=inline_result_bytes,
            on_put_back=self._put_back,
            on_final=self._live.forget,
        )
        self._deadlines = QueueDeadlines(dispatcher, self._attempts)
        self._recovery = Recovery(
            servers,
            directory,
            self._attempts,
            dispatcher,
            queue=self._take_up,
            live=self._live,
        )
        self._others = OtherServers(
            store,
            servers,
            live=self._live,
            dispatcher=dispatcher,
            attempts=self._attempts,
            recovery=self._recovery,
            cancel=self._cancel,
        )
        self._unfinished = UnfinishedJobs(self._live, servers, lambda: self._attempts.leases.owner)
        self._submissions = Submissions(
            store,
            programs,
            directory,
            self._live,
            limits=limits,
            quotas=QuotaAdmission(
                tenants, self._unfinished.of, jobs_per_second=limits.jobs_per_second
            ),
            access=access,
            num_queued=lambda: dispatcher.queued,
            owner=lambda: self._attempts.leases.owner,
            sessions=sessions,
            queue=self._queue,
        )
        self._accepting = False

    async def start(self, server_id: str) -> None:
        """Takes up the unfinished jobs of the store, and begins to run.

        Args:
            server_id: who holds the leases of the attempts.
        """
        await self._others.start(server_id)
        await self._dispatcher.start(self._attempts.run)
        await self._recovery.run()
        self._unfinished.start()
        self._accepting = True

    async def drain(self, grace_seconds: float) -> None:
        """Takes no more jobs, and lets running attempts end within the grace period.

        Those that do not are lost: their jobs are queued again, where their backend
        allows another attempt. Queued jobs stay in the store for the next start, and so
        do jobs whose end a store that is away has not taken by then. Then every watch
        ends.
        """
        self._accepting = False
        self._directory.drain()
        self._sessions.drain()
        self._attempts.drain()
        await self._recovery.stop()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._dispatcher.drain()
                await self._attempts.settled()
        except TimeoutError:
            self._attempts.stop_all(SERVER_DRAINED)
        self._attempts.give_up()
        await self._dispatcher.drain()
        await self._attempts.settled()
        await self._submissions.stop()
        await self._unfinished.stop()
        await self._attempts.leases.stop()
        await self._others.stop()
        for live in list(self._live):
            live.close()

    async def submit(self, tenant: str, spec: JobSpec, request_id: str) -> Submission:
        """Makes a job durable and queues it.

        Args:
            tenant: who submits it.
            spec: what is asked for. Payloads with a digest are taken out of it.
            request_id: the submitter's idempotency key, or nothing.

        Raises:
            RequestRefusedError: the request cannot become a job; or the store failed, and
                the job is not recorded, or not known to be.
            StoreError: the store failed before the job was to be recorded.
        """
        if not self._accepting:
            raise server_draining()
        return await self._submissions.submit(tenant, spec, request_id)

    async def get(self, tenant: str | None, job_id: str) -> job_pb2.Job:
        """The job as it is now.

        Args:
            tenant: who owns it; None where it may be anybody's.
            job_id: its id.

        Raises:
            RequestRefusedError: there is no such job.
        """
        live = await self._live_job(tenant, job_id)
        if live is not None:
            return self._live_message(live, self._dispatcher.position(live))
        return job_to_proto(await self._recorded(tenant, job_id))

    async def watch(
        self, tenant: str, job_id: str, resume_after: int, *, pub_results: bool = False
    ) -> AsyncGenerator[list[JobEvent], None]:
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
        while True:
            live = await self._taken_up_job(tenant, job_id)
            if live is None:
                watched = self._watch_recorded(tenant, job_id, resume_after)
            else:
                watched = JobWatch(live, resume_after, pub_results=pub_results).events()
            async for events in watched:
                resume_after = max(resume_after, *(event.sequence for event in events))
                yield events
            if self._owned(tenant, job_id) is None if live is None else live.finished.done():
                return
            if not self._accepting:
                raise server_draining()
            # Another server has it now, or this one has it again.

    async def _watch_recorded(
        self, tenant: str, job_id: str, resume_after: int
    ) -> AsyncIterator[list[JobEvent]]:
        """The events of a job that this server does not have, until it has it, or the job ends."""
        with self._others.changes(job_id) as changes:
            # One of another tenant's that this server has is not there either.
            while self._owned(tenant, job_id) is None:
                job = await self._recorded(tenant, job_id)
                if job.is_final:
                    if job.sequence > resume_after:
                        yield [finished_event(job, await self._results.inline(job))]
                    return
                if not self._accepting:
                    raise server_draining()
                if job.sequence > resume_after:
                    resume_after = job.sequence
                    yield [status_event(job, now_us())]
                await changes.next()

    @contextlib.asynccontextmanager
    async def result(self, tenant: str, job_id: str) -> AsyncIterator[FetchedResult]:
        """The result of a job in state DONE, inside of the block.

        Raises:
            RequestRefusedError: the tenant has no such job, or it has no result.
        """
        live = await self._live_job(tenant, job_id)
        if live is not None:
            raise job_not_finished(job_id, state_name(live.job.state))
        job = await self._recorded(tenant, job_id)
        if not job.is_final:
            raise job_not_finished(job_id, state_name(job.state))
        async with self._results.fetched(job) as result:
            yield result

    async def list_jobs(self, query: JobQuery) -> JobPage:
        """A page of a tenant's jobs, or of all tenants', the newest first."""
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

    async def cancel(self, tenant: str | None, job_id: str) -> job_pb2.Job:
        """Cancels a job, and returns it in the final state that it reached.

        Args:
            tenant: who owns it; None where it may be anybody's.
            job_id: its id.

        Raises:
            RequestRefusedError: there is no such job; or it is being cancelled and its
                end is not recorded yet; or the server stops before that.
        """
        try:
            async with asyncio.timeout(_CANCEL_SECONDS):
                if await self._live_job(tenant, job_id) is None:
                    await self._cancel_distant(tenant, job_id)
                live = await self._taken_up_job(tenant, job_id)
                if live is not None:
                    await self._cancel(live)
        except TimeoutError as error:
            raise cancel_not_recorded(job_id) from error
        job = await self.get(tenant, job_id)
        if job.status.status not in FINAL_STATES:
            # Its end could not be recorded: the next server may run it.
            raise server_draining()
        return job

    async def _cancel(self, live: LiveJob) -> None:
        """Cancels a job that this server has, and returns when it has ended."""
        if self._dispatcher.remove(live):
            failpoint("jobs.cancel.queued", StoreError)
            await self._end_cancelled(live)
        else:
            failpoint("jobs.cancel.running", StoreError)
            self._attempts.stop(live, CANCEL)
            await live.ended()

    async def _end_cancelled(self, live: LiveJob) -> None:
        await asyncio.shield(asyncio.create_task(self._attempts.end(live, CANCEL)))

    async def _cancel_distant(self, tenant: str | None, job_id: str) -> None:
        """Has another server cancel its job, and returns when it has, or this one has the job.

        A job of this one that is still to be taken up is cancelled at once.
        """
        with self._others.changes(job_id) as changes:
            job = await self._recorded(tenant, job_id)
            if (left := self._recovery.take_out(job)) is not None:
                self._live.remember(left)
                await self._end_cancelled(left)
                return
            if not job.is_final:
                await self._others.ask_to_cancel(job.tenant, job_id)
            while not job.is_final and job_id not in self._live and self._accepting:
                await changes.next()
                job = await self._recorded(tenant, job_id)

    async def update(self, tenant: str, job_id: str, change: LabelChange) -> job_pb2.Job:
        """Changes the labels of a job, in whichever state it is, and returns it.

        Raises:
            RequestRefusedError: the tenant has no such job, or it cannot have them.
            StoreError: they could not be written.
        """
        # A task of its own: a caller that goes away must not leave the record in memory
        # with other labels than the store has.
        return await asyncio.shield(asyncio.create_task(self._update(tenant, job_id, change)))

    async def delete(self, tenant: str, job_id: str) -> None:
        """Deletes a job in a final state with its payloads.

        Raises:
            RequestRefusedError: the tenant has no such job, or it is not final.
        """
        live = await self._live_job(tenant, job_id)
        if live is not None:
            raise job_not_finished(job_id, state_name(live.job.state))
        failpoint("jobs.delete.before", StoreError)
        if not await self._store.delete(tenant, job_id, expected=FINAL_STATES):
            raise job_not_finished(job_id, state_name((await self._recorded(tenant, job_id)).state))
        failpoint("jobs.delete.after", StoreError)

    async def _update(self, tenant: str, job_id: str, change: LabelChange) -> job_pb2.Job:
        await self._taken_up_job(tenant, job_id)
        job = await change_labels(self._store, tenant, job_id, change)
        live = self._live.get(job_id)
        if live is None:
            return job_to_proto(job)
        live.relabel(job)
        self._dispatcher.reorder(live)
        return self._live_message(live, self._dispatcher.position(live))

    async def move_to_front(self, job_id: str) -> job_pb2.Job:
        """Puts a queued job in front of all others of its pool, whosever it is.

        Raises:
            RequestRefusedError: there is no such job, or it is not queued.
            StoreError: it could not be written.
        """
        # As with an update.
        return await asyncio.shield(asyncio.create_task(self._move_to_front(job_id)))

    async def _move_to_front(self, job_id: str) -> job_pb2.Job:
        live = await self._taken_up_job(None, job_id)
        moved_us = now_us()
        if live is not None and not self._dispatcher.is_queued(live):
            raise job_not_queued(job_id, state_name(live.job.state))
        is_moved = await self._store.move_to_front(job_id, moved_us)
        job = await self._recorded(None, job_id)
        if not is_moved:
            raise job_not_queued(job_id, state_name(job.state))
        if live is not None:
            live.relabel(job)
            self._dispatcher.reorder(live)
        return await self.get(None, job_id)

    def _queue(self, live: LiveJob) -> None:
        self._dispatcher.enqueue_arrival(live)
        self._deadlines.watch(live)

    def _take_up(self, live: LiveJob) -> None:
        """Queues a job that the server has found in the store."""
        self._live.remember(live)
        self._dispatcher.enqueue(live)
        self._deadlines.watch(live)

    def _put_back(self, live: LiveJob) -> None:
        """Queues a job again whose attempt was lost."""
        self._dispatcher.enqueue(live)
        self._deadlines.watch(live)

    def _owned(self, tenant: str | None, job_id: str) -> LiveJob | None:
        """The tenant's unfinished job with this id, where this server has it."""
        live = self._live.get(job_id)
        return live if live is not None and tenant in (None, live.job.tenant) else None

    async def _taken_up_job(self, tenant: str | None, job_id: str) -> LiveJob | None:
        """The same as ``_live_job``, once the jobs of before a start are in memory."""
        if job_id not in self._live and self._recovery.is_taking_up:
            job = await self._store.get(tenant, job_id)
            if job is not None and not job.is_final:
                await self._recovery.taken_up()
        return await self._live_job(tenant, job_id)

    async def _live_job(self, tenant: str | None, job_id: str) -> LiveJob | None:
        """The tenant's unfinished job with this id in memory, once it is durable."""
        live = self._owned(tenant, job_id)
        if live is None:
            return None
        if not live.committed.done():
            await asyncio.shield(live.committed)
        return live

    async def _recorded(self, tenant: str | None, job_id: str) -> Job:
        job = await self._store.get(tenant, job_id)
        if job is None:
            raise job_not_found(job_id)
        return job

    def _message(self, job: Job) -> job_pb2.Job:
        live = self._live.get(job.job_id)
        if live is None:
            return job_to_proto(job)
        return self._live_message(live, live.queue_position if live.job.state == QUEUED else None)

    def _live_message(self, live: LiveJob, position: int | None) -> job_pb2.Job:
        start_us = None if position is None else self._dispatcher.estimated_start_us(live)
        return job_to_proto(live.job, position, live.partial.progress, start_us)
