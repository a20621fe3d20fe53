"""The program: python -m circuits COMMAND."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import grpc

from circuits import follow, result
from circuits.arguments import parse, request_of
from circuits.connect import connect
from circuits.errors import CallError, JobError
from circuits.retry import Retries
from longwire.v1 import backend_service_pb2, job_service_pb2 as messages
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobEvent, JobFinished
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub


def main() -> int:
    """Does what the command line says; the exit code."""
    asked = parse(sys.argv[1:])
    try:
        channel, metadata = connect()
    except OSError as error:
        print(f"error: LONGWIRE_CA: {error}; give a file in PEM", file=sys.stderr)
        return 2
    try:
        with channel:
            _Commands(channel, metadata, Retries(asked.deadline)).do(asked)
    except CallError as error:
        _explain(error)
        return 1
    except JobError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


class _Commands:
    """The commands over one channel."""

    def __init__(self, channel: grpc.Channel, metadata: Any, retries: Retries) -> None:
        self._backends = BackendServiceStub(channel)
        self._jobs = JobServiceStub(channel)
        self._metadata = metadata
        self._retries = retries

    def do(self, asked: argparse.Namespace) -> None:
        """Does one of them."""
        match asked.command:
            case "backends":
                self._list_backends()
            case "run":
                request = request_of(asked)
                self._tell(follow.run(self._jobs, request, self._retries, self._metadata))
            case "submit":
                self._submit(request_of(asked))
            case "watch":
                self._tell(follow.watch(self._jobs, asked.job_id, self._retries, self._metadata))
            case "result":
                self._print_result(asked.job_id, None)
            case "cancel":
                request = messages.CancelJobRequest(job_id=asked.job_id)
                answer = self._call(self._jobs.CancelJob, request)
                _say(f"state {_name(JobState, answer.job.status.status, 'JOB_STATE_')}")

    def _call(self, method: Any, request: Any) -> Any:
        return self._retries.call(
            lambda left: method(request, timeout=left, metadata=self._metadata)
        )

    def _list_backends(self) -> None:
        request = backend_service_pb2.ListBackendsRequest()
        for backend in self._call(self._backends.ListBackends, request).backends:
            status = backend.status
            condition = "operational" if status.operational else "down"
            _say("\t".join([backend.name, condition, str(status.pending_jobs), status.status_msg]))

    def _submit(self, request: messages.RunJobRequest) -> None:
        submitted = messages.SubmitJobRequest(spec=request.spec, request_id=request.request_id)
        _say(f"job {self._call(self._jobs.SubmitJob, submitted).job.job_id}")

    def _tell(self, events: Iterator[JobEvent]) -> None:
        told = 0
        for event in events:
            kind = event.WhichOneof("event")
            if kind == "accepted":
                _say(f"job {event.job_id}")
            state, sequence = _state(event), event.sequence
            if kind == "accepted":
                # Of a repeated request the job may be further than its first event.
                sequence = max(sequence, event.accepted.job.sequence)
            # What a new stream repeats was told before.
            if state is not None and sequence > told:
                told = sequence
                _say(f"state {_name(JobState, state, 'JOB_STATE_')}")
            if kind == "finished":
                self._finish(event.finished)

    def _finish(self, finished: JobFinished) -> None:
        job = finished.job
        if job.status.status == JobState.JOB_STATE_CANCELLED:
            raise JobError("the job was cancelled")
        if job.status.status != JobState.JOB_STATE_DONE:
            reason = _name(ErrorReason, job.error.reason, "ERROR_REASON_")
            raise JobError(f"job {job.job_id} failed: {reason}: {job.error.message}")
        self._print_result(job.job_id, finished)

    def _print_result(self, job_id: str, finished: JobFinished | None) -> None:
        if finished is not None and finished.HasField("result"):
            encoded = finished.result
        else:
            encoded = result.fetch(self._jobs, job_id, self._retries, self._metadata)
        for line in result.lines(result.decode(encoded)):
            _say(line)


def _state(event: JobEvent) -> int | None:
    """The state that an event tells of; None where it tells something else."""
    match event.WhichOneof("event"):
        case "accepted":
            return event.accepted.job.status.status
        case "status_changed":
            return event.status_changed.status
        case "finished":
            return event.finished.job.status.status
    return None


def _name(enum: Any, number: int, prefix: str) -> str:
    """The name of an enum's value; its number where it is newer than this program."""
    return enum.Name(number).removeprefix(prefix) if number in enum.values() else str(number)


def _say(line: str) -> None:
    print(line, flush=True)


def _explain(error: CallError) -> None:
    head = " ".join(filter(None, [error.status.name, error.reason]))
    told = [f"error: {head}: {error.message}"]
    told += [f"  {key}: {value}" for key, value in sorted(error.metadata.items())]
    told += [f"  field {path}: {description}" for path, description in error.fields]
    told += [f"  quota {subject}: {description}" for subject, description in error.quotas]
    if error.retry_seconds is not None:
        told.append(f"  retry after {error.retry_seconds:.3f} s")
    print("\n".join(told), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
