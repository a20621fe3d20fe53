"""The table of programs that jobs name by their digest: what is read of it and written to it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.job_store import ProgramKey
from longwire_server.store.payload import COLUMNS, Payload, payload_size, payload_to_columns
from longwire_server.store.prepared import Prepared
from longwire_server.store.tables import UNFINISHED, jobs, programs

# A use is written when the one on record is older: a program that is used a
# thousand times in a minute costs one write.
_USE_WRITTEN_EVERY_US = 60_000_000
# What one removal takes at most: writes of jobs wait behind it.
_REMOVED_AT_ONCE = 100
_REMOVED_BYTES_AT_ONCE = 4 << 20

_THIS_PROGRAM = (
    programs.c.tenant == sa.bindparam("for_tenant"),
    programs.c.payloads_sha256 == sa.bindparam("for_sha256"),
)
_NEEDED = (
    sa.exists()
    .where(
        jobs.c.payloads_sha256 == programs.c.payloads_sha256,
        # No plain column, or else SQLite takes the index of a tenant's jobs by state.
        jobs.c.tenant.concat("") == programs.c.tenant,
        UNFINISHED,
    )
    .correlate(programs)
)


class InStore(enum.Enum):
    """Stands for the payloads of a program that are believed to be in the store."""

    IN_STORE = "in store"


@dataclasses.dataclass(frozen=True, slots=True)
class Unneeded:
    """A program that no unfinished job needs."""

    key: ProgramKey
    """The program."""

    size_bytes: int
    """Its size."""

    last_used_us: int
    """When it was last used, to the minute, in microseconds since 1970."""

    file_key: str | None
    """The file that holds it, where one does."""


class ProgramWrites:
    """The prepared statements of one database, and the writes made of them."""

    def __init__(self, dialect: sa.Dialect) -> None:
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        statements = {
            # Locked until the job that names it is committed: another server that is
            # about to remove it waits, and then sees that job.
            "select_use": sa.select(programs.c.last_used_us)
            .where(*_THIS_PROGRAM)
            .with_for_update(read=True, key_share=True),
            "lock": sa.select(programs.c.last_used_us).where(*_THIS_PROGRAM).with_for_update(),
            "update_use": sa.update(programs)
            .where(*_THIS_PROGRAM)
            .values(last_used_us=sa.bindparam("used_us")),
            "select_file": sa.select(programs.c.file_key).where(*_THIS_PROGRAM).with_for_update(),
            "replace": sa.update(programs)
            .where(*_THIS_PROGRAM)
            .values({name: sa.bindparam(f"new_{name}") for name in COLUMNS}),
            "insert": insert(programs).on_conflict_do_nothing(),
            "delete": sa.delete(programs).where(
                *_THIS_PROGRAM,
                programs.c.last_used_us == sa.bindparam("used_us"),
                sa.not_(_NEEDED),
            ),
        }
        self._prepared = {name: Prepared(each, dialect) for name, each in statements.items()}

    def is_kept(self, key: ProgramKey, cursor: DBAPICursor) -> bool:
        """Whether a program is there, where it stays until the transaction has ended."""
        self._prepared["select_use"].run(cursor, _this(key))
        return cursor.fetchone() is not None

    def keep(
        self, key: ProgramKey, payload: Payload | InStore, used_us: int, cursor: DBAPICursor
    ) -> None:
        """Writes a program that is not there, or that it is used."""
        this = _this(key)
        self._prepared["select_use"].run(cursor, this)
        row = cursor.fetchone()
        if row is None:
            assert payload is not InStore.IN_STORE
            program = {
                "tenant": key.tenant,
                "payloads_sha256": key.payloads_sha256,
                "size_bytes": payload_size(payload),
                "last_used_us": used_us,
            }
            self._prepared["insert"].run(cursor, program | payload_to_columns(payload))
        elif row[0] + _USE_WRITTEN_EVERY_US <= used_us:
            self._prepared["update_use"].run(cursor, {**this, "used_us": used_us})

    def replace(self, key: ProgramKey, payload: Payload, cursor: DBAPICursor) -> str | None:
        """Writes the payloads of a program anew; returns the file that had them, if one did."""
        this = _this(key)
        self._prepared["select_file"].run(cursor, this)
        row = cursor.fetchone()
        if row is None:
            return None
        columns = {f"new_{name}": each for name, each in payload_to_columns(payload).items()}
        self._prepared["replace"].run(cursor, this | columns)
        file_key: str | None = row[0]
        return file_key

    def remove(self, unneeded: Iterable[Unneeded], cursor: DBAPICursor) -> list[ProgramKey]:
        """Removes those of them that nobody has begun to use meanwhile."""
        removed = []
        for program in unneeded:
            this = _this(program.key)
            self._prepared["lock"].run(cursor, this)
            cursor.fetchall()
            parameters = {**this, "used_us": program.last_used_us}
            if self._prepared["delete"].run(cursor, parameters) == 1:
                removed.append(program.key)
        return removed


def is_kept(connection: sa.Connection, key: ProgramKey) -> bool:
    """Whether a program is there now."""
    select = sa.select(programs.c.last_used_us).where(*_THIS_PROGRAM)
    return connection.execute(select, _this(key)).first() is not None


def program_statement(key: ProgramKey) -> sa.Select[Any]:
    """Selects the payload of a program: the columns of :mod:`longwire_server.store.payload`."""
    return (
        sa.select(*(programs.c[name] for name in COLUMNS))
        .where(*_THIS_PROGRAM)
        .params(for_tenant=key.tenant, for_sha256=key.payloads_sha256)
    )


def select_unneeded(
    connection: sa.Connection, *, unused_since_us: int, keep_bytes: int
) -> list[Unneeded]:
    """The next programs to be removed, the least recently used first.

    Args:
        connection: a connection that reads.
        unused_since_us: those last used at or before this time are to be removed.
        keep_bytes: of the others, as many are to be removed as make up more than
            this together with those that are needed.
    """
    # Read to the end only where space is short.
    excess_bytes = (connection.execute(_SELECT_TOTAL).scalar() or 0) - keep_bytes
    statement = _SELECT_UNNEEDED
    if excess_bytes <= 0:
        statement = statement.where(programs.c.last_used_us <= unused_since_us)
    found: list[Unneeded] = []
    found_bytes = 0
    for tenant, sha256, size_bytes, last_used_us, file_key in connection.execute(statement):
        is_old = last_used_us <= unused_since_us
        if not is_old and found_bytes >= excess_bytes:
            break
        if found and found_bytes + size_bytes > _REMOVED_BYTES_AT_ONCE:
            break
        found.append(Unneeded(ProgramKey(tenant, sha256), size_bytes, last_used_us, file_key))
        found_bytes += size_bytes
    return found


def _this(key: ProgramKey) -> dict[str, str | bytes]:
    return {"for_tenant": key.tenant, "for_sha256": key.payloads_sha256}


# PostgreSQL counts up in numerics.
_SELECT_TOTAL = sa.select(sa.cast(sa.func.sum(programs.c.size_bytes), sa.BigInteger))
_SELECT_UNNEEDED = (
    sa.select(
        programs.c.tenant,
        programs.c.payloads_sha256,
        programs.c.size_bytes,
        programs.c.last_used_us,
        programs.c.file_key,
    )
    .where(sa.not_(_NEEDED))
    .order_by(programs.c.last_used_us)
    .limit(_REMOVED_AT_ONCE)
)
