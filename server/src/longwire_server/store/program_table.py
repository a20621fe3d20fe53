"""The table of programs that jobs name by their digest: what is read of it and written to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.job_store import ProgramKey
from longwire_server.store.prepared import Prepared
from longwire_server.store.tables import jobs, programs

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
        jobs.c.tenant == programs.c.tenant,
        # Written as the partial index has it, so that the index serves it.
        jobs.c.state < sa.literal_column("5"),
    )
    .correlate(programs)
)


@dataclasses.dataclass(frozen=True, slots=True)
class Unneeded:
    """A program that no unfinished job needs."""

    key: ProgramKey
    """The program."""

    size_bytes: int
    """Its size."""

    last_used_us: int
    """When it was last used, to the minute, in microseconds since 1970."""


class ProgramWrites:
    """The prepared statements of one database, and the writes made of them."""

    def __init__(self, dialect: sa.Dialect) -> None:
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        statements = {
            "select_use": sa.select(programs.c.last_used_us).where(*_THIS_PROGRAM),
            "update_use": sa.update(programs)
            .where(*_THIS_PROGRAM)
            .values(last_used_us=sa.bindparam("used_us")),
            "insert": insert(programs).on_conflict_do_nothing(),
            "delete": sa.delete(programs).where(
                *_THIS_PROGRAM,
                programs.c.last_used_us == sa.bindparam("used_us"),
                sa.not_(_NEEDED),
            ),
        }
        self._prepared = {name: Prepared(each, dialect) for name, each in statements.items()}

    def keep(self, key: ProgramKey, payload: bytes, used_us: int, cursor: DBAPICursor) -> None:
        """Writes a program that is not there, or that it is used."""
        this = {"for_tenant": key.tenant, "for_sha256": key.payloads_sha256}
        self._prepared["select_use"].run(cursor, this)
        row = cursor.fetchone()
        if row is None:
            program = {
                "tenant": key.tenant,
                "payloads_sha256": key.payloads_sha256,
                "size_bytes": len(payload),
                "last_used_us": used_us,
                "payload": payload,
            }
            self._prepared["insert"].run(cursor, program)
        elif row[0] + _USE_WRITTEN_EVERY_US <= used_us:
            self._prepared["update_use"].run(cursor, {**this, "used_us": used_us})

    def remove(self, unneeded: Iterable[Unneeded], cursor: DBAPICursor) -> list[ProgramKey]:
        """Removes those of them that nobody has begun to use meanwhile."""
        removed = []
        for program in unneeded:
            parameters = {
                "for_tenant": program.key.tenant,
                "for_sha256": program.key.payloads_sha256,
                "used_us": program.last_used_us,
            }
            if self._prepared["delete"].run(cursor, parameters) == 1:
                removed.append(program.key)
        return removed


def select_program(connection: sa.Connection, key: ProgramKey) -> bytes | None:
    """The serialised payloads of a program."""
    parameters = {"for_tenant": key.tenant, "for_sha256": key.payloads_sha256}
    payload: bytes | None = connection.execute(_SELECT_PAYLOAD, parameters).scalar()
    return payload


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
    for tenant, sha256, size_bytes, last_used_us in connection.execute(statement):
        is_old = last_used_us <= unused_since_us
        if not is_old and found_bytes >= excess_bytes:
            break
        if found and found_bytes + size_bytes > _REMOVED_BYTES_AT_ONCE:
            break
        found.append(Unneeded(ProgramKey(tenant, sha256), size_bytes, last_used_us))
        found_bytes += size_bytes
    return found


_SELECT_PAYLOAD = sa.select(programs.c.payload).where(*_THIS_PROGRAM)
# PostgreSQL counts up in numerics.
_SELECT_TOTAL = sa.select(sa.cast(sa.func.sum(programs.c.size_bytes), sa.BigInteger))
_SELECT_UNNEEDED = (
    sa.select(
        programs.c.tenant,
        programs.c.payloads_sha256,
        programs.c.size_bytes,
        programs.c.last_used_us,
    )
    .where(sa.not_(_NEEDED))
    .order_by(programs.c.last_used_us)
    .limit(_REMOVED_AT_ONCE)
)
