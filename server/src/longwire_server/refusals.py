"""How the server says no: one exception with a stable reason.

Every layer raises :class:`RequestRefusedError`; ``servicers/status_table.py`` alone turns it
into a gRPC status. The constructors below fix the wording of the refusals that
more than one place makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from longwire.v1.error_pb2 import ErrorReason

# Every name and id that a server knows is shorter, or as long.
_QUOTED_CHARACTERS: Final = 128


class RequestRefusedError(Exception):
    """A request that the server does not carry out, for a reason it can tell.

    Attributes:
        reason: the stable reason, of which the gRPC status follows.
        message: what was wrong, where, and what to do instead.
        details: further facts for programs (``limit``, ``near``, ...).
        field: the request's field at fault, dotted, where there is one.
        retry_after_seconds: when the same request may succeed, where known.
    """

    def __init__(
        self,
        reason: ErrorReason.ValueType,
        message: str,
        *,
        details: Mapping[str, str] | None = None,
        field: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.details = dict(details or {})
        self.field = field
        self.retry_after_seconds = retry_after_seconds


def quoted(text: str) -> str:
    """What a request says, as refusals repeat it: in quotes, and of a long one the beginning."""
    if len(text) <= _QUOTED_CHARACTERS:
        return f"'{text}'"
    return f"'{text[:_QUOTED_CHARACTERS]}...' ({len(text)} characters)"


def argument_invalid(field: str, problem: str) -> RequestRefusedError:
    """A field of the request is missing or wrong."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_ARGUMENT_INVALID, f"{field}: {problem}", field=field
    )


def backend_not_found(backend_name: str, hosted_names: list[str]) -> RequestRefusedError:
    """No backend has this name; tells the nearest ones, or all where few."""
    # To compare two texts takes as long as both are.
    is_like_a_name = len(backend_name) <= _QUOTED_CHARACTERS
    near = get_close_matches(backend_name, hosted_names, n=3, cutoff=0.5) if is_like_a_name else []
    hint = (
        f"did you mean {' or '.join(near)}?" if near else f"hosted are: {', '.join(hosted_names)}"
    )
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_BACKEND_NOT_FOUND,
        f"No backend is named {quoted(backend_name)}; {hint}",
        details={"near": ",".join(near), "hosted": ",".join(hosted_names)},
    )


def backend_not_operational(backend_name: str, why: str) -> RequestRefusedError:
    """The backend is hosted but cannot run jobs."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_BACKEND_NOT_OPERATIONAL,
        f"Backend '{backend_name}' cannot run jobs now: {why}",
    )


def job_not_found(job_id: str) -> RequestRefusedError:
    """No job of the caller has this id."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_JOB_NOT_FOUND, f"No job has the id {quoted(job_id)}"
    )


def job_not_finished(job_id: str, state_name: str) -> RequestRefusedError:
    """The call needs a job in a final state."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_JOB_NOT_FINISHED,
        f"Job {job_id} is {state_name}; wait until it has finished, or cancel it first",
    )


def job_not_queued(job_id: str, state_name: str) -> RequestRefusedError:
    """The call needs a job that waits in the queue."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_JOB_NOT_QUEUED,
        f"Job {job_id} is {state_name}; only a queued job can be moved",
    )


