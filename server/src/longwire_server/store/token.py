"""An API token as the store keeps it."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class StoredToken:
    """The record of a token: all but its secret."""

    token_id: str
    """The first part of the token, 16 hexadecimal digits; no secret."""

    secret_sha256: bytes = dataclasses.field(repr=False)
    """SHA-256 of the secret part as text."""

    name: str
    """What its maker called it."""

    tenant: str
    """The tenant for which it is good."""

    role: int
    """A longwire.v1.Role."""

    scopes: frozenset[int]
    """What it is good for: longwire.v1.Scope."""

    backend_names: frozenset[str]
    """The backends that it is good for; empty for all that the tenant may use."""

    create_time_us: int
    """When it was made, in microseconds since 1970 UTC."""

    expire_time_us: int | None = None
    """When it expires."""

    revoke_time_us: int | None = None
    """When it was revoked."""
