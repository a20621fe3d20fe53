"""The unfinished jobs that this server has in memory."""

from __future__ import annotations

from collections.abc import Iterator

from longwire_server.jobs.live_job import LiveJob


class LiveJobs:
    """Jobs by their id, and by the request that made them."""

    def __init__(self) -> None:
        self._by_id: dict[str, LiveJob] = {}
        self._by_request: dict[tuple[str, str], LiveJob] = {}

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

    def remember(self, live: LiveJob) -> None:
        """Adds a job."""
        self._by_id[live.job.job_id] = live
        if live.job.request_id:
            self._by_request[live.job.tenant, live.job.request_id] = live

    def forget(self, live: LiveJob) -> None:
        """Removes a job, if it is there."""
        self._by_id.pop(live.job.job_id, None)
        request = (live.job.tenant, live.job.request_id)
        if self._by_request.get(request) is live:
            del self._by_request[request]
