"""A job as the store records it."""

from __future__ import annotations

import dataclasses
from typing import Any

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobKind, JobState

FINAL_STATES = frozenset(
    {JobState.JOB_STATE_DONE, JobState.JOB_STATE_ERROR, JobState.JOB_STATE_CANCELLED}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One submitted program on one backend, without its payloads."""

    job_id: str
    """32 hexadecimal characters, 128 random bits."""

    tenant: str
    """Who owns the job."""

    request_id: str
    """The submitter's idempotency key; empty where none was given."""

    spec_digest: bytes
    """SHA-256 of the serialised JobSpec, without payloads that it names by their digest: two
    requests are equal when it is."""

    backend_name: str
    """The backend that runs the job."""

    name: str
    """A name for people."""

    tags: tuple[str, ...]
    """Labels by which the job is found again."""

    state: JobState.ValueType
    """The state as of the last write. RUNNING is not written: see jobs/manager."""

    sequence: int
    """How often the state has changed."""

    attempt: int
    """How many attempts to execute it have begun."""

    create_time_us: int
    """When it was accepted, in microseconds since 1970 UTC."""

    kind: JobKind.ValueType = JobKind.JOB_KIND_CIRCUITS
    """What it does with its circuits."""

    payloads_sha256: bytes = b""
    """Digest of the program's payloads where they are kept apart from the spec; else empty."""

    start_time_us: int | None = None
    """When the last attempt began."""

    end_time_us: int | None = None
    """When it reached a final state."""

    error_reason: ErrorReason.ValueType = ErrorReason.ERROR_REASON_UNSPECIFIED
    """Why it failed, where it did."""

    error_message: str = ""
    """The same for people."""

    result_bytes: int = 0
    """Size of the stored result."""

    lease_owner: str = ""
    """Which server runs the present attempt; empty where none does."""

    lease_expires_us: int | None = None
    """When that server's right to the attempt ends, unless it renews it."""

    queue_deadline_us: int | None = None
    """When the first attempt is to have begun, where that was asked for."""

    run_limit_seconds: float | None = None
    """How long an attempt may take at most, where that was asked for."""

    @property
    def is_final(self) -> bool:
        """Whether the job will never change state again."""
        return self.state in FINAL_STATES

    def evolve(self, **changes: Any) -> Job:
        """The same job with some fields changed."""
        return dataclasses.replace(self, **changes)
