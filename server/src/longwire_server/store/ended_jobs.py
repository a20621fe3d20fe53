"""Finding the jobs that have been kept long enough, or that are too many."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from longwire_server.store.even_share import even_share
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
        keep_jobs: of the others, as many as are more than this together with those, from
            the tenants that have most.
    """
    has_too_many = (connection.execute(_COUNT_ENDED).scalar() or 0) > keep_jobs
    excess = _excess(connection, _COUNT_BY_TENANT, keep_jobs) if has_too_many else {}
    select = _select_to_go(HAS_ENDED, ended_by_us, excess)
    found: list[tuple[EndedJob, int]] = []
    for tenant, job_id, end_time_us, kept_bytes in connection.execute(select):
        if end_time_us <= ended_by_us or excess[tenant] > 0:
            found.append((EndedJob(tenant, job_id), kept_bytes))
            excess[tenant] = excess.get(tenant, 0) - 1
    return _at_once(found)


def select_expirable(
    connection: sa.Connection, *, ended_by_us: int, keep_bytes: int
) -> list[EndedJob]:
    """The next jobs whose payloads are to be removed, the earliest ended first.

    Args:
        connection: a connection that reads.
        ended_by_us: those that ended at or before this time are to lose them.
        keep_bytes: of the others, as many as have more than this together with those,
            from the tenants that have most.
    """
    has_too_much = (connection.execute(_SUM_KEPT).scalar() or 0) > keep_bytes
    excess = _excess(connection, _SUM_BY_TENANT, keep_bytes) if has_too_much else {}
    select = _select_to_go(HAS_KEPT_PAYLOADS, ended_by_us, excess)
    found: list[tuple[EndedJob, int]] = []
    for tenant, job_id, end_time_us, kept_bytes in connection.execute(select):
        if end_time_us <= ended_by_us or excess[tenant] > 0:
            found.append((EndedJob(tenant, job_id), kept_bytes))
            excess[tenant] = excess.get(tenant, 0) - kept_bytes
    return _at_once(found)


def _excess(
    connection: sa.Connection, select_by_tenant: sa.Select[Any], keep: int
) -> dict[str, float]:
    """How much more each tenant has than it may keep; those alone that have more."""
    present = connection.execute(select_by_tenant).all()
    share = even_share((row[1] for row in present), keep)
    return {row[0]: row[1] - share for row in present if row[1] > share}


def _select_to_go(
    which: sa.ColumnElement[bool], ended_by_us: int, tenants: Collection[str]
) -> sa.Select[Any]:
    """Selects those that ended by a time, and those of some tenants, the earliest first."""
    is_to_go = jobs.c.end_time_us <= ended_by_us
    if tenants:
        is_to_go = sa.or_(is_to_go, jobs.c.tenant.in_(tenants))
    columns = (jobs.c.tenant, jobs.c.job_id, jobs.c.end_time_us, jobs.c.kept_bytes)
    in_order = sa.select(*columns).where(which, is_to_go).order_by(jobs.c.end_time_us)
    return in_order.limit(_JOBS_AT_ONCE)


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


_COUNT: sa.ColumnElement[int] = sa.func.count()
_COUNT_ENDED = sa.select(_COUNT).select_from(jobs).where(HAS_ENDED)
_COUNT_BY_TENANT = sa.select(jobs.c.tenant, _COUNT).where(HAS_ENDED).group_by(jobs.c.tenant)
# PostgreSQL counts up in numerics.
_SUM: sa.ColumnElement[int] = sa.cast(sa.func.sum(jobs.c.kept_bytes), sa.BigInteger)
_SUM_KEPT = sa.select(_SUM).where(HAS_KEPT_PAYLOADS)
_SUM_BY_TENANT = sa.select(jobs.c.tenant, _SUM).where(HAS_KEPT_PAYLOADS).group_by(jobs.c.tenant)
