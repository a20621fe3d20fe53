"""The state of a job as a member of Qiskit's own enum."""

from __future__ import annotations

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from longwire.v1 import job_pb2


def job_state(status: job_pb2.JobStatus) -> JobStatus:
    """The state of a status message."""
    return JobStatus[job_pb2.JobState.Name(status.status).removeprefix("JOB_STATE_")]


def is_final(job: job_pb2.Job) -> bool:
    """Whether a job has ended, and so changes no more."""
    return job_state(job.status) in JOB_FINAL_STATES
