"""The writes that are about servers: each runs inside a transaction of the commit thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.job import Job
from longwire_server.store.job_query import Cursor
from longwire_server.store.job_rows import job_from_columns
from longwire_server.store.prepared import Prepared
from longwire_server.store.server_beat import ServerBeat
from longwire_server.store.tables import UNFINISHED, jobs, servers

# Written as a constant, as UNFINISHED is.
_QUEUED = jobs.c.state == sa.literal_column("2")
_OLDEST_FIRST = (jobs.c.create_time_us, jobs.c.job_id)


class ServerWrites:
    """The prepared statements of one database, and the writes made of them."""

    def __init__(self, dialect: sa.Dialect) -> None:
        this_life = (
            servers.c.server_id == sa.bindparam("for_server_id"),
            servers.c.boot_id == sa.bindparam("for_boot_id"),
        )
        another_beat: dict[str, Any] = {"beats": servers.c.beats + sa.literal_column("1")}
        stopped: dict[str, Any] = {"has_stopped": sa.literal_column("1")}
        statements = {
            "register": _register_statement(dialect),
            "beat": sa.update(servers)
            .where(*this_life, servers.c.has_stopped == sa.literal_column("0"))
            .values(another_beat),
            "sign_off": sa.update(servers).where(*this_life).values(stopped),
            "declare_dead": sa.update(servers)
            .where(*this_life, servers.c.beats == sa.bindparam("for_beats"))
            .values(stopped),
            "forget": sa.delete(servers).where(*this_life),
            "select": sa.select(servers).order_by(servers.c.server_id),
            "ask_to_cancel": sa.update(jobs)
            .where(
                jobs.c.tenant == sa.bindparam("for_tenant"),
                jobs.c.job_id == sa.bindparam("for_job_id"),
                UNFINISHED,
            )
            .values(cancel_requested=sa.literal_column("1")),
        }
        self._prepared = {name: Prepared(each, dialect) for name, each in statements.items()}
        self._dialect = dialect

    def register(self, beat: ServerBeat, cursor: DBAPICursor) -> list[ServerBeat]:
        """See :meth:`ServerTable.register`."""
        row = {
            "server_id": beat.server_id,
            "boot_id": beat.boot_id,
            "lease_seconds": beat.lease_seconds,
        }
        self._prepared["register"].run(cursor, row)
        return self.all(cursor)

    def beat(self, beat: ServerBeat, cursor: DBAPICursor) -> tuple[bool, list[ServerBeat]]:
        """See :meth:`ServerTable.beat`."""
        is_counted = self._prepared["beat"].run(cursor, _this_life(beat)) == 1
        return is_counted, self.all(cursor)

    def sign_off(self, beat: ServerBeat, cursor: DBAPICursor) -> None:
        """See :meth:`ServerTable.sign_off`."""
        self._prepared["sign_off"].run(cursor, _this_life(beat))

    def claim(
        self,
        owner: str,
        dead: ServerBeat | None,
        backend_names: Sequence[str],
        limit: int,
        cursor: DBAPICursor,
    ) -> list[Job]:
        """See :meth:`ServerTable.claim`."""
        if dead is not None:
            stood_still = {**_this_life(dead), "for_beats": dead.beats}
            if self._prepared["declare_dead"].run(cursor, stood_still) != 1:
                return []
        self._execute(_claim_statement(owner, dead, backend_names, limit), cursor)
        claimed = sorted(_jobs_of_rows(cursor), key=lambda job: (job.create_time_us, job.job_id))
        if dead is not None and not claimed:
            self._execute(owned_statement(dead.server_id, None, None, 1), cursor)
            if cursor.fetchone() is None:
                self._prepared["forget"].run(cursor, _this_life(dead))
        return claimed

    def ask_to_cancel(self, tenant: str, job_id: str, cursor: DBAPICursor) -> bool:
        """See :meth:`ServerTable.ask_to_cancel`."""
        parameters = {"for_tenant": tenant, "for_job_id": job_id}
        return self._prepared["ask_to_cancel"].run(cursor, parameters) == 1

    def all(self, cursor: DBAPICursor) -> list[ServerBeat]:
        """The rows of all servers."""
        self._prepared["select"].run(cursor, {})
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return [ServerBeat(**{**row, "has_stopped": bool(row["has_stopped"])}) for row in rows]

    def _execute(self, statement: sa.ClauseElement, cursor: DBAPICursor) -> None:
        """Executes a statement that is rare, or whose shape depends on its parameters."""
        compiled = statement.compile(
            dialect=self._dialect, compile_kwargs={"render_postcompile": True}
        )
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        parameters = compiled.params
        if compiled.positiontup is None:
            cursor.execute(compiled.string, parameters)
        else:
            cursor.execute(compiled.string, [parameters[name] for name in compiled.positiontup])


def owned_statement(
    owner: str, queued: bool | None, after: Cursor | None, limit: int
) -> sa.Select[Any]:
    """Selects unfinished jobs of an owner; see :meth:`ServerTable.owned`."""
    conditions: list[sa.ColumnElement[bool]] = [UNFINISHED, jobs.c.lease_owner == owner]
    if queued is not None:
        conditions.append(_QUEUED if queued else sa.not_(_QUEUED))
    if after is not None:
        last = sa.tuple_(sa.literal(after.create_time_us), sa.literal(after.job_id))
        conditions.append(sa.tuple_(*_OLDEST_FIRST) > last)
    return sa.select(jobs).where(*conditions).order_by(*_OLDEST_FIRST).limit(limit)


def _register_statement(dialect: sa.Dialect) -> sa.ClauseElement:
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    first_life = insert(servers).values(
        server_id=sa.bindparam("server_id"),
        boot_id=sa.bindparam("boot_id"),
        lease_seconds=sa.bindparam("lease_seconds"),
        beats=sa.literal_column("1"),
        has_stopped=sa.literal_column("0"),
    )
    return first_life.on_conflict_do_update(
        index_elements=["server_id"],
        set_={
            "boot_id": first_life.excluded.boot_id,
            "lease_seconds": first_life.excluded.lease_seconds,
            "beats": servers.c.beats + sa.literal_column("1"),
            "has_stopped": sa.literal_column("0"),
        },
    )


def _claim_statement(
    owner: str, dead: ServerBeat | None, backend_names: Sequence[str], limit: int
) -> sa.ClauseElement:
    of = jobs.c.lease_owner.is_(None) if dead is None else jobs.c.lease_owner == dead.server_id
    claimable = (
        sa.select(jobs.c.job_id)
        .where(UNFINISHED, of, jobs.c.backend_name.in_(backend_names))
        .order_by(*_OLDEST_FIRST)
        .limit(limit)
        # Several servers share a dead one's jobs, and none waits for another.
        .with_for_update(skip_locked=True)
    )
    return (
        sa.update(jobs)
        .where(jobs.c.job_id.in_(claimable))
        .values(lease_owner=sa.literal(owner))
        .returning(*jobs.c)
    )


def _jobs_of_rows(cursor: DBAPICursor) -> list[Job]:
    names = [column[0] for column in cursor.description]
    return [job_from_columns(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def _this_life(beat: ServerBeat) -> dict[str, str]:
    return {"for_server_id": beat.server_id, "for_boot_id": beat.boot_id}
