"""From a request to a durable job in the queue."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import secrets
from collections.abc import Callable

from longwire.v1.job_pb2 import JobSpec
from longwire_server.accounts.backend_access import BackendAccess
from longwire_server.accounts.caller import caller
from longwire_server.failpoints import failpoint
from longwire_server.jobs.admission import (
    AdmissionLimits,
    admit,
    check_payloads,
    require_room,
)
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.lifecycle import QUEUED
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.live_jobs import LiveJobs
from longwire_server.jobs.primitive_admission import job_kind
from longwire_server.jobs.program_payloads import Payloads, heads
from longwire_server.jobs.queue_request import check_queue_request
from longwire_server.jobs.quota_admission import QuotaAdmission, check_counts, check_program
from longwire_server.jobs.sessions import Sessions
from longwire_server.jobs.submissions_in_doubt import SubmissionsInDoubt, is_durable
from longwire_server.refusals import RequestRefusedError, request_id_reused, server_draining
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, StoreError

# Specs up to this size stay in memory while their job is queued; larger ones
# are read from the store when a worker is there.
_SPEC_KEPT_BYTES = 64 * 1024
_US_PER_SECOND = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Submission:
    """The outcome of :meth:`Submissions.submit`."""

    job: Job
    """The job as recorded."""

    created: bool
    """False where the request id was known."""

    target_sha256: bytes
    """The digest of the backend's Target; empty while it is not loaded."""


