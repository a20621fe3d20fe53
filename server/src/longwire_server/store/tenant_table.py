"""What was set for tenants: their shares and quotas."""

from __future__ import annotations

import dataclasses
from functools import partial

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.account_changes import AccountChanges, Mark
from longwire_server.store.database import Database, Read, Write
from longwire_server.store.prepared import Prepared
from longwire_server.store.tables import tenants


@dataclasses.dataclass(frozen=True, slots=True)
class TenantRow:
    """What was set for one tenant."""

    name: str
    """The tenant."""

    weight: float = 1.0
    """Its share of the workers, relative to others."""

    quotas: bytes = b""
    """A serialised longwire.v1.Quotas with what was set."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is set: then there need be no row."""
        return self.weight == 1.0 and not self.quotas


class TenantTable:
    """The part of a SQL store that is about tenants. Methods return when they are durable.

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
        row = insert(tenants)
        upsert = row.on_conflict_do_update(
            index_elements=[tenants.c.name],
            set_={"weight": row.excluded.weight, "quotas": row.excluded.quotas},
        )
        self._upsert = Prepared(upsert, dialect)
        this_tenant = tenants.c.name == sa.bindparam("for_name")
        self._delete = Prepared(sa.delete(tenants).where(this_tenant), dialect)

    async def all(self) -> list[TenantRow]:
        """The tenants for whom anything is set, in the order of their names."""
        statement = sa.select(tenants)
        rows = await self._read(
            lambda connection: [
                TenantRow(name, weight, bytes(quotas))
                for name, weight, quotas in connection.execute(statement)
            ]
        )
        # Not by the database: each has an order of its own for letters.
        return sorted(rows, key=lambda row: row.name)

    async def set(self, row: TenantRow) -> None:
        """Sets all that is set for a tenant."""
        await self._write(partial(self._set, row))
        self._changes.tell()

    def mark(self) -> Mark:
        """Something that differs after every change that became known here."""
        return self._changes.mark()

    def _set(self, row: TenantRow, cursor: DBAPICursor) -> None:
        if row.is_plain:
            self._delete.run(cursor, {"for_name": row.name})
        else:
            self._upsert.run(cursor, dataclasses.asdict(row))
        self._changes.note(cursor)
