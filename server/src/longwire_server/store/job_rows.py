"""Between the recorded job and its row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobKind, JobState
from longwire_server.store.job import Job


def job_to_row(job: Job) -> dict[str, Any]:
    """The row of a job."""
    return {
        "job_id": job.job_id,
        "tenant": job.tenant,
        "request_id": job.request_id or None,
        "spec_digest": job.spec_digest,
        "backend_name": job.backend_name,
        "name": job.name,
        "tags": tags_to_text(job.tags),
        "state": int(job.state),
        "sequence": job.sequence,
        "attempt": job.attempt,
        "create_time_us": job.create_time_us,
        "kind": int(job.kind),
        "payloads_sha256": job.payloads_sha256 or None,
        "start_time_us": job.start_time_us,
        "end_time_us": job.end_time_us,
        "error_reason": int(job.error_reason),
        # PostgreSQL has no character 0 in text.
        "error_message": job.error_message.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "result_bytes": job.result_bytes,
        "lease_owner": job.lease_owner or None,
        "lease_expires_us": job.lease_expires_us,
        "queue_deadline_us": job.queue_deadline_us,
        "run_limit_seconds": job.run_limit_seconds,
        "cancel_requested": int(job.cancel_requested) or None,
        "submitter": job.submitter or None,
        "priority": job.priority,
        "batch": job.batch or None,
        "session_id": job.session_id or None,
        "moved_us": job.moved_us,
        "forgiven_attempts": job.forgiven_attempts,
    }


def tags_to_text(tags: tuple[str, ...]) -> str:
    """Tags as their job's row has them: one a line, with a line break on both ends."""
    return "".join(f"\n{tag}" for tag in tags) + "\n" if tags else ""


def job_from_row(row: sa.Row[Any]) -> Job:
    """The job of a row."""
    return job_from_columns(row._mapping)


def job_of_cursor(cursor: DBAPICursor) -> Job | None:
    """The job of the next row of a cursor that selects jobs; None where there is none."""
    row = cursor.fetchone()
    if row is None:
        return None
    names = (column[0] for column in cursor.description)
    return job_from_columns(dict(zip(names, row, strict=True)))


def job_from_columns(columns: Mapping[Any, Any]) -> Job:
    """The job of a row's columns by name."""
    return Job(
        job_id=columns["job_id"],
        tenant=columns["tenant"],
        request_id=columns["request_id"] or "",
        spec_digest=columns["spec_digest"],
        backend_name=columns["backend_name"],
        name=columns["name"],
        tags=tuple(columns["tags"].split("\n")[1:-1]),
        state=cast("JobState.ValueType", columns["state"]),
        sequence=columns["sequence"],
        attempt=columns["attempt"],
        create_time_us=columns["create_time_us"],
        kind=cast("JobKind.ValueType", columns["kind"]),
        payloads_sha256=columns["payloads_sha256"] or b"",
        start_time_us=columns["start_time_us"],
        end_time_us=columns["end_time_us"],
        error_reason=cast("ErrorReason.ValueType", columns["error_reason"]),
        error_message=columns["error_message"],
        result_bytes=columns["result_bytes"],
        lease_owner=columns["lease_owner"] or "",
        lease_expires_us=columns["lease_expires_us"],
        queue_deadline_us=columns["queue_deadline_us"],
        run_limit_seconds=columns["run_limit_seconds"],
        cancel_requested=bool(columns["cancel_requested"]),
        submitter=columns["submitter"] or "",
        priority=columns["priority"],
        batch=columns["batch"] or "",
        session_id=columns["session_id"] or "",
        moved_us=columns["moved_us"],
        forgiven_attempts=columns["forgiven_attempts"],
    )
