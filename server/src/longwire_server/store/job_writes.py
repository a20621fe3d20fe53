"""The writes of the SQL store: each runs inside a transaction of the commit thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire.v1.job_pb2 import JobState
from longwire_server.store.job import Job
from longwire_server.store.job_rows import job_from_columns, job_to_row
from longwire_server.store.job_store import Added, ProgramKey, job_id_taken
from longwire_server.store.prepared import Prepared
from longwire_server.store.program_table import ProgramWrites, Unneeded
from longwire_server.store.tables import jobs, results, specs

# What a change of state may change.
_CHANGING = (
    "state",
    "sequence",
    "attempt",
    "start_time_us",
    "end_time_us",
    "error_reason",
    "error_message",
    "result_bytes",
    "lease_owner",
    "lease_expires_us",
)


class JobWrites:
    """The prepared statements of one database, and the writes made of them."""

    def __init__(self, dialect: sa.Dialect) -> None:
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        # A set of states as bits: IN would need another statement for every length.
        in_expected = (
            sa.literal_column("(1 << state)").op("&")(sa.bindparam("expected", type_=sa.Integer))
            != 0
        )
        this_job = jobs.c.job_id == sa.bindparam("for_job_id")
        this_attempt = jobs.c.attempt == sa.bindparam("for_attempt")
        this_tenant = jobs.c.tenant == sa.bindparam("for_tenant")
        changes: dict[str, Any] = {column: sa.bindparam(f"new_{column}") for column in _CHANGING}
        statements = {
            # The job's id is random: in another row it stands only where the
            # same write is repeated.
            "insert_job": insert(jobs).on_conflict_do_nothing(),
            "select_job": sa.select(jobs).where(this_job),
            "select_request": sa.select(jobs).where(
                this_tenant, jobs.c.request_id == sa.bindparam("for_request_id")
            ),
            "update_job": sa.update(jobs).where(this_job, in_expected).values(changes),
            "update_attempt": sa.update(jobs)
            .where(this_job, in_expected, this_attempt)
            .values(changes),
            "renew_lease": sa.update(jobs)
            .where(this_job, this_attempt, jobs.c.lease_owner == sa.bindparam("for_lease_owner"))
            .values(lease_expires_us=sa.bindparam("new_lease_expires_us")),
            "delete_job": sa.delete(jobs).where(this_tenant, this_job, in_expected),
            "insert_spec": sa.insert(specs),
            "insert_result": sa.insert(results),
            "delete_spec": sa.delete(specs).where(specs.c.job_id == sa.bindparam("for_job_id")),
            "delete_result": sa.delete(results).where(
                results.c.job_id == sa.bindparam("for_job_id")
            ),
        }
        self._prepared = {name: Prepared(each, dialect) for name, each in statements.items()}
        self._programs = ProgramWrites(dialect)

    def add(self, job: Job, spec: bytes, program: bytes | None, cursor: DBAPICursor) -> Added:
        """See :meth:`JobStore.add`."""
        if self._prepared["insert_job"].run(cursor, job_to_row(job)) == 0:
            known = self._known(job, cursor)
            return Added(known, created=known.job_id == job.job_id)
        self._prepared["insert_spec"].run(cursor, {"job_id": job.job_id, "payload": spec})
        if program is not None:
            key = ProgramKey(job.tenant, job.payloads_sha256)
            self._programs.keep(key, program, job.create_time_us, cursor)
        return Added(job, created=True)

    def update(
        self,
        job: Job,
        expected: Iterable[JobState.ValueType],
        attempt: int | None,
        result: bytes | None,
        cursor: DBAPICursor,
    ) -> bool:
        """See :meth:`JobStore.update`."""
        row = job_to_row(job)
        parameters = {f"new_{column}": row[column] for column in _CHANGING}
        parameters |= {"for_job_id": job.job_id, "expected": _bits(expected)}
        statement = "update_job"
        if attempt is not None:
            statement = "update_attempt"
            parameters["for_attempt"] = attempt
        if self._prepared[statement].run(cursor, parameters) != 1:
            return self._recorded(job.job_id, cursor) == job
        if result is not None:
            row = {"job_id": job.job_id, "payload": result}
            self._prepared["insert_result"].run(cursor, row)
        return True

    def renew_leases(
        self, owner: str, attempts: Mapping[str, int], expires_us: int, cursor: DBAPICursor
    ) -> set[str]:
        """See :meth:`JobStore.renew_leases`."""
        renew = self._prepared["renew_lease"]
        fixed = {"for_lease_owner": owner, "new_lease_expires_us": expires_us}
        return {
            job_id
            for job_id, attempt in attempts.items()
            if renew.run(cursor, {**fixed, "for_job_id": job_id, "for_attempt": attempt}) == 1
        }

    def delete(
        self,
        tenant: str,
        job_id: str,
        expected: Iterable[JobState.ValueType],
        cursor: DBAPICursor,
    ) -> bool:
        """See :meth:`JobStore.delete`."""
        parameters = {"for_tenant": tenant, "for_job_id": job_id, "expected": _bits(expected)}
        if self._prepared["delete_job"].run(cursor, parameters) != 1:
            return False
        for payload in ("delete_spec", "delete_result"):
            self._prepared[payload].run(cursor, {"for_job_id": job_id})
        return True

    def remove_programs(
        self, unneeded: Iterable[Unneeded], cursor: DBAPICursor
    ) -> list[ProgramKey]:
        """See :meth:`JobStore.remove_programs`."""
        return self._programs.remove(unneeded, cursor)

    def _known(self, job: Job, cursor: DBAPICursor) -> Job:
        """The job that is in the way of a new one."""
        if job.request_id:
            request = {"for_tenant": job.tenant, "for_request_id": job.request_id}
            self._prepared["select_request"].run(cursor, request)
            known = _job_of_row(cursor)
            if known is not None:
                return known
        known = self._recorded(job.job_id, cursor)
        if known != job:
            raise job_id_taken(job.job_id)
        return job

    def _recorded(self, job_id: str, cursor: DBAPICursor) -> Job | None:
        self._prepared["select_job"].run(cursor, {"for_job_id": job_id})
        return _job_of_row(cursor)


def _bits(states: Iterable[JobState.ValueType]) -> int:
    return sum(1 << state for state in states)


def _job_of_row(cursor: DBAPICursor) -> Job | None:
    row = cursor.fetchone()
    if row is None:
        return None
    return job_from_columns(
        dict(zip((column[0] for column in cursor.description), row, strict=True))
    )
