"""From a gRPC status to the error of :mod:`longwire.errors` that stands for it."""

from __future__ import annotations

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


def error_of(call: grpc.RpcError, address: str) -> LongwireError:
    """The error to raise for a call that failed.

    Args:
        call: what gRPC raised, which is the call itself.
        address: the server's address.
    """
    from longwire import errors

    info = error_info(call)
    if info is not None:
        error_class = getattr(
            errors, ERROR_CLASSES.get(info.reason, ""), errors.RequestRefusedError
        )
        error: LongwireError = error_class(
            call.details() or info.reason, reason=info.reason, details=dict(info.metadata)
        )
        return error
    return _error_without_reason(call, address)


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


def _error_without_reason(call: grpc.RpcError, address: str) -> LongwireError:
    from longwire import errors

    code, details = call.code(), call.details() or "no details"
    match code:
        case grpc.StatusCode.UNAVAILABLE:
            return errors.ServerUnreachableError(
                f"No Longwire server answers at {address}: check that it runs there "
                f"(longwire-server serve) and that nothing is in between ({_cause(details)})"
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return errors.ServerUnreachableError(
                f"The server at {address} did not answer in time: it may be overloaded, or out of "
                "reach; try again"
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return errors.LimitExceededError(
                f"A message is larger than the server at {address} or this client takes "
                f"({details}): send fewer circuits in one job"
            )
        case grpc.StatusCode.UNIMPLEMENTED:
            return errors.RequestRefusedError(
                f"The server at {address} does not know this call: it is older than this client, "
                f"or no Longwire server ({details})"
            )
        case _:
            return errors.RequestRefusedError(
                f"The call to {address} failed with {code.name}: {details}"
            )
