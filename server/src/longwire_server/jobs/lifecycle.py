"""The states of a job and the moves between them: the only place that knows them.

The store enforces a move by writing a state only over one of its predecessors.
"""

from __future__ import annotations

from longwire.v1.job_pb2 import JobState

INITIALIZING = JobState.JOB_STATE_INITIALIZING
QUEUED = JobState.JOB_STATE_QUEUED
VALIDATING = JobState.JOB_STATE_VALIDATING
RUNNING = JobState.JOB_STATE_RUNNING
CANCELLED = JobState.JOB_STATE_CANCELLED
DONE = JobState.JOB_STATE_DONE
ERROR = JobState.JOB_STATE_ERROR

LEGAL_MOVES: dict[JobState.ValueType, frozenset[JobState.ValueType]] = {
    INITIALIZING: frozenset({QUEUED, ERROR, CANCELLED}),
    QUEUED: frozenset({VALIDATING, ERROR, CANCELLED}),
    # Back to QUEUED when an attempt is lost and the job may run again.
    VALIDATING: frozenset({RUNNING, DONE, ERROR, CANCELLED, QUEUED}),
    RUNNING: frozenset({DONE, ERROR, CANCELLED, QUEUED}),
    CANCELLED: frozenset(),
    DONE: frozenset(),
    ERROR: frozenset(),
}

# In the words of qiskit.providers.JobStatus.
STATUS_MESSAGES: dict[JobState.ValueType, str] = {
    INITIALIZING: "job is being initialized",
    QUEUED: "job is queued",
    VALIDATING: "job is being validated",
    RUNNING: "job is actively running",
    CANCELLED: "job has been cancelled",
    DONE: "job has successfully run",
    ERROR: "job incurred error",
}


def predecessors(state: JobState.ValueType) -> frozenset[JobState.ValueType]:
    """The states from which a job may move to ``state``."""
    return frozenset(before for before, after in LEGAL_MOVES.items() if state in after)


PREDECESSORS = {state: predecessors(state) for state in LEGAL_MOVES}


def state_name(state: JobState.ValueType) -> str:
    """The state's name as Qiskit writes it, such as ``RUNNING``."""
    return JobState.Name(state).removeprefix("JOB_STATE_")
