"""How the server says no to callers for who they are."""

from __future__ import annotations

import math

from longwire.v1.account_pb2 import Role, Scope
from longwire.v1.error_pb2 import ErrorReason
from longwire_server.accounts.roles import role_name, scope_name
from longwire_server.refusals import RequestRefusedError, quoted


def unauthenticated() -> RequestRefusedError:
    """There is no credential."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_UNAUTHENTICATED,
        "This server asks who you are, and the call does not say: give a token "
        "(longwire login saves one), or ask whoever runs the server for one",
    )


def unknown_credential(*, is_needed: bool) -> RequestRefusedError:
    """There is a credential, and it is not known. What is wrong with it, nobody is told.

    Args:
        is_needed: whether callers must show one.
    """
    otherwise = (
        "ask whoever runs it for a new one"
        if is_needed
        else "it asks nobody for one, so leave it out, or use a good one"
    )
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_UNAUTHENTICATED,
        "This server does not know the token that the call shows, which may be mistyped, or "
        f"another server's: {otherwise}",
    )


def credential_expired(what: str) -> RequestRefusedError:
    """A credential was good, and its time is over."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_UNAUTHENTICATED,
        f"Your {what} has expired; get a new one where you got it",
    )


def credential_revoked() -> RequestRefusedError:
    """An API token was good, and was revoked."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_UNAUTHENTICATED,
        "Your API token was revoked; ask whoever runs the server for a new one",
    )


def too_many_failures(per_minute: int, retry_after_seconds: float) -> RequestRefusedError:
    """The address has shown too many wrong credentials."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_LIMIT_EXCEEDED,
        "Your address has shown too many wrong credentials; wait "
        f"{math.ceil(retry_after_seconds)} s. This server's limit is {per_minute} a minute "
        "(auth.failures_per_minute)",
        details={"limit": "auth.failures_per_minute", "maximum": str(per_minute)},
        retry_after_seconds=retry_after_seconds,
    )


def issuer_unavailable() -> RequestRefusedError:
    """Whether a JSON Web Token is good cannot be found out."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_STORE_UNAVAILABLE,
        "The server cannot get the keys of the issuer of your token at the moment; try again",
        retry_after_seconds=1.0,
    )


def role_needed(role: Role.ValueType) -> RequestRefusedError:
    """The caller's role may not make this call."""
    name = role_name(role)
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_PERMISSION_DENIED,
        f"This call is for {name}s, and your account is none; ask one",
        details={"role": name},
    )


def scope_needed(scope: Scope.ValueType) -> RequestRefusedError:
    """The caller's credential is not good for this call."""
    name = scope_name(scope)
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_PERMISSION_DENIED,
        f"Your token is not good for this call, which needs the scope {name}; use another",
        details={"scope": name},
    )


def unclassified(method: str) -> RequestRefusedError:
    """Nobody has said who may make this call."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_PERMISSION_DENIED,
        f"Nobody may call {quoted(method)} on this server",
    )


def token_not_found(token_id: str) -> RequestRefusedError:
    """No API token has this id."""
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_TOKEN_NOT_FOUND,
        f"No API token has the id {quoted(token_id)}; longwire-server token list shows them",
    )
