"""The table of API tokens: what is read of it and written to it.

A token is written once. Of its record only ``revoke_time_us`` ever changes, once, and no
record is removed: so a token that was good is never unknown, but revoked or expired.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.account_changes import AccountChanges
from longwire_server.store.database import Database, Read, Write
from longwire_server.store.prepared import Prepared
from longwire_server.store.tables import tokens
from longwire_server.store.token import StoredToken


@dataclasses.dataclass(frozen=True, slots=True)
class Extent:
    """What is in the table, as far as it takes to see whether it has changed."""

    num_tokens: int
    """How many tokens there are."""

    num_revoked: int
    """How many of them were revoked."""


class TokenTable:
    """The part of a SQL store that is about tokens. Methods return when they are durable.

    Every method raises :class:`StoreError` where the storage fails.

    Args:
        database: the database.
        changes: told of every write.
        read: reads it.
        write: writes it.
    """

    def __init__(
        self, database: Database, changes: AccountChanges, *, read: Read, write: Write
    ) -> None:
        dialect = database.engine.dialect
        self._changes = changes
        self._read = read
        self._write = write
        self._insert = Prepared(sa.insert(tokens), dialect)
        self._revoke = Prepared(
            sa.update(tokens)
            .where(
                tokens.c.token_id == sa.bindparam("for_token_id"),
                tokens.c.revoke_time_us.is_(None),
            )
            .values(revoke_time_us=sa.bindparam("time_us")),
            dialect,
        )

    async def add(self, token: StoredToken) -> None:
        """Writes a new token."""
        await self._write(partial(self._run, self._insert, _to_row(token)))
        self._changes.tell()

    async def revoke(self, token_id: str, time_us: int) -> StoredToken | None:
        """Revokes a token, unless it was before.

        Args:
            token_id: the token.
            time_us: when, in microseconds since 1970 UTC.

        Returns:
            Its record; None where there is no such token.
        """
        parameters = {"for_token_id": token_id, "time_us": time_us}
        await self._write(partial(self._run, self._revoke, parameters))
        self._changes.tell()
        statement = sa.select(tokens).where(tokens.c.token_id == token_id)
        row = await self._read(lambda connection: connection.execute(statement).one_or_none())
        return None if row is None else _from_row(row)

    async def all(self) -> list[StoredToken]:
        """Every token, the newest first."""
        statement = sa.select(tokens).order_by(tokens.c.create_time_us.desc(), tokens.c.token_id)
        rows = await self._read(lambda connection: connection.execute(statement).all())
        return [_from_row(row) for row in rows]

    async def extent(self) -> Extent:
        """How many tokens there are."""
        statement = sa.select(sa.func.count(), sa.func.count(tokens.c.revoke_time_us)).select_from(
            tokens
        )
        row = await self._read(lambda connection: connection.execute(statement).one())
        return Extent(*row)

    def _run(self, statement: Prepared, parameters: dict[str, Any], cursor: DBAPICursor) -> None:
        statement.run(cursor, parameters)
        self._changes.note(cursor)


def _to_row(token: StoredToken) -> dict[str, Any]:
    return {
        "token_id": token.token_id,
        "secret_sha256": token.secret_sha256,
        "name": token.name,
        "tenant": token.tenant,
        "role": token.role,
        "scopes": "\n".join(str(scope) for scope in sorted(token.scopes)),
        "backend_names": "\n".join(sorted(token.backend_names)),
        "create_time_us": token.create_time_us,
        "expire_time_us": token.expire_time_us,
        "revoke_time_us": token.revoke_time_us,
    }


def _from_row(row: sa.Row[Any]) -> StoredToken:
    return StoredToken(
        token_id=row.token_id,
        secret_sha256=bytes(row.secret_sha256),
        name=row.name,
        tenant=row.tenant,
        role=row.role,
        scopes=frozenset(int(scope) for scope in row.scopes.split("\n") if scope),
        backend_names=frozenset(name for name in row.backend_names.split("\n") if name),
        create_time_us=row.create_time_us,
        expire_time_us=row.expire_time_us,
        revoke_time_us=row.revoke_time_us,
    )
