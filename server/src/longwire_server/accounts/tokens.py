"""API tokens: how they are made, read and checked.

A token is ``lw_ID_SECRET``: the id, 16 hexadecimal digits, finds its record and is shown
to people; the secret is 32 random bytes as 43 characters of base64url. The store has the
SHA-256 of the secret's text. No slow hash: there is nothing to guess in 256 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from typing import Final

from longwire.v1.account_pb2 import CredentialKind, Role, Scope
from longwire_server.accounts.caller import Caller
from longwire_server.accounts.roles import ROLES, SCOPES, role_name, scope_name, scopes_of
from longwire_server.accounts.tenant_names import check_tenant_name
from longwire_server.refusals import argument_invalid, quoted
from longwire_server.store.token import StoredToken

PREFIX: Final = "lw_"
_TOKEN = re.compile(r"lw_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_MAX_NAME_CHARACTERS = 128
_MAX_BACKENDS = 1000
# Compared where no token has the id, so that this takes as long.
_NO_DIGEST: Final = bytes(32)


def new_token(
    *,
    name: str,
    tenant: str,
    role: int,
    scopes: Collection[int],
    backend_names: Collection[str],
    expire_time_us: int | None,
    now_us: int,
) -> tuple[StoredToken, str]:
    """Makes a token.

    Args:
        name: what it is called, 1 to 128 characters.
        tenant: for which it is good.
        role: a longwire.v1.Role.
        scopes: longwire.v1.Scope; empty for all that the role may do.
        backend_names: for which it is good; empty for all.
        expire_time_us: when it expires, in microseconds since 1970 UTC; None for never.
        now_us: the time.

    Returns:
        Its record, and the token itself, which nothing else knows.

    Raises:
        RequestRefusedError: something of it cannot be.
    """
    if not 1 <= len(name) <= _MAX_NAME_CHARACTERS or not name.isprintable():
        raise argument_invalid("name", "write 1 to 128 characters that can be shown")
    check_tenant_name("tenant", tenant)
    if role not in ROLES.values():
        raise argument_invalid("role", f"there is no role {role}; set one")
    known_role = Role.ValueType(role)
    if expire_time_us is not None and expire_time_us <= now_us:
        raise argument_invalid("expire_time", "it lies in the past; choose a later one")
    secret = secrets.token_urlsafe(32)
    token = StoredToken(
        token_id=secrets.token_hex(8),
        secret_sha256=_digest(secret),
        name=name,
        tenant=tenant,
        role=known_role,
        scopes=_checked_scopes(known_role, scopes),
        backend_names=_checked_backend_names(backend_names),
        create_time_us=now_us,
        expire_time_us=expire_time_us,
    )
    return token, f"{PREFIX}{token.token_id}_{secret}"


def parse_token(text: str) -> tuple[str, str] | None:
    """The id and the secret of a token's text; None where it is none."""
    found = _TOKEN.fullmatch(text)
    return None if found is None else (found[1], found[2])


def is_right(secret: str, token: StoredToken | None) -> bool:
    """Whether a secret is that of a token, in a time that does not depend on it."""
    expected = _NO_DIGEST if token is None else token.secret_sha256
    return hmac.compare_digest(_digest(secret), expected) and token is not None


def caller_of(token: StoredToken) -> Caller:
    """Who calls with a token."""
    return Caller(
        tenant=token.tenant,
        subject=token.name,
        role=Role.ValueType(token.role),
        scopes=frozenset(Scope.ValueType(scope) for scope in token.scopes),
        backend_names=token.backend_names,
        credential_kind=CredentialKind.CREDENTIAL_KIND_TOKEN,
        token_id=token.token_id,
        expire_time_us=token.expire_time_us,
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _checked_scopes(role: Role.ValueType, scopes: Collection[int]) -> frozenset[int]:
    for scope in scopes:
        if scope not in SCOPES.values():
            raise argument_invalid("scopes", f"there is no scope {scope}")
    if not scopes:
        return scopes_of(role)
    if beyond := frozenset(scopes) - scopes_of(role):
        raise argument_invalid(
            "scopes",
            f"the role {role_name(role)} has nothing to manage; leave out "
            f"{', '.join(map(scope_name, sorted(beyond)))}, or choose another role",
        )
    return frozenset(scopes)


def _checked_backend_names(backend_names: Collection[str]) -> frozenset[str]:
    if len(backend_names) > _MAX_BACKENDS:
        raise argument_invalid(
            "backend_names", f"these are {len(backend_names)}; write at most {_MAX_BACKENDS}"
        )
    for name in backend_names:
        if not 1 <= len(name) <= _MAX_NAME_CHARACTERS or not name.isprintable():
            raise argument_invalid("backend_names", f"{quoted(name)} cannot be a backend's name")
    return frozenset(backend_names)
