"""Removing jobs, and what they have: each write runs inside a transaction of the commit thread.

Of rows that refer to files, a write returns the files: they are removed when it is
committed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire.v1.job_pb2 import JobState
from longwire_server.store.ended_jobs import EndedJob
from longwire_server.store.expected_states import IN_EXPECTED_STATE, state_bits
from longwire_server.store.job import FINAL_STATES
from longwire_server.store.job_rows import job_of_cursor
from longwire_server.store.label_writes import LabelWrites
from longwire_server.store.prepared import Prepared
from longwire_server.store.tables import jobs, results, specs

_OF_JOBS = (specs, results)


@dataclasses.dataclass(frozen=True, slots=True)
class Removed:
    """What was removed."""

    jobs: int
    """Of how many jobs."""

    file_keys: tuple[str, ...] = ()
    """The files that no row refers to any more."""


class RetentionWrites:
    """The prepared statements of one database, and the writes made of them."""

    def __init__(self, dialect: sa.Dialect, labels: LabelWrites) -> None:
        this_job = (jobs.c.job_id == sa.bindparam("for_job_id"), IN_EXPECTED_STATE)
        none: sa.ColumnElement[int] = sa.literal_column("0")
        statements = {
            "delete_job": sa.delete(jobs)
            .where(jobs.c.tenant == sa.bindparam("for_tenant"), *this_job)
            .returning(*jobs.c),
            "empty_job": sa.update(jobs)
            .where(*this_job, jobs.c.kept_bytes > none)
            .values(result_bytes=none, kept_bytes=none),
        }
        self._prepared = {name: Prepared(each, dialect) for name, each in statements.items()}
        self._delete_payloads = [
            Prepared(
                sa.delete(table)
                .where(table.c.job_id == sa.bindparam("for_job_id"))
                .returning(table.c.file_key),
                dialect,
            )
            for table in _OF_JOBS
        ]
        self._labels = labels

    def delete(
        self,
        tenant: str,
        job_id: str,
        expected: Iterable[JobState.ValueType],
        cursor: DBAPICursor,
    ) -> Removed:
        """See :meth:`JobStore.delete`."""
        parameters = {"for_tenant": tenant, "for_job_id": job_id, "expected": state_bits(expected)}
        self._prepared["delete_job"].run(cursor, parameters)
        job = job_of_cursor(cursor)
        if job is None:
            return Removed(0)
        self._labels.unlist(job, cursor)
        return Removed(1, self._remove_payloads(job_id, cursor))

    def remove(self, ended: Iterable[EndedJob], cursor: DBAPICursor) -> Removed:
        """See :meth:`JobStore.remove_jobs`."""
        return _together(self.delete(job.tenant, job.job_id, FINAL_STATES, cursor) for job in ended)

    def expire(self, ended: Iterable[EndedJob], cursor: DBAPICursor) -> Removed:
        """See :meth:`JobStore.expire_results`."""
        return _together(self._expire(job.job_id, cursor) for job in ended)

    def _expire(self, job_id: str, cursor: DBAPICursor) -> Removed:
        parameters = {"for_job_id": job_id, "expected": state_bits(FINAL_STATES)}
        if self._prepared["empty_job"].run(cursor, parameters) != 1:
            return Removed(0)
        return Removed(1, self._remove_payloads(job_id, cursor))

    def _remove_payloads(self, job_id: str, cursor: DBAPICursor) -> tuple[str, ...]:
        file_keys = []
        for statement in self._delete_payloads:
            statement.run(cursor, {"for_job_id": job_id})
            # Also so that the statement ends.
            file_keys += [key for (key,) in cursor.fetchall() if key is not None]
        return tuple(file_keys)


def _together(removed: Iterable[Removed]) -> Removed:
    each_removed = list(removed)
    return Removed(
        sum(each.jobs for each in each_removed),
        tuple(key for each in each_removed for key in each.file_keys),
    )
