"""The unfinished jobs that this server has in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from longwire_server.jobs.live_job import LiveJob


class LiveJobs:
    """Jobs by their id, and by the request that made them."""

    def __init__(self) -> None:
        self._by_id: dict[str, LiveJob] = {}
        self._by_request: dict[tuple[str, str], LiveJob] = {}
        self._num_of: Counter[str] = Counter()
        # Those that were here since a start began to take up jobs, while it does.
        self._seen: set[str] | None = None
        # The backend of a tenant's batch, and how many of its jobs there are.
        self._batches: dict[tuple[str, str], tuple[str, int]] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._by_id

    def __iter__(self) -> Iterator[LiveJob]:
        return iter(self._by_id.values())

    def get(self, job_id: str) -> LiveJob | None:
        """The job with an id."""
        return self._by_id.get(job_id)

    def of_request(self, tenant: str, request_id: str) -> LiveJob | None:
        """The job that a tenant's request made; None also without a request id."""
        return self._by_request.get((tenant, request_id)) if request_id else None

    def note_seen(self) -> None:
        """From here on jobs that have ended are remembered by their ids, too."""
        self._seen = set(self._by_id)

    def forget_seen(self) -> None:
        """Remembers them no more."""
        self._seen = None

    def has_seen(self, job_id: str) -> bool:
        """Whether a job is here, or was and has ended while that is remembered."""
        return job_id in self._by_id or (self._seen is not None and job_id in self._seen)

    def num_of(self, tenant: str) -> int:
        """How many of them a tenant has."""
        return self._num_of[tenant]

    def batch_backend(self, tenant: str, batch: str) -> str | None:
        """The backend of the jobs of a tenant's batch; None where there are none."""
        found = self._batches.get((tenant, batch)) if batch else None
        return None if found is None else found[0]

    def remember(self, live: LiveJob) -> None:
        """Adds a job."""
        if live.job.job_id not in self._by_id:
            self._num_of[live.job.tenant] += 1
            self._count_in_batch(live, 1)
        self._by_id[live.job.job_id] = live
        if self._seen is not None:
            self._seen.add(live.job.job_id)
        if live.job.request_id:
            self._by_request[live.job.tenant, live.job.request_id] = live

    def forget(self, live: LiveJob) -> None:
        """Removes a job, if it is there."""
        if self._by_id.get(live.job.job_id) is live:
            del self._by_id[live.job.job_id]
            self._num_of[live.job.tenant] -= 1
            self._count_in_batch(live, -1)
            if not self._num_of[live.job.tenant]:
                del self._num_of[live.job.tenant]
        request = (live.job.tenant, live.job.request_id)
        if self._by_request.get(request) is live:
            del self._by_request[request]

    def _count_in_batch(self, live: LiveJob, change: int) -> None:
        job = live.job
        if not job.batch:
            return
        batch = job.tenant, job.batch
        backend_name, count = self._batches.get(batch, (job.backend_name, 0))
        self._batches[batch] = backend_name, count + change
        if not count + change:
            del self._batches[batch]
