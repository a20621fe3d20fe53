"""The recorded job in the words of the wire."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from longwire.v1 import job_pb2
from longwire_server.jobs.lifecycle import ERROR, RUNNING, STATUS_MESSAGES
from longwire_server.store.job import Job


def timestamp(time_us: int) -> Timestamp:
    """A time in microseconds since 1970 as a protobuf timestamp."""
    seconds, micros = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def job_status_to_proto(job: Job) -> job_pb2.JobStatus:
    """The job's status as Qiskit's model has it."""
    message = STATUS_MESSAGES[job.state] if job.state != ERROR else job.error_message
    return job_pb2.JobStatus(job_id=job.job_id, status=job.state, status_msg=message)


def job_to_proto(
    job: Job,
    queue_position: int | None = None,
    progress: job_pb2.JobProgress | None = None,
    estimated_start_us: int | None = None,
) -> job_pb2.Job:
    """The whole job.

    Args:
        job: the job as recorded.
        queue_position: its place in the queue, counted from 1.
        progress: how far it is, which is told only while it is running.
        estimated_start_us: when it may begin, which is told with its place.
    """
    message = job_pb2.Job(
        job_id=job.job_id,
        backend_name=job.backend_name,
        status=job_status_to_proto(job),
        sequence=job.sequence,
        name=job.name,
        tags=job.tags,
        create_time=timestamp(job.create_time_us),
        attempt=job.attempt,
        queue_position=queue_position,
        result_bytes=job.result_bytes,
        request_id=job.request_id,
        kind=job.kind,
        tenant=job.tenant,
        submitter=job.submitter,
        priority=job.priority,
        batch=job.batch,
        session_id=job.session_id,
        progress=progress if job.state == RUNNING else None,
    )
    if queue_position is not None and estimated_start_us is not None:
        message.estimated_start_time.CopyFrom(timestamp(estimated_start_us))
    if job.start_time_us is not None:
        message.start_time.CopyFrom(timestamp(job.start_time_us))
    if job.end_time_us is not None:
        message.end_time.CopyFrom(timestamp(job.end_time_us))
    if job.state == ERROR:
        message.error.reason = job.error_reason
        message.error.message = job.error_message
    return message
