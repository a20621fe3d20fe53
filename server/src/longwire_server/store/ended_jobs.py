"""Finding the jobs that have been kept long enough, or that are too many."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa

from longwire_server.store.tables import HAS_ENDED, HAS_KEPT_PAYLOADS, jobs

# What one removal takes at most: writes of jobs wait behind it.
_JOBS_AT_ONCE = 100
_BYTES_AT_ONCE = 4 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class EndedJob:
    """A job in a final state."""

    tenant: str
    """Who owns it."""

    job_id: str
    """Its id."""


def select_removable(
    connection: sa.Connection, *, ended_by_us: int, keep_jobs: int
) -> list[EndedJob]:
    """The next jobs to be removed, the earliest ended first.

    Args:
        connection: a connection that reads.
        ended_by_us: those that ended at or before this time are to be removed.
        keep_jobs: of the others, as many as are more than this together with those.
    """
    excess_jobs = (connection.execute(_COUNT_ENDED).scalar() or 0) - keep_jobs
    found: list[tuple[EndedJob, int]] = []
    for tenant, job_id, end_time_us, kept_bytes in connection.execute(_SELECT_ENDED):
        if end_time_us > ended_by_us and len(found) >= excess_jobs:
            break
        found.append((EndedJob(tenant, job_id), kept_bytes))
    return _at_once(found)


def select_expirable(
    connection: sa.Connection, *, ended_by_us: int, keep_bytes: int
) -> list[EndedJob]:
    """The next jobs whose payloads are to be removed, the earliest ended first.

    Args:
        connection: a connection that reads.
        ended_by_us: those that ended at or before this time are to lose them.
        keep_bytes: of the others, as many as have more than this together with those.
    """
    excess_bytes = (connection.execute(_SUM_KEPT).scalar() or 0) - keep_bytes
    found: list[tuple[EndedJob, int]] = []
    for tenant, job_id, end_time_us, kept_bytes in connection.execute(_SELECT_KEPT):
        if end_time_us > ended_by_us and excess_bytes <= 0:
            break
        found.append((EndedJob(tenant, job_id), kept_bytes))
        excess_bytes -= kept_bytes
    return _at_once(found)


def _at_once(found: list[tuple[EndedJob, int]]) -> list[EndedJob]:
    """The first of them, at least one, that one write may remove."""
    taken: list[EndedJob] = []
    taken_bytes = 0
    for job, kept_bytes in found:
        taken_bytes += kept_bytes
        if taken and taken_bytes > _BYTES_AT_ONCE:
            break
        taken.append(job)
    return taken


_COLUMNS = (jobs.c.tenant, jobs.c.job_id, jobs.c.end_time_us, jobs.c.kept_bytes)
_COUNT_ENDED = sa.select(sa.func.count()).select_from(jobs).where(HAS_ENDED)
_SELECT_ENDED = (
    sa.select(*_COLUMNS).where(HAS_ENDED).order_by(jobs.c.end_time_us).limit(_JOBS_AT_ONCE)
)
# PostgreSQL counts up in numerics.
_SUM_KEPT = sa.select(sa.cast(sa.func.sum(jobs.c.kept_bytes), sa.BigInteger)).where(
    HAS_KEPT_PAYLOADS
)
_SELECT_KEPT = (
    sa.select(*_COLUMNS).where(HAS_KEPT_PAYLOADS).order_by(jobs.c.end_time_us).limit(_JOBS_AT_ONCE)
)
