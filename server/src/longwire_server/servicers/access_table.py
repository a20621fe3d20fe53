"""The one table from an RPC to what its caller needs. What is not in it is refused."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import Final

from longwire.v1.account_pb2 import Role, Scope


class Audit(enum.Enum):
    """Which calls of an RPC are recorded."""

    NEVER = "never"
    """Those that are refused for the caller's role or scope alone, as with all RPCs."""

    BEYOND_TENANT = "beyond tenant"
    """Those that ask for other tenants' records, or are answered with them."""

    ALWAYS = "always"
    """All."""


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """What an RPC asks of its caller."""

    role: Role.ValueType
    """The least role."""

    scope: Scope.ValueType | None
    """What the credential has to be good for; None for nothing in particular."""

    audit: Audit = Audit.NEVER
    """Which of its calls are recorded."""


# What anybody may call, whoever it is.
OPEN: Final = None

_SEE: Final = Access(Role.ROLE_USER, Scope.SCOPE_READ)
_SEE_BEYOND: Final = Access(Role.ROLE_USER, Scope.SCOPE_READ, Audit.BEYOND_TENANT)
_FETCH: Final = Access(Role.ROLE_USER, Scope.SCOPE_READ, Audit.ALWAYS)
_CHANGE: Final = Access(Role.ROLE_USER, Scope.SCOPE_SUBMIT, Audit.ALWAYS)
_OPERATE: Final = Access(Role.ROLE_OPERATOR, Scope.SCOPE_MANAGE, Audit.ALWAYS)
_ADMINISTER: Final = Access(Role.ROLE_ADMIN, Scope.SCOPE_MANAGE, Audit.ALWAYS)

_SERVICES: Final[Mapping[str, Mapping[str, Access | None]]] = {
    "longwire.v1.BackendService": {
        "ListBackends": _SEE,
        "GetBackendStatus": _SEE,
        "WatchBackendStatus": _SEE,
        "GetBackendConfiguration": _SEE,
        "GetBackendProperties": _SEE,
        "GetBackendTarget": _SEE,
    },
    "longwire.v1.JobService": {
        "RunJob": _CHANGE,
        "SubmitJob": _CHANGE,
        "GetJob": _SEE_BEYOND,
        # Its last event may hold the result.
        "WatchJob": _FETCH,
        "GetResult": _FETCH,
        "ListJobs": _SEE_BEYOND,
        "CancelJob": _CHANGE,
        "UpdateJob": _CHANGE,
        "DeleteJob": _CHANGE,
    },
    "longwire.v1.CallService": {
        # Asks for nothing itself: each of its calls is looked at as its own RPC.
        "MakeCalls": Access(Role.ROLE_USER, None),
    },
    "longwire.v1.SessionService": {
        "OpenSession": _CHANGE,
        "GetSession": _SEE,
        "CloseSession": _CHANGE,
    },
    "longwire.v1.AccountService": {
        "WhoAmI": _SEE,
        "GetUsage": _SEE_BEYOND,
    },
    "longwire.v1.AdminService": {
        "CreateToken": _ADMINISTER,
        "ListTokens": _ADMINISTER,
        "RevokeToken": _ADMINISTER,
        "ListTenants": _ADMINISTER,
        "SetTenant": _ADMINISTER,
        "PauseBackend": _OPERATE,
        "ResumeBackend": _OPERATE,
        "SetStatusMessage": _OPERATE,
        "MoveJobToFront": _OPERATE,
        "DrainServer": _OPERATE,
    },
    "grpc.health.v1.Health": {
        # Load balancers and supervisors have no credentials. It tells whether the
        # server takes work, and nothing else.
        "Check": OPEN,
        # A stream, which strangers could leave open.
        "Watch": _SEE,
        "List": _SEE,
    },
    "grpc.reflection.v1alpha.ServerReflection": {
        "ServerReflectionInfo": _SEE,
    },
}


def _by_method() -> Iterator[tuple[str, Access | None]]:
    for service, methods in _SERVICES.items():
        for method, access in methods.items():
            yield f"/{service}/{method}", access


ACCESS: Final[Mapping[str, Access | None]] = dict(_by_method())
"""What each RPC asks of its caller, by its full name as gRPC has it; OPEN: nothing."""
