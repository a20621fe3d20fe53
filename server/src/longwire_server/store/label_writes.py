"""Writes of the labels of jobs: each runs inside a transaction of the commit thread.

A job's row has its name and its tags; the table of tags is there to find jobs by them.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.job import Job
from longwire_server.store.job_rows import job_of_cursor, tags_to_text
from longwire_server.store.prepared import Prepared
from longwire_server.store.tables import job_tags, jobs


class LabelWrites:
    """The prepared statements of one database, and the writes made of them."""

    def __init__(self, dialect: sa.Dialect) -> None:
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        this_job = jobs.c.job_id == sa.bindparam("for_job_id")
        statements = {
            # What is written depends on what is read: nobody else writes in between.
            "select_job": sa.select(jobs)
            .where(jobs.c.tenant == sa.bindparam("for_tenant"), this_job)
            .with_for_update(),
            "update_labels": sa.update(jobs)
            .where(this_job)
            .values({name: sa.bindparam(f"new_{name}") for name in ("name", "tags", "priority")}),
            # A job may have been given the same tag twice.
            "insert_tag": insert(job_tags).on_conflict_do_nothing(),
            "delete_tag": sa.delete(job_tags).where(
                *(column == sa.bindparam(f"for_{column.name}") for column in job_tags.c)
            ),
        }
        self._prepared = {name: Prepared(each, dialect) for name, each in statements.items()}

    def set(
        self,
        tenant: str,
        job_id: str,
        name: str | None,
        tags: tuple[str, ...] | None,
        expected_tags: tuple[str, ...] | None,
        priority: int | None,
        cursor: DBAPICursor,
    ) -> Job | None:
        """See :meth:`JobStore.set_labels`."""
        this_job = {"for_tenant": tenant, "for_job_id": job_id}
        self._prepared["select_job"].run(cursor, this_job)
        before = job_of_cursor(cursor)
        if before is None or expected_tags not in (None, before.tags):
            return before
        job = before.evolve(
            name=before.name if name is None else name,
            tags=before.tags if tags is None else tags,
            priority=before.priority if priority is None else priority,
        )
        if job == before:
            return job
        labels = {
            "new_name": job.name,
            "new_tags": tags_to_text(job.tags),
            "new_priority": job.priority,
        }
        self._prepared["update_labels"].run(cursor, {**this_job, **labels})
        if job.tags != before.tags:
            self.unlist(before, cursor)
            self.enlist(job, cursor)
        return job

    def enlist(self, job: Job, cursor: DBAPICursor) -> None:
        """Has a job found by its tags."""
        for tag in job.tags:
            self._prepared["insert_tag"].run(cursor, _row(job, tag))

    def unlist(self, job: Job, cursor: DBAPICursor) -> None:
        """Has it found by them no more."""
        for tag in job.tags:
            row = {f"for_{name}": value for name, value in _row(job, tag).items()}
            self._prepared["delete_tag"].run(cursor, row)


def _row(job: Job, tag: str) -> dict[str, str | int]:
    return {
        "tenant": job.tenant,
        "tag": tag,
        "create_time_us": job.create_time_us,
        "job_id": job.job_id,
    }
