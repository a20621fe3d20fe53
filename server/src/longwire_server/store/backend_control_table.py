"""What operators have set for backends: whether they are paused, and what they tell."""

from __future__ import annotations

import dataclasses
from functools import partial

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.account_changes import AccountChanges, Mark
from longwire_server.store.database import Database, Read, Write
from longwire_server.store.prepared import Prepared
from longwire_server.store.tables import backend_controls


@dataclasses.dataclass(frozen=True, slots=True)
class BackendControl:
    """What operators have set for one backend."""

    backend_name: str
    """The backend."""

    is_paused: bool = False
    """Whether no more jobs are to begin on it."""

    status_msg: str = ""
    """What its status tells instead of its own words; empty for those."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is set: then there need be no row."""
        return not self.is_paused and not self.status_msg


class BackendControlTable:
    """The part of a SQL store that is about them. Methods return when they are durable.

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
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        self._upserts = {}
        for name in ("is_paused", "status_msg"):
            row = insert(backend_controls)
            upsert = row.on_conflict_do_update(
                index_elements=[backend_controls.c.backend_name], set_={name: row.excluded[name]}
            )
            self._upserts[name] = Prepared(upsert, dialect)

    async def all(self) -> list[BackendControl]:
        """The backends for which anything is set, in the order of their names."""
        statement = sa.select(backend_controls)
        rows = await self._read(
            lambda connection: [
                BackendControl(name, bool(is_paused), status_msg)
                for name, is_paused, status_msg in connection.execute(statement)
            ]
        )
        # Not by the database: each has an order of its own for letters.
        plain = (row for row in rows if not row.is_plain)
        return sorted(plain, key=lambda row: row.backend_name)

    async def pause(self, backend_name: str, *, is_paused: bool) -> None:
        """Sets whether no more jobs are to begin on a backend."""
        await self._set("is_paused", BackendControl(backend_name, is_paused=is_paused))

    async def set_status_msg(self, backend_name: str, status_msg: str) -> None:
        """Sets what a backend's status tells; empty for its own words."""
        await self._set("status_msg", BackendControl(backend_name, status_msg=status_msg))

    def mark(self) -> Mark:
        """Something that differs after every change that became known here."""
        return self._changes.mark()

    async def _set(self, name: str, control: BackendControl) -> None:
        await self._write(partial(self._upsert, name, control))
        self._changes.tell()

    def _upsert(self, name: str, control: BackendControl, cursor: DBAPICursor) -> None:
        row = dataclasses.asdict(control) | {"is_paused": int(control.is_paused)}
        self._upserts[name].run(cursor, row)
        self._changes.note(cursor)