class Submissions:
    """Makes jobs of requests, one of each.

    Args:
        store: the durable record.
        programs: the programs that jobs name by their digest.
        directory: the hosted backends.
        live: the unfinished jobs of this server.
        limits: what a request may ask for.
        quotas: what its tenant may ask for.
        access: which backends its submitter may use.
        num_queued: how many jobs wait.
        owner: this server's id.
        sessions: the sessions in which jobs may run.
        queue: takes over a job that is durable.
    """

    def __init__(
        self,
        store: JobStore,
        programs: KeptPrograms,
        directory: BackendDirectory,
        live: LiveJobs,
        *,
        limits: AdmissionLimits,
        quotas: QuotaAdmission,
        access: BackendAccess,
        num_queued: Callable[[], int],
        owner: Callable[[], str],
        sessions: Sessions,
        queue: Callable[[LiveJob], None],
    ) -> None:
        self._store = store
        self._programs = programs
        self._directory = directory
        self._live = live
        self._limits = limits
        self._quotas = quotas
        self._access = access
        self._num_queued = num_queued
        self._owner = owner
        self._sessions = sessions
        self._queue = queue
        # Jobs that are neither durable nor refused yet.
        self._num_admitted = 0
        self._in_doubt = SubmissionsInDoubt(store, adopt=self._adopt, withdraw=self._withdraw)

    async def submit(self, tenant: str, spec: JobSpec, request_id: str) -> Submission:
        """See :meth:`JobManager.submit`."""
        self._quotas.count_request(tenant)
        if not request_id:
            # Before all that takes longer: this is what an overloaded server says most.
            # A request that has come before may have its job all the same.
            self._require_room(tenant)
        check_counts(spec, self._quotas.of(tenant))
        admit(spec, request_id, self._limits)
        program, payloads = await self._take_program(tenant, spec)
        payload = spec.SerializeToString(deterministic=True)
        digest = hashlib.sha256(payload).digest()
        known = self._live.of_request(tenant, request_id)
        if known is not None and await is_durable(known):
            return self._known(known.job, digest)
        try:
            self._require_allowed(tenant, spec, payloads)
        except RequestRefusedError:
            # It may have been allowed when the same request came first: then it has a job.
            first = await self._store.of_request(tenant, request_id) if request_id else None
            if first is None:
                raise
            return self._known(first, digest)
        self._in_doubt.require_store()
        failpoint("jobs.admitted")
        job = self._new_job(tenant, spec, request_id, digest)
        live = LiveJob(job, payload if len(payload) <= _SPEC_KEPT_BYTES else None)
        # Remembered before it is durable: the same request may come again meanwhile.
        self._live.remember(live)
        self._num_admitted += 1
        # A task of its own: a caller that goes away must not leave half a job.
        return await asyncio.shield(asyncio.create_task(self._admit(live, payload, program)))

    async def stop(self) -> None:
        """Leaves what is in doubt to the next start."""
        await self._in_doubt.stop()

    async def _take_program(self, tenant: str, spec: JobSpec) -> tuple[bytes | None, Payloads]:
        """The payloads that a spec holds or names.

        Returns:
            The same as a serialised Program where the spec names them by their digest,
            and what is to be seen of them.
        """
        if not spec.program.payloads_sha256:
            sent = spec.program.payloads
            return None, Payloads(b"", heads(sent), sum(map(len, sent)))

        def check(payloads: Payloads) -> None:
            # Also what was kept before: for another format, or under another limit.
            check_payloads(spec, payloads.heads, payloads.size_bytes, self._limits)
            check_program(spec, payloads.heads, payloads.size_bytes, self._quotas.of(tenant))

        payloads = await self._programs.take(tenant, spec.program, check)
        return payloads.program, payloads

    def _require_allowed(self, tenant: str, spec: JobSpec, payloads: Payloads) -> None:
        """Refuses what may be allowed at another time, to another caller, or was before.

        Raises:
            RequestRefusedError: it is not allowed now.
        """
        self._access.require(spec.backend_name)
        self._directory.require_runnable(spec.backend_name)
        check_program(spec, payloads.heads, payloads.size_bytes, self._quotas.of(tenant))
        check_queue_request(spec, self._live.batch_backend(tenant, spec.batch))
        if spec.session_id:
            self._sessions.require(tenant, spec.session_id, spec.backend_name)
        self._require_room(tenant)

    def _require_room(self, tenant: str) -> None:
        require_room(self._limits, self._num_queued() + self._num_admitted)
        self._quotas.admit_another(tenant)

    def _new_job(self, tenant: str, spec: JobSpec, request_id: str, digest: bytes) -> Job:
        time_us = now_us()
        return Job(
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
            lease_owner=self._owner(),
            submitter=caller().subject,
            priority=spec.priority,
            batch=spec.batch,
            session_id=spec.session_id,
        )

    async def _admit(self, live: LiveJob, payload: bytes, program: bytes | None) -> Submission:
        job = live.job
        try:
            failpoint("jobs.add.before", StoreError)
            added = await self._store.add(job, payload, program)
            failpoint("jobs.add.after", StoreError)
        except StoreError as error:
            await self._in_doubt.decide(live, error)
        else:
            if not added.created:
                self._withdraw(live, server_draining())
                if self._in_doubt.was_not_recorded(added.job):
                    self._adopt(self._late(added.job), added.job)
                return self._known(added.job, job.spec_digest)
            # Only now: the request of a job that has long ended must not run again.
            self._adopt(live, job)
        finally:
            # It waits in the queue by now, or nowhere.
            self._num_admitted -= 1
        return Submission(
            job, created=True, target_sha256=self._directory.target_sha256(job.backend_name)
        )

    def _known(self, job: Job, digest: bytes) -> Submission:
        """The answer to a request that has a job."""
        _require_same_spec(job, digest)
        return Submission(
            job, created=False, target_sha256=self._directory.target_sha256(job.backend_name)
        )

    def _late(self, job: Job) -> LiveJob:
        """A job of this server's that turned up in the store after it was withdrawn."""
        live = LiveJob(job, None)
        self._live.remember(live)
        return live

    def _adopt(self, live: LiveJob, recorded: Job) -> None:
        """Queues a job that has become durable, unless another server was faster."""
        live.committed.set_result(None)
        if recorded.state == QUEUED and recorded.lease_owner == self._owner():
            self._queue(live)
            failpoint("jobs.queued")
        else:
            self._live.forget(live)
            live.close()

    def _withdraw(self, live: LiveJob, error: Exception) -> None:
        """Takes back a job that was never acknowledged."""
        self._live.forget(live)
        live.committed.set_exception(error)
        # Nobody else may be waiting for it.
        live.committed.exception()


def _queue_deadline_us(spec: JobSpec, create_time_us: int) -> int | None:
    if not spec.HasField("max_queue_seconds"):
        return None
    return create_time_us + round(spec.max_queue_seconds * _US_PER_SECOND)


def _require_same_spec(job: Job, digest: bytes) -> None:
    if job.spec_digest != digest:
        raise request_id_reused(job.request_id, job.job_id)