def session_not_found(session_id: str, problem: str) -> RequestRefusedError:
    """No open session of the caller has this id."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_SESSION_NOT_FOUND, f"The session {quoted(session_id)} {problem}"
    )


def limit_exceeded(
    limit: str,
    maximum: float,
    what: str,
    *,
    retry_after_seconds: float | None = None,
    passes: bool = False,
) -> RequestRefusedError:
    """A limit of the server was exceeded.

    Args:
        limit: the setting's dotted name.
        maximum: its value.
        what: what was asked for, and what to do instead.
        retry_after_seconds: when to try again, where waiting helps.
        passes: whether the same request certainly succeeds then, if nothing else comes.
    """
    return _exceeded(limit, maximum, f"{what}; this server's", retry_after_seconds, passes=passes)


def request_too_large(size_bytes: int, maximum: int) -> RequestRefusedError:
    """A request has more bytes than its RPC takes."""
    return limit_exceeded(
        "request_bytes", maximum, f"The request has {size_bytes} bytes, far more than it needs"
    )


def quota_exceeded(
    quota: str,
    maximum: float,
    what: str,
    *,
    retry_after_seconds: float | None = None,
    passes: bool = False,
) -> RequestRefusedError:
    """A tenant asks for more than it may.

    Args:
        quota: which quota, a field of longwire.v1.Quotas.
        maximum: its value.
        what: what was asked for, and what to do instead.
        retry_after_seconds: when to try again, where waiting helps.
        passes: whether the same request certainly succeeds then, if nothing else comes.
    """
    limit = f"quotas.{quota}"
    return _exceeded(limit, maximum, f"{what}; your tenant's", retry_after_seconds, passes=passes)


def _exceeded(
    limit: str, maximum: float, whose: str, retry_after_seconds: float | None, *, passes: bool
) -> RequestRefusedError:
    details = {"limit": limit, "maximum": f"{maximum:.15g}"}
    if passes:
        details["passes"] = "true"
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_LIMIT_EXCEEDED,
        f"{whose} limit is {maximum:.15g} ({limit})",
        details=details,
        retry_after_seconds=retry_after_seconds,
    )


def program_not_found(field: str, payloads_sha256: bytes) -> RequestRefusedError:
    """The payloads that a program names by their digest are not there."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_PROGRAM_NOT_FOUND,
        f"{field}: the server has no payloads with the digest {payloads_sha256.hex()}, or has "
        "them no more; send the payloads with it",
        field=field,
    )


def server_draining() -> RequestRefusedError:
    """The server is shutting down."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_SERVER_DRAINING,
        "The server is shutting down and takes no new jobs; try again when it is back",
        retry_after_seconds=1.0,
    )


def request_id_reused(request_id: str, job_id: str) -> RequestRefusedError:
    """The request id stands for another request."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_REQUEST_ID_REUSED,
        f"The request_id {quoted(request_id)} was used for job {job_id} with another program, "
        "options or backend; use a new one",
        details={"job_id": job_id},
    )


def result_not_available(job_id: str, state_name: str, error_message: str) -> RequestRefusedError:
    """The job ended without a result."""
    because = f": {error_message}" if error_message else ""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_RESULT_NOT_AVAILABLE,
        f"Job {job_id} has no result, it ended in {state_name}{because}",
    )


def result_removed(job_id: str, kept: str) -> RequestRefusedError:
    """The result was kept as long as the server keeps results.

    Args:
        job_id: the job.
        kept: how long that is, as the end of a sentence.
    """
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_RESULT_NOT_AVAILABLE,
        f"The result of job {job_id} is there no more: this server keeps results {kept}; run the "
        "job again",
    )


def result_damaged(job_id: str, how: str) -> RequestRefusedError:
    """The result was kept in a file that is missing or not as it was written.

    Args:
        job_id: the job.
        how: what is wrong with the file.
    """
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_RESULT_NOT_AVAILABLE,
        f"The result of job {job_id} cannot be given out, because {how}; ask whoever runs the "
        "server to restore it, or run the job again",
    )


def store_unavailable() -> RequestRefusedError:
    """The store did not answer."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_STORE_UNAVAILABLE,
        "The server cannot use its store at the moment; try again",
        retry_after_seconds=1.0,
    )


def submission_not_recorded() -> RequestRefusedError:
    """The store failed while a job was to be recorded, and has said that it is not there."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_STORE_UNAVAILABLE,
        "The server cannot write to its store at the moment: nothing was recorded, try again",
        retry_after_seconds=1.0,
    )


def cancel_not_recorded(job_id: str) -> RequestRefusedError:
    """A job is being cancelled, and its end takes long to be recorded."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_STORE_UNAVAILABLE,
        f"Job {job_id} is being cancelled, but the store has not recorded its end yet: cancel it "
        "again to learn when it has",
        retry_after_seconds=1.0,
    )


def submission_in_doubt(request_id: str) -> RequestRefusedError:
    """The store failed while a job was recorded, and has not said whether it is there."""
    what_to_do = (
        "send the same request with the same request_id again, which makes no second job"
        if request_id
        else "look for the job in the list of jobs before you send it again"
    )
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_STORE_UNAVAILABLE,
        "The server's store failed while the job was being recorded, and whether it was is not "
        f"known yet: {what_to_do}",
        details={"recorded": "unknown"},
        retry_after_seconds=1.0,
    )
