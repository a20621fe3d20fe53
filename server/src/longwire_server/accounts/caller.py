"""Who makes a call, and what that lets them do."""

from __future__ import annotations

import dataclasses
from contextvars import ContextVar

from longwire.v1.account_pb2 import CredentialKind, Role, Scope

DEFAULT_TENANT = "default"

ALL_SCOPES = frozenset({Scope.SCOPE_READ, Scope.SCOPE_SUBMIT, Scope.SCOPE_MANAGE})


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose credential was found good, or who needed none."""

    tenant: str
    """Who owns what the call makes."""

    subject: str = ""
    """Who it is within the tenant; empty where nobody asked."""

    role: Role.ValueType = Role.ROLE_USER
    """What it may do at most."""

    scopes: frozenset[Scope.ValueType] = ALL_SCOPES
    """What its credential is good for."""

    backend_names: frozenset[str] = frozenset()
    """The backends that its credential is good for; empty for all that the tenant may use."""

    credential_kind: CredentialKind.ValueType = CredentialKind.CREDENTIAL_KIND_NONE
    """How it has shown who it is."""

    token_id: str = ""
    """The id of its API token; empty for other credentials."""

    expire_time_us: int | None = None
    """When its credential expires, in microseconds since 1970 UTC."""

    @property
    def is_operator(self) -> bool:
        """Whether it may see and move the jobs of all tenants."""
        return self.role >= Role.ROLE_OPERATOR and Scope.SCOPE_MANAGE in self.scopes


_ANYBODY = Caller(DEFAULT_TENANT)
_present: ContextVar[Caller] = ContextVar("caller", default=_ANYBODY)


def caller() -> Caller:
    """Who makes the call that this task carries out."""
    return _present.get()


def set_caller(present: Caller) -> None:
    """Says who makes the call that this task carries out."""
    _present.set(present)
