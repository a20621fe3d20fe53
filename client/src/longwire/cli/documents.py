"""Messages as the JSON documents of ``--json``. Their keys are a promise; new ones may be added."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from longwire.cli.jsonable import jsonable
from longwire.cli.request import FORMAT_NAMES
from longwire.cli.times import to_datetime
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import Job, JobKind, JobState

if TYPE_CHECKING:
    from longwire.cli.outcome import Outcome
    from longwire.cli.primitive_outcome import PrimitiveOutcome, PubOutcome, RegisterOutcome
    from longwire.v1.backend_pb2 import Backend
    from longwire.v1.backend_status_pb2 import BackendStatus
    from longwire.v1.job_event_pb2 import JobEvent

FINAL_STATES = frozenset(
    {JobState.JOB_STATE_CANCELLED, JobState.JOB_STATE_DONE, JobState.JOB_STATE_ERROR}
)


def state_name(job: Job) -> str:
    """The state as Qiskit's ``JobStatus`` names it."""
    return JobState.Name(job.status.status).removeprefix("JOB_STATE_")


def kind_name(job: Job) -> str:
    """What the job does with its circuits: circuits (it runs them), sampler or estimator."""
    kind = job.kind or JobKind.JOB_KIND_CIRCUITS
    if kind not in JobKind.values():
        return f"kind {kind}"  # of a server that is newer
    return JobKind.Name(kind).removeprefix("JOB_KIND_").lower()


def is_primitive(job: Job) -> bool:
    """Whether the job's result is a PrimitiveResult."""
    return job.kind in (JobKind.JOB_KIND_SAMPLER, JobKind.JOB_KIND_ESTIMATOR)


def error_reason(job: Job) -> str:
    """The stable reason of a job that failed."""
    return ErrorReason.Name(job.error.reason).removeprefix("ERROR_REASON_")


def queued_seconds(job: Job) -> float | None:
    """How long the job waited for a worker; None while it does."""
    for moment in ("start_time", "end_time"):
        if job.HasField(moment):
            return (to_datetime(getattr(job, moment)) - _created(job)).total_seconds()
    return None


def running_seconds(job: Job) -> float | None:
    """How long its last attempt took; None where it has not ended or never began."""
    if job.HasField("start_time") and job.HasField("end_time"):
        return (to_datetime(job.end_time) - to_datetime(job.start_time)).total_seconds()
    return None


def status_document(status: BackendStatus) -> dict[str, Any]:
    """A backend's status: the fields of Qiskit's model."""
    return {
        "backend_name": status.backend_name,
        "backend_version": status.backend_version,
        "operational": status.operational,
        "pending_jobs": status.pending_jobs,
        "status_msg": status.status_msg,
    }


def backend_document(backend: Backend) -> dict[str, Any]:
    """What a server tells of a backend in its listing."""
    return {
        "name": backend.name,
        "reported_version": backend.reported_version,
        "num_qubits": _optional(backend, "num_qubits"),
        "simulator": backend.simulator,
        "description": backend.description,
        "max_shots": _optional(backend, "max_shots"),
        "max_circuits": _optional(backend, "max_circuits"),
        "max_program_bytes": backend.max_program_bytes,
        "accepted_programs": [
            {
                "format": FORMAT_NAMES.get(support.format, str(support.format)),
                "min_version": support.min_version,
                "max_version": support.max_version,
            }
            for support in backend.accepted_programs
        ],
        "option_names": list(backend.option_names),
        "status": status_document(backend.status),
    }


def job_document(job: Job) -> dict[str, Any]:
    """A job as the server records it; times are ISO 8601 in UTC."""
    error = None
    if job.HasField("error"):
        error = {"reason": error_reason(job), "message": job.error.message}
    return {
        "job_id": job.job_id,
        "backend_name": job.backend_name,
        "kind": kind_name(job),
        "state": state_name(job),
        "status_msg": job.status.status_msg,
        "queue_position": _optional(job, "queue_position"),
        "estimated_start_time": _moment(job, "estimated_start_time"),
        "progress": _progress(job),
        "error": error,
        "name": job.name,
        "tags": list(job.tags),
        "tenant": job.tenant,
        "submitter": job.submitter,
        "priority": job.priority,
        "batch": job.batch,
        "session_id": job.session_id,
        "create_time": _moment(job, "create_time"),
        "start_time": _moment(job, "start_time"),
        "end_time": _moment(job, "end_time"),
        "queued_seconds": queued_seconds(job),
        "running_seconds": running_seconds(job),
        "attempt": job.attempt,
        "result_bytes": job.result_bytes,
    }


def event_document(event: JobEvent, job: Job) -> dict[str, Any]:
    """An event of a watched job, with the job as it is after it."""
    return {
        "sequence": event.sequence,
        "event_time": _moment(event, "event_time"),
        "state": state_name(job),
        "queue_position": _optional(job, "queue_position"),
        "estimated_start_time": _moment(job, "estimated_start_time"),
        "progress": _progress(job),
    }


def outcome_document(job: Job, outcome: Outcome) -> dict[str, Any]:
    """A job with its counts. Bit strings are as Qiskit writes them."""
    return {
        "job": job_document(job),
        "backend_version": outcome.backend_version,
        "circuits": [
            {
                "name": circuit.name,
                "success": circuit.success,
                "shots": circuit.shots,
                "seed": circuit.seed,
                "counts": circuit.counts,
                "memory": circuit.memory,
                "data_names": list(circuit.data_names),
            }
            for circuit in outcome.circuits
        ],
    }


def primitive_document(job: Job, outcome: PrimitiveOutcome) -> dict[str, Any]:
    """A sampler's or an estimator's job with its data, in lists as deep as each pub's shape."""
    return {
        "job": job_document(job),
        "pubs": [_pub_document(pub, with_bitstrings=False) for pub in outcome.pubs],
        "metadata": jsonable(outcome.metadata),
    }


def whole_primitive_document(job: Job, outcome: PrimitiveOutcome) -> dict[str, Any]:
    """As :func:`primitive_document`, with the outcome of every shot."""
    return {
        "job_id": job.job_id,
        "backend_name": job.backend_name,
        "kind": kind_name(job),
        "pubs": [_pub_document(pub, with_bitstrings=True) for pub in outcome.pubs],
        "metadata": jsonable(outcome.metadata),
    }


def _pub_document(pub: PubOutcome, *, with_bitstrings: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        name: _register_document(register, with_bitstrings=with_bitstrings)
        for name, register in pub.registers.items()
    }
    data |= jsonable(pub.arrays)
    data |= jsonable(pub.others)
    return {"shape": list(pub.shape), "data": data, "metadata": jsonable(pub.metadata)}


def _register_document(register: RegisterOutcome, *, with_bitstrings: bool) -> dict[str, Any]:
    from longwire.cli.primitive_outcome import nested

    document = {
        "num_bits": register.num_bits,
        "num_shots": register.num_shots,
        "counts": nested(register.shape, register.counts),
    }
    if with_bitstrings:
        document["bitstrings"] = nested(register.shape, register.bitstrings)
    return document


def _created(job: Job) -> datetime.datetime:
    return to_datetime(job.create_time)


def _progress(job: Job) -> dict[str, int] | None:
    if not job.HasField("progress"):
        return None
    return {"finished": job.progress.finished, "total": job.progress.total}


def _optional(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _moment(message: Any, name: str) -> str | None:
    if not message.HasField(name):
        return None
    return to_datetime(getattr(message, name)).isoformat()
