"""The store in memory: the SQL store's twin, for tests. It forgets everything at its end."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

from longwire.v1.job_pb2 import JobState
from longwire_server.store.even_share import even_share
from longwire_server.store.job import Job
from longwire_server.store.job_query import JobQuery
from longwire_server.store.job_store import Added, JobStore, ProgramKey, job_id_taken
from longwire_server.store.payload_reader import PayloadInMemory, PayloadReader
from longwire_server.store.usage import Usage


class MemoryJobStore(JobStore):
    """Jobs in dictionaries.

    Attributes:
        usage: what was used, by tenant, day and backend.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._specs: dict[str, bytes] = {}
        self._results: dict[str, bytes] = {}
        self._programs: dict[ProgramKey, bytes] = {}
        self._last_used_us: dict[ProgramKey, int] = {}
        self.usage: dict[tuple[str, str, str], Usage] = {}

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def add(self, job: Job, spec: bytes, program: bytes | None = None) -> Added:
        """See :meth:`JobStore.add`."""
        if job.request_id:
            same = await self.of_request(job.tenant, job.request_id)
            if same is not None:
                return Added(same, created=same.job_id == job.job_id)
        if job.job_id in self._jobs:
            known = self._jobs[job.job_id]
            if not known.is_submission_of(job):
                raise job_id_taken(job.job_id)
            return Added(known, created=True)
        self._jobs[job.job_id] = job
        self._specs[job.job_id] = spec
        if program is not None:
            key = ProgramKey(job.tenant, job.payloads_sha256)
            self._programs[key] = program
            self._last_used_us[key] = job.create_time_us
        return Added(job, created=True)

    async def program(self, key: ProgramKey) -> bytes | None:
        """See :meth:`JobStore.program`."""
        return self._programs.get(key)

    async def remove_programs(self, *, unused_since_us: int, keep_bytes: int) -> list[ProgramKey]:
        """See :meth:`JobStore.remove_programs`."""
        needed = {
            ProgramKey(job.tenant, job.payloads_sha256)
            for job in self._jobs.values()
            if not job.is_final
        }
        removed = []
        for key in sorted(self._programs.keys() - needed, key=self._last_used_us.__getitem__):
            total_bytes = sum(map(len, self._programs.values()))
            if self._last_used_us[key] <= unused_since_us or total_bytes > keep_bytes:
                del self._programs[key], self._last_used_us[key]
                removed.append(key)
        return removed

    async def update(
        self,
        job: Job,
        *,
        expected: frozenset[JobState.ValueType],
        attempt: int | None = None,
        result: bytes | None,
        usage: Usage | None = None,
    ) -> bool:
        """See :meth:`JobStore.update`."""
        known = self._jobs.get(job.job_id)
        if known is None:
            return False
        if known.state not in expected or attempt not in (None, known.attempt):
            return known.advanced_as(job) == known
        self._jobs[job.job_id] = known.advanced_as(job)
        if result is not None:
            self._results[job.job_id] = result
        if usage is not None:
            before = self.usage.get(usage.key)
            self.usage[usage.key] = usage if before is None else before + usage
        return True

    async def set_labels(
        self,
        tenant: str,
        job_id: str,
        *,
        name: str | None,
        tags: tuple[str, ...] | None,
        expected_tags: tuple[str, ...] | None = None,
        priority: int | None = None,
    ) -> Job | None:
        """See :meth:`JobStore.set_labels`."""
        job = await self.get(tenant, job_id)
        if job is None or expected_tags not in (None, job.tags):
            return job
        job = job.evolve(
            name=job.name if name is None else name,
            tags=job.tags if tags is None else tags,
            priority=job.priority if priority is None else priority,
        )
        self._jobs[job_id] = job
        return job

    async def move_to_front(self, job_id: str, moved_us: int) -> bool:
        """See :meth:`JobStore.move_to_front`."""
        job = self._jobs.get(job_id)
        if job is None or job.state != JobState.JOB_STATE_QUEUED:
            return False
        self._jobs[job_id] = job.evolve(moved_us=moved_us)
        return True

    async def renew_leases(
        self, owner: str, attempts: Mapping[str, int], *, expires_us: int
    ) -> set[str]:
        """See :meth:`JobStore.renew_leases`."""
        renewed = set()
        for job_id, attempt in attempts.items():
            known = self._jobs.get(job_id)
            if known is not None and (known.attempt, known.lease_owner) == (attempt, owner):
                self._jobs[job_id] = known.evolve(lease_expires_us=expires_us)
                renewed.add(job_id)
        return renewed

    async def get(self, tenant: str | None, job_id: str) -> Job | None:
        """See :meth:`JobStore.get`."""
        job = self._jobs.get(job_id)
        return job if job is not None and tenant in (None, job.tenant) else None

    async def of_request(self, tenant: str, request_id: str) -> Job | None:
        """See :meth:`JobStore.of_request`."""
        for known in self._jobs.values():
            if (known.tenant, known.request_id) == (tenant, request_id):
                return known
        return None

    async def spec(self, job_id: str) -> bytes | None:
        """See :meth:`JobStore.spec`."""
        return self._specs.get(job_id)

    async def result(self, job_id: str) -> bytes | None:
        """See :meth:`JobStore.result`."""
        return self._results.get(job_id)

    @contextlib.asynccontextmanager
    async def result_reader(self, job_id: str) -> AsyncIterator[PayloadReader | None]:
        """See :meth:`JobStore.result_reader`."""
        result = self._results.get(job_id)
        yield None if result is None else PayloadInMemory(result)

    async def list_jobs(self, query: JobQuery) -> list[Job]:
        """See :meth:`JobStore.list_jobs`."""
        found = [job for job in self._jobs.values() if _matches(query, job)]
        found.sort(key=_age, reverse=True)
        return found[: query.page_size]

    async def delete(
        self, tenant: str, job_id: str, *, expected: frozenset[JobState.ValueType]
    ) -> bool:
        """See :meth:`JobStore.delete`."""
        job = await self.get(tenant, job_id)
        if job is None or job.state not in expected:
            return False
        self._remove(job_id)
        return True

    async def expire_results(self, *, ended_by_us: int, keep_bytes: int) -> int:
        """See :meth:`JobStore.expire_results`."""
        ended = [job for job in self._ended() if self._kept_bytes(job.job_id)]
        sizes = [self._kept_bytes(job.job_id) for job in ended]
        expired = _to_go(ended, sizes, ended_by_us=ended_by_us, keep=keep_bytes)
        for job in expired:
            self._jobs[job.job_id] = job.evolve(result_bytes=0)
            self._specs.pop(job.job_id, None)
            self._results.pop(job.job_id, None)
        return len(expired)

    async def remove_jobs(self, *, ended_by_us: int, keep_jobs: int) -> int:
        """See :meth:`JobStore.remove_jobs`."""
        ended = self._ended()
        removed = _to_go(ended, [1] * len(ended), ended_by_us=ended_by_us, keep=keep_jobs)
        for job in removed:
            self._remove(job.job_id)
        return len(removed)

    def _ended(self) -> list[Job]:
        """The jobs that have ended, the earliest first."""
        ended = [job for job in self._jobs.values() if job.is_final]
        return sorted(ended, key=lambda job: job.end_time_us or 0)

    def _kept_bytes(self, job_id: str) -> int:
        return len(self._specs.get(job_id, b"")) + len(self._results.get(job_id, b""))

    def _remove(self, job_id: str) -> None:
        for table in (self._jobs, self._specs, self._results):
            table.pop(job_id, None)


def _to_go(ended: Sequence[Job], sizes: Sequence[int], *, ended_by_us: int, keep: int) -> list[Job]:
    """The jobs that ended by a time, and those with which their tenants have too much."""
    present: Counter[str] = Counter()
    for job, size in zip(ended, sizes, strict=True):
        present[job.tenant] += size
    share = even_share(present.values(), keep)
    to_go = []
    for job, size in zip(ended, sizes, strict=True):
        if (job.end_time_us or 0) <= ended_by_us or present[job.tenant] > share:
            present[job.tenant] -= size
            to_go.append(job)
    return to_go


def _age(job: Job) -> tuple[int, str]:
    return job.create_time_us, job.job_id


def _matches(query: JobQuery, job: Job) -> bool:
    return (
        query.tenant in (None, job.tenant)
        and query.backend_name in ("", job.backend_name)
        and (not query.states or job.state in query.states)
        and (not query.tag or query.tag in job.tags)
        and query.name in ("", job.name)
        and (query.created_after_us is None or job.create_time_us >= query.created_after_us)
        and (query.created_before_us is None or job.create_time_us < query.created_before_us)
        and (query.after is None or _age(job) < (query.after.create_time_us, query.after.job_id))
    )
