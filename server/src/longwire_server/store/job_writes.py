"""The writes of the SQL store: each runs inside a transaction of the commit thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire.v1.job_pb2 import JobState
from longwire_server.store.ended_jobs import EndedJob
from longwire_server.store.expected_states import IN_EXPECTED_STATE, state_bits
from longwire_server.store.job import CHANGING, Job
from longwire_server.store.job_rows import job_of_cursor, job_to_row
from longwire_server.store.job_store import Added, ProgramKey, job_id_taken
from longwire_server.store.label_writes import LabelWrites
from longwire_server.store.payload import Payload, payload_size, payload_to_columns
from longwire_server.store.prepared import Prepared
from longwire_server.store.program_table import InStore, ProgramWrites, Unneeded
from longwire_server.store.retention_writes import Removed, RetentionWrites
from longwire_server.store.tables import jobs, results, specs
from longwire_server.store.usage import Usage
from longwire_server.store.usage_table import UsageWrites

_IN_QUEUE = state_bits({JobState.JOB_STATE_QUEUED})


class JobWrites:
    """The prepared statements of one database, and the writes made of them.

    Attributes:
        labels: those that are about labels.
    """

    def __init__(self, dialect: sa.Dialect) -> None:
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        this_job = jobs.c.job_id == sa.bindparam("for_job_id")
        this_attempt = jobs.c.attempt == sa.bindparam("for_attempt")
        this_tenant = jobs.c.tenant == sa.bindparam("for_tenant")
        changes: dict[str, Any] = {column: sa.bindparam(f"new_{column}") for column in CHANGING}
        changes["kept_bytes"] = jobs.c.kept_bytes + sa.bindparam("more_bytes", type_=sa.BigInteger)
        statements = {
            # The job's id is random: in another row it stands only where the
            # same write is repeated.
            "insert_job": insert(jobs).on_conflict_do_nothing(),
            "select_job": sa.select(jobs).where(this_job),
            "select_request": sa.select(jobs).where(
                this_tenant, jobs.c.request_id == sa.bindparam("for_request_id")
            ),
            "update_job": sa.update(jobs).where(this_job, IN_EXPECTED_STATE).values(changes),
            "update_attempt": sa.update(jobs)
            .where(this_job, IN_EXPECTED_STATE, this_attempt)
            .values(changes),
            "renew_lease": sa.update(jobs)
            .where(this_job, this_attempt, jobs.c.lease_owner == sa.bindparam("for_lease_owner"))
            .values(lease_expires_us=sa.bindparam("new_lease_expires_us")),
            "move_job": sa.update(jobs)
            .where(this_job, IN_EXPECTED_STATE)
            .values(moved_us=sa.bindparam("new_moved_us")),
            "insert_spec": sa.insert(specs),
            "insert_result": sa.insert(results),
        }
        self._prepared = {name: Prepared(each, dialect) for name, each in statements.items()}
        self._programs = ProgramWrites(dialect)
        self.labels = LabelWrites(dialect)
        self._retention = RetentionWrites(dialect, self.labels)
        self._usage = UsageWrites(dialect)

    def add_usage(self, used: Usage, _cursor: DBAPICursor) -> None:
        """Adds to what a tenant has used."""
        self._usage.add(used)

    def begin(self) -> None:
        """Precedes the writes of every transaction."""
        self._usage.begin()

    def finish(self, cursor: DBAPICursor) -> None:
        """Follows the writes of every transaction, just before its commit."""
        self._usage.finish(cursor)

    def add(
        self, job: Job, spec: Payload, program: Payload | InStore | None, cursor: DBAPICursor
    ) -> Added | None:
        """See :meth:`JobStore.add`.

        Returns:
            None where the program is not in the store: then nothing is written.
        """
        key = ProgramKey(job.tenant, job.payloads_sha256)
        if program is InStore.IN_STORE and not self._programs.is_kept(key, cursor):
            return None
        row = job_to_row(job) | {"kept_bytes": payload_size(spec)}
        if self._prepared["insert_job"].run(cursor, row) == 0:
            known = self._known(job, cursor)
            return Added(known, created=known.job_id == job.job_id)
        self.labels.enlist(job, cursor)
        row = {"job_id": job.job_id} | payload_to_columns(spec)
        self._prepared["insert_spec"].run(cursor, row)
        if program is not None:
            self._programs.keep(key, program, job.create_time_us, cursor)
        return Added(job, created=True)

    def update(
        self,
        job: Job,
        expected: Iterable[JobState.ValueType],
        attempt: int | None,
        result: Payload | None,
        usage: Usage | None,
        cursor: DBAPICursor,
    ) -> bool:
        """See :meth:`JobStore.update`."""
        row = job_to_row(job)
        parameters = {f"new_{column}": row[column] for column in CHANGING}
        parameters |= {"for_job_id": job.job_id, "expected": state_bits(expected)}
        parameters["more_bytes"] = 0 if result is None else payload_size(result)
        statement = "update_job"
        if attempt is not None:
            statement = "update_attempt"
            parameters["for_attempt"] = attempt
        if self._prepared[statement].run(cursor, parameters) != 1:
            known = self._recorded(job.job_id, cursor)
            return known is not None and _changing(known) == _changing(job)
        if result is not None:
            row = {"job_id": job.job_id} | payload_to_columns(result)
            self._prepared["insert_result"].run(cursor, row)
        if usage is not None:
            self._usage.add(usage)
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
    ) -> Removed:
        """See :meth:`JobStore.delete`."""
        return self._retention.delete(tenant, job_id, expected, cursor)

    def move_to_front(self, job_id: str, moved_us: int, cursor: DBAPICursor) -> bool:
        """See :meth:`JobStore.move_to_front`."""
        parameters = {"for_job_id": job_id, "new_moved_us": moved_us, "expected": _IN_QUEUE}
        return self._prepared["move_job"].run(cursor, parameters) == 1

    def expire_results(self, ended: Iterable[EndedJob], cursor: DBAPICursor) -> Removed:
        """See :meth:`JobStore.expire_results`."""
        return self._retention.expire(ended, cursor)

    def remove_jobs(self, ended: Iterable[EndedJob], cursor: DBAPICursor) -> Removed:
        """See :meth:`JobStore.remove_jobs`."""
        return self._retention.remove(ended, cursor)

    def replace_program(self, key: ProgramKey, payload: Payload, cursor: DBAPICursor) -> str | None:
        """Writes a damaged program anew; returns the file that had it, if one did."""
        return self._programs.replace(key, payload, cursor)

    def remove_programs(
        self, unneeded: Iterable[Unneeded], cursor: DBAPICursor
    ) -> list[ProgramKey]:
        """See :meth:`JobStore.remove_programs`."""
        return self._programs.remove(unneeded, cursor)

    def _known(self, job: Job, cursor: DBAPICursor) -> Job:
        """The job that is in the way of a new one."""
        if job.request_id:
            known = self.of_request(job.tenant, job.request_id, cursor)
            if known is not None:
                return known
        known = self._recorded(job.job_id, cursor)
        if known is None or not known.is_submission_of(job):
            raise job_id_taken(job.job_id)
        return known

    def of_request(self, tenant: str, request_id: str, cursor: DBAPICursor) -> Job | None:
        """See :meth:`JobStore.of_request`."""
        request = {"for_tenant": tenant, "for_request_id": request_id}
        self._prepared["select_request"].run(cursor, request)
        return job_of_cursor(cursor)

    def _recorded(self, job_id: str, cursor: DBAPICursor) -> Job | None:
        self._prepared["select_job"].run(cursor, {"for_job_id": job_id})
        return job_of_cursor(cursor)


def _changing(job: Job) -> list[Any]:
    """What an update writes of a job."""
    row = job_to_row(job)
    return [row[column] for column in CHANGING]
