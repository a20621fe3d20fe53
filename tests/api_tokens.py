"""API tokens for tests, made in the store of a server, whether or not it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from pathlib import Path

from longwire.v1.account_pb2 import Role
from longwire_server.accounts.tokens import new_token
from longwire_server.store.direct_access import tokens_of

Metadata = tuple[tuple[str, str], ...]


def sqlite_url(data_dir: Path) -> str:
    """The URL of the store that a server has in its data directory by default."""
    return f"sqlite:///{data_dir}/longwire.db"


def make_token(
    url: str,
    *,
    tenant: str = "physics",
    role: int = Role.ROLE_USER,
    scopes: Collection[int] = (),
    backend_names: Collection[str] = (),
    name: str = "alice",
    lifetime_seconds: float | None = None,
    age_seconds: float = 0.0,
) -> str:
    """Makes a token, and returns its text.

    Args:
        url: the store's.
        tenant: for which it is good.
        role: its role.
        scopes: what it is good for; empty for all of its role.
        backend_names: for which it is good; empty for all.
        name: its name.
        lifetime_seconds: after which it expires, from when it was made.
        age_seconds: how long ago it was made.
    """
    now_us = time.time_ns() // 1000 - int(age_seconds * 1e6)
    token, text = new_token(
        name=name,
        tenant=tenant,
        role=role,
        scopes=scopes,
        backend_names=backend_names,
        expire_time_us=None if lifetime_seconds is None else now_us + int(lifetime_seconds * 1e6),
        now_us=now_us,
    )

    async def write() -> None:
        async with tokens_of(url) as table:
            await table.add(token)

    asyncio.run(write())
    return text


def revoke_token(url: str, text: str) -> None:
    """Revokes a token, as another process does."""

    async def write() -> None:
        async with tokens_of(url) as table:
            assert await table.revoke(token_id(text), time.time_ns() // 1000) is not None

    asyncio.run(write())


def token_id(text: str) -> str:
    """The id in a token's text."""
    return text.split("_")[1]


def shown(text: str) -> Metadata:
    """The metadata that shows a token."""
    return (("authorization", f"Bearer {text}"),)
