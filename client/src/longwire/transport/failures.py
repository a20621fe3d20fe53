"""From a gRPC status to the error of :mod:`longwire.errors` that stands for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

if TYPE_CHECKING:
    from longwire.errors import LongwireError

ERROR_DOMAIN = "longwire"

# Stable reason → name of the class in longwire.errors, which imports Qiskit and
# is therefore reached only when something is wrong.
ERROR_CLASSES = {
    "INTERNAL": "ServerInternalError",
    "ARGUMENT_INVALID": "InvalidArgumentError",
    "PROGRAM_INVALID": "InvalidProgramError",
    "PROGRAM_FORMAT_UNSUPPORTED": "InvalidProgramError",
    "OPTION_INVALID": "InvalidOptionError",
    "BACKEND_NOT_FOUND": "BackendNotFoundError",
    "BACKEND_NOT_OPERATIONAL": "BackendNotOperationalError",
    "JOB_NOT_FOUND": "JobNotFoundError",
    "JOB_NOT_FINISHED": "ResultNotAvailableError",
    "RESULT_NOT_AVAILABLE": "ResultNotAvailableError",
    "LIMIT_EXCEEDED": "LimitExceededError",
    "REQUEST_ID_REUSED": "RequestIdReusedError",
    "SERVER_DRAINING": "ServerBusyError",
    "STORE_UNAVAILABLE": "ServerBusyError",
    "PROGRAM_NOT_FOUND": "ProgramNotFoundError",
    "UNAUTHENTICATED": "AuthenticationError",
    "PERMISSION_DENIED": "PermissionDeniedError",
    "SESSION_NOT_FOUND": "SessionNotFoundError",
    "TOKEN_NOT_FOUND": "TokenNotFoundError",
    "JOB_NOT_QUEUED": "JobNotQueuedError",
}


# gRPC's words → ours.
_CAUSES = (
    ("Connection refused", "connection refused"),
    ("Connection reset", "the connection was reset"),
    ("Socket closed", "the connection was closed"),
    ("hostname lookup error", "the host name is not known"),
    ("DNS", "the host name is not known"),
    ("No route to host", "no route to the host"),
    ("Network is unreachable", "the network is unreachable"),
    ("Timeout", "it did not answer in time"),
    ("timed out", "it did not answer in time"),
    ("keepalive", "the connection was dead"),
    ("ping timeout", "the connection was dead"),
    ("Broken pipe", "the connection was closed"),
    ("GOAWAY", "the connection was closed"),
)
# With these nothing has reached the server.
_NOT_SENT = ("failed to connect", "Connection refused", "lookup error", "DNS")
_MOST_RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class Failure:
    """What a failed call says, for readers without Qiskit, which the errors import.

    Attributes:
        class_name: of the class in :mod:`longwire.errors` that stands for it.
        reason: the stable reason.
        message: what is wrong, where, and what to do instead.
        details: what else the server told, by name.
    """

    class_name: str
    reason: str
    message: str
    details: Mapping[str, str] = field(default_factory=dict)


def error_of(
    call: grpc.RpcError, address: str, job_id: str = "", *, tls_trouble: str = ""
) -> LongwireError:
    """The error to raise for a call that failed.

    Args:
        call: what gRPC raised, which is the call itself.
        address: the server's address.
        job_id: the job that the call was about; empty for any other call.
        tls_trouble: what is wrong with TLS, where that is why it failed.
    """
    from longwire import errors

    failure = failure_of(call, address, job_id, tls_trouble=tls_trouble)
    error_class = getattr(errors, failure.class_name)
    error: LongwireError = error_class(
        failure.message, reason=failure.reason, details=failure.details
    )
    return error


def failure_of(
    call: grpc.RpcError, address: str, job_id: str = "", *, tls_trouble: str = ""
) -> Failure:
    """What a call that failed says; the arguments are :func:`error_of`'s."""
    if tls_trouble:
        return Failure("TlsError", "TLS", tls_trouble)
    info = error_info(call)
    if info is None:
        failure = _failure_without_reason(call, address)
        if not job_id or failure.reason != "SERVER_UNREACHABLE":
            return failure
        kept = f"job {job_id} is kept there: any process finds it by this id when it answers again"
        return replace(failure, message=f"{failure.message}; {kept}")
    class_name = ERROR_CLASSES.get(info.reason, "RequestRefusedError")
    return Failure(class_name, info.reason, call.details() or info.reason, dict(info.metadata))


