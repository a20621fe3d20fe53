"""A job as the store records it."""

from __future__ import annotations

import dataclasses
from typing import Any

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobKind, JobState

FINAL_STATES = frozenset(
    {JobState.JOB_STATE_DONE, JobState.JOB_STATE_ERROR, JobState.JOB_STATE_CANCELLED}
)


# What a change of state may change. All else was given with the job, or is its labels.
CHANGING = (
    "state",
    "sequence",
    "attempt",
    "forgiven_attempts",
    "start_time_us",
    "end_time_us",
    "error_reason",
    "error_message",
    "result_bytes",
    "lease_owner",
    "lease_expires_us",
)

# What tells submissions apart.
_SUBMITTED = ("job_id", "tenant", "request_id", "spec_digest", "create_time_us")


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
    """Which server has the job in its queue or runs it; empty once it is final."""

    lease_expires_us: int | None = None
    """When that server's right to the present attempt ends, unless it renews it; None where
    none runs."""

    queue_deadline_us: int | None = None
    """When the first attempt is to have begun, where that was asked for."""

    run_limit_seconds: float | None = None
    """How long an attempt may take at most, where that was asked for."""

    cancel_requested: bool = False
    """Whether another server was asked to cancel it, which its own is to do."""

    submitter: str = ""
    """Who submitted it, within the tenant."""

    priority: int = 0
    """How urgent it is among its tenant's jobs, -10 to 10."""

    batch: str = ""
    """The batch to which it belongs; empty for none."""

    session_id: str = ""
    """The session in which it is to run; empty for none."""

    moved_us: int | None = None
    """When an operator put it in front of the queue, if one did."""

    forgiven_attempts: int = 0
    """How many attempts ended because a server was stopped on purpose, which uses up none."""

    @property
    def counted_attempts(self) -> int:
        """How many of the attempts count, where only so many are allowed."""
        return self.attempt - self.forgiven_attempts

    @property
    def is_final(self) -> bool:
        """Whether the job will never change state again."""
        return self.state in FINAL_STATES

    def evolve(self, **changes: Any) -> Job:
        """The same job with some fields changed."""
        return dataclasses.replace(self, **changes)

    def advanced_as(self, other: Job) -> Job:
        """The same job, as far on as ``other``; what a change of state leaves stays."""
        return self.evolve(**{field: getattr(other, field) for field in CHANGING})

    def is_submission_of(self, other: Job) -> bool:
        """Whether both stand for one submission, whatever became of it since."""
        return all(getattr(self, field) == getattr(other, field) for field in _SUBMITTED)
