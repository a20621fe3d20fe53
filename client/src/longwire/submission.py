"""How a job is submitted, and what is checked before, so that a mistake is told at once."""

from __future__ import annotations

import sys
import uuid
import warnings
from typing import TYPE_CHECKING

from longwire.codecs.option_names import near_names, unknown_name_hint
from longwire.codecs.payloads_digest import payloads_digest
from longwire.execution_mode import fill_mode
from longwire.transport.job_stream import IN_DOUBT, JobStream
from longwire.v1.job_service_pb2 import RunJobRequest

if TYPE_CHECKING:
    from types import FrameType

    from longwire.execution_mode import ExecutionMode
    from longwire.transport.job_calls import JobCalls
    from longwire.v1.backend_pb2 import Backend
    from longwire.v1.job_event_pb2 import JobAccepted, JobEvent
    from longwire.v1.job_pb2 import Job, JobSpec

# Below this a digest saves no packet, and the server would keep rows for nothing.
_KEPT_FROM_BYTES = 1024


def submit(
    calls: JobCalls,
    described: Backend,
    spec: JobSpec,
    *,
    target_sha256: bytes = b"",
    mode: ExecutionMode | None = None,
) -> tuple[JobStream, Job]:
    """Submits a job, and returns when the server has recorded it.

    Payloads of 1 KiB and more are sent under their digest. A server that has them
    from before is sent the digest alone; where it has lost them, they are sent
    once more, and the caller notices nothing.

    Args:
        calls: the calls of JobService.
        described: what the server tells of the job's backend.
        spec: the job. It is taken over: its program may come back without payloads.
        target_sha256: digest of the Target for which the circuits were transpiled,
            where there is one.
        mode: the session or the batch to which the job is to belong; None for the one
            in whose ``with`` block this is, if it is on this backend.

    Returns:
        The stream of the job's events, and the job as recorded.

    Raises:
        InvalidOptionError: the backend has no such run option.
        LimitExceededError: the program is too large, or the queue is full.
        LongwireError: the job was not accepted, for another reason.

    Warns:
        CalibrationChangedWarning: the backend's Target is another by now.
    """
    check_spec(spec, described)
    fill_mode(spec, calls, mode)
    # The id makes it safe to send the request again when the answer is lost.
    request = RunJobRequest(request_id=uuid.uuid4().hex)
    try:
        stream, event = _run(calls, request, spec)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(IN_DOUBT)
        raise
    _warn_if_changed(event.accepted, target_sha256)
    return stream, event.accepted.job


def check_spec(spec: JobSpec, backend: Backend) -> None:
    """Refuses a job that its backend cannot take.

    The server checks again: it may have changed since it described the backend.

    Args:
        spec: the job.
        backend: what the server tells of its backend.

    Raises:
        InvalidOptionError: the backend has no such run option.
        LimitExceededError: the program is larger than the server takes.
    """
    _check_option_names(spec, backend)
    size_bytes = sum(map(len, spec.program.payloads))
    if 0 < backend.max_program_bytes < size_bytes:
        from longwire.errors import LimitExceededError

        limit = "limits.program_bytes"
        raise LimitExceededError(
            f"The program has {size_bytes} bytes; the server's limit is "
            f"{backend.max_program_bytes} ({limit}): split it into several jobs",
            reason="LIMIT_EXCEEDED",
            details={"limit": limit, "maximum": str(backend.max_program_bytes)},
        )


def _run(calls: JobCalls, request: RunJobRequest, spec: JobSpec) -> tuple[JobStream, JobEvent]:
    """Sends a request for a job, by digest where the server has the payloads."""
    payloads = list(spec.program.payloads)
    if sum(map(len, payloads)) < _KEPT_FROM_BYTES:
        request.spec.CopyFrom(spec)
        return JobStream.run(calls, request)
    digest = spec.program.payloads_sha256 = payloads_digest(payloads)
    del spec.program.payloads[:]
    request.spec.CopyFrom(spec)
    if digest in calls.sent_programs:
        answer = _run_by_digest(calls, request)
        if answer is not None:
            return answer
    request.spec.program.payloads.extend(payloads)
    answer = JobStream.run(calls, request)
    calls.sent_programs.add(digest)
    return answer


def _run_by_digest(calls: JobCalls, request: RunJobRequest) -> tuple[JobStream, JobEvent] | None:
    """The same without payloads; None where the server has them no more."""
    from longwire.errors import ProgramNotFoundError

    digest = request.spec.program.payloads_sha256
    try:
        answer = JobStream.run(calls, request)
    except ProgramNotFoundError:
        calls.sent_programs.discard(digest)
        return None
    calls.sent_programs.add(digest)
    return answer


def _warn_if_changed(accepted: JobAccepted, target_sha256: bytes) -> None:
    if not target_sha256 or accepted.target_sha256 in (b"", target_sha256):
        return
    from longwire.errors import CalibrationChangedWarning

    job = accepted.job
    warnings.warn(
        CalibrationChangedWarning(
            f"Backend '{job.backend_name}' has been calibrated anew since its Target was read "
            "here: the job runs, but its circuits were transpiled for what the backend was "
            "before. Call backend.refresh() and transpile them again",
            job.job_id,
        ),
        stacklevel=_users_level(),
    )


def _users_level() -> int:
    """The ``stacklevel`` of the first frame outside this package, as seen by the caller."""
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("longwire."):
        frame = frame.f_back
        level += 1
    return level


def _check_option_names(spec: JobSpec, backend: Backend) -> None:
    known = backend.option_names
    for name in _option_names(spec):
        if name in known:
            continue
        from longwire.errors import InvalidOptionError

        raise InvalidOptionError(
            f"Backend '{backend.name}' has no run option '{name}'; "
            f"{unknown_name_hint(name, known)}",
            reason="OPTION_INVALID",
            details={"near": ",".join(near_names(name, known))},
        )


def _option_names(spec: JobSpec) -> list[str]:
    """The names of the options of the backend alone, which a primitive has among its own."""
    of_kind = {
        None: spec.options.backend_options,
        "sampler": spec.sampler.options.run_options,
        "estimator": spec.estimator.options.run_options,
    }
    return [option.name for option in of_kind[spec.WhichOneof("primitive")].fields]