def error_info(call: grpc.RpcError) -> error_details_pb2.ErrorInfo | None:
    """The server's stable reason, where it gave one."""
    for detail in _details(call):
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            return info
    return None


def retry_seconds(call: grpc.RpcError) -> float:
    """How long the server asks to wait before the call is made again; 0 where it does not."""
    for detail in _details(call):
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(retry):
            seconds: float = retry.retry_delay.ToMilliseconds() / 1000
            return min(max(seconds, 0.0), _MOST_RETRY_SECONDS)
    return 0.0


def _details(call: grpc.RpcError) -> Sequence[any_pb2.Any]:
    try:
        status = rpc_status.from_call(call)
    except ValueError:
        return ()
    return () if status is None else status.details


def is_passing(call: grpc.RpcError) -> bool:
    """Whether the same call may succeed later: the server is away, or says so itself.

    A server that stops cancels what it has not answered by then, as does whatever lies
    between that is restarted. One that was asked too often in too short a time says so,
    and when to ask again; that it is full passes too, but nobody knows when.
    """
    if call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        info = error_info(call)
        return info is not None and info.metadata.get("passes") == "true"
    return call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def is_away(call: grpc.RpcError) -> bool:
    """Whether a call failed for want of a server, not because it has refused the call."""
    return call.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED


def may_have_arrived(call: grpc.RpcError) -> bool:
    """Whether the server may have carried out a call without an answer."""
    info = error_info(call)
    if info is not None:
        # Its store may have failed in the middle of it.
        return bool(info.metadata.get("recorded") == "unknown")
    return not any(words in (call.details() or "") for words in _NOT_SENT)


def cause_of(call: grpc.RpcError) -> str:
    """Why a call failed that may succeed later, in a few words."""
    details = call.details() or call.code().name
    return details if error_info(call) is not None else _cause(details)


def _cause(details: str) -> str:
    """What kept a connection from being made, in words of our own where they are known."""
    for words, cause in _CAUSES:
        if words in details:
            return cause
    return details


def _failure_without_reason(call: grpc.RpcError, address: str) -> Failure:
    code, details = call.code(), call.details() or "no details"
    match code:
        case grpc.StatusCode.UNAVAILABLE:
            return Failure(
                "ServerUnreachableError",
                "SERVER_UNREACHABLE",
                f"No Longwire server answers at {address}: check that it runs there "
                f"(longwire-server serve) and that nothing is in between ({_cause(details)})",
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Failure(
                "ServerUnreachableError",
                "SERVER_UNREACHABLE",
                f"The server at {address} did not answer in time: it may be overloaded, or out of "
                "reach; try again",
            )
        case grpc.StatusCode.UNAUTHENTICATED:
            return Failure(
                "AuthenticationError",
                "UNAUTHENTICATED",
                f"The server at {address} asks for credentials ({details}): log in with longwire "
                f"login {address}",
            )
        case grpc.StatusCode.PERMISSION_DENIED:
            return Failure(
                "PermissionDeniedError",
                "PERMISSION_DENIED",
                f"The server at {address} does not allow this ({details})",
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Failure(
                "LimitExceededError",
                "LIMIT_EXCEEDED",
                f"A message is larger than the server at {address} or this client takes "
                f"({details}): send fewer circuits or values in one job",
            )
        case grpc.StatusCode.UNIMPLEMENTED:
            return Failure(
                "RequestRefusedError",
                "REQUEST_REFUSED",
                f"The server at {address} does not know this call: it is older than this client, "
                f"or no Longwire server ({details})",
            )
        case _:
            return Failure(
                "RequestRefusedError",
                "REQUEST_REFUSED",
                f"The call to {address} failed with {code.name}: {details}",
            )
