"""From a gRPC status to the error of :mod:`longwire.errors` that stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
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
)


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


def error_of(call: grpc.RpcError, address: str) -> LongwireError:
    """The error to raise for a call that failed.

    Args:
        call: what gRPC raised, which is the call itself.
        address: the server's address.
    """
    from longwire import errors

    failure = failure_of(call, address)
    error_class = getattr(errors, failure.class_name)
    error: LongwireError = error_class(
        failure.message, reason=failure.reason, details=failure.details
    )
    return error


def failure_of(call: grpc.RpcError, address: str) -> Failure:
    """What a call that failed says; the arguments are :func:`error_of`'s."""
    info = error_info(call)
    if info is None:
        return _failure_without_reason(call, address)
    class_name = ERROR_CLASSES.get(info.reason, "RequestRefusedError")
    return Failure(class_name, info.reason, call.details() or info.reason, dict(info.metadata))


def error_info(call: grpc.RpcError) -> error_details_pb2.ErrorInfo | None:
    """The server's stable reason, where it gave one."""
    try:
        status = rpc_status.from_call(call)
    except ValueError:
        return None
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            return info
    return None


def is_passing(call: grpc.RpcError) -> bool:
    """Whether the same call may succeed later: the server is away, or says so itself."""
    return bool(call.code() == grpc.StatusCode.UNAVAILABLE)


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
