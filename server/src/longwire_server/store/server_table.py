"""The servers that share a store: who lives, and whose jobs are whose.

A server counts its signs of life in its row. Others watch that number, not a clock:
a server whose number has stood still for as long as its lease lasts, by the watcher's
own steady clock, is taken for dead, and its unfinished jobs may be claimed. Nobody's
wall clock plays a part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.database import Database, Read, Write
from longwire_server.store.job import Job
from longwire_server.store.job_query import Cursor
from longwire_server.store.job_rows import job_from_row
from longwire_server.store.notifications import Notifications, notify
from longwire_server.store.server_beat import ServerBeat
from longwire_server.store.server_writes import ServerWrites, owned_statement
from longwire_server.store.tables import UNFINISHED, jobs

T = TypeVar("T")


class ServerTable:
    """The part of a SQL store that is about servers. Methods return when they are durable.

    Every method raises :class:`StoreError` where the storage fails.

    Args:
        database: the database.
        read: reads it.
        write: writes it.
    """

    def __init__(self, database: Database, *, read: Read, write: Write) -> None:
        self._database = database
        self._read = read
        self._write = write
        self._writes = ServerWrites(database.engine.dialect)
        self._server_id = ""
        self._has_others = False
        self._notifications: Notifications | None = None

    async def register(self, beat: ServerBeat) -> list[ServerBeat]:
        """Begins a server's life, and returns the signs of life of all."""
        self._server_id = beat.server_id
        return self._look_around(await self._write(partial(self._writes.register, beat)))

    async def beat(self, beat: ServerBeat) -> tuple[bool, list[ServerBeat]]:
        """Counts one more sign of life.

        Returns:
            Whether this life goes on: it does not where another server has found this
            one dead, or another has its id; and the signs of life of all.
        """
        is_counted, all_beats = await self._write(partial(self._writes.beat, beat))
        return is_counted, self._look_around(all_beats)

    async def sign_off(self, beat: ServerBeat) -> None:
        """Ends a server's life: others may take what it leaves at once."""
        await self._write(partial(self._writes.sign_off, beat))

    async def owned(
        self, owner: str, *, queued: bool | None, after: Cursor | None, limit: int
    ) -> list[Job]:
        """Unfinished jobs of a server, the oldest first.

        Args:
            owner: the server's id.
            queued: only those that are queued, or only those that are not.
            after: only jobs that follow this one.
            limit: at most so many.
        """
        statement = owned_statement(owner, queued, after, limit)
        return await self._read(
            lambda connection: [job_from_row(row) for row in connection.execute(statement)]
        )

    async def claim(
        self, owner: str, dead: ServerBeat | None, *, backend_names: Sequence[str], limit: int
    ) -> list[Job]:
        """Makes unfinished jobs of a dead server those of another.

        Args:
            owner: the id of the server that takes them.
            dead: the last sign of life of the one that had them. Where it has given
                another since, nothing is taken. None: jobs that nobody has.
            backend_names: on which backends.
            limit: at most so many.

        Returns:
            The jobs, the oldest first. Those that others are just taking are left out.
        """
        return await self._write(partial(self._writes.claim, owner, dead, backend_names, limit))

    async def ask_to_cancel(self, tenant: str, job_id: str) -> bool:
        """Asks the server that has a job to cancel it; False where it is not unfinished."""
        write = partial(self._writes.ask_to_cancel, tenant, job_id)
        return await self._write(self.telling(job_id, write))

    @property
    def has_others(self) -> bool:
        """Whether another server lives on this store, as far as is known."""
        return self._has_others

    async def unfinished_elsewhere(self, owner: str) -> dict[str, int]:
        """How many unfinished jobs other servers have, or nobody, by tenant."""
        is_others = sa.or_(jobs.c.lease_owner.is_(None), jobs.c.lease_owner != owner)
        statement = (
            sa.select(jobs.c.tenant, sa.func.count())
            .where(UNFINISHED, is_others)
            .group_by(jobs.c.tenant)
        )
        return await self._read(lambda connection: dict(connection.execute(statement).all()))

    async def cancel_requests(self, owner: str) -> list[str]:
        """The ids of a server's unfinished jobs that somebody wants cancelled."""
        statement = sa.select(jobs.c.job_id).where(
            UNFINISHED, jobs.c.lease_owner == owner, jobs.c.cancel_requested.is_not(None)
        )
        return await self._read(lambda connection: list(connection.execute(statement).scalars()))

    def listen(self, on_change: Callable[[str | None], None]) -> None:
        """Has every change of a job told that another server makes; see :class:`Notifications`.

        SQLite has nobody else who could make one.
        """
        if not self._database.is_sqlite:
            self._notifications = Notifications(self._database, self._server_id, on_change)

    async def stop(self) -> None:
        """Listens no more."""
        notifications, self._notifications = self._notifications, None
        if notifications is not None:
            await notifications.stop()

    def telling(self, job_id: str, write: Callable[[DBAPICursor], T]) -> Callable[[DBAPICursor], T]:
        """The same write, of which the other servers are told when it is committed."""
        if not self._has_others or self._database.is_sqlite:
            return write

        def write_and_tell(cursor: DBAPICursor) -> T:
            outcome = write(cursor)
            notify(self._server_id, job_id, cursor)
            return outcome

        return write_and_tell

    def _look_around(self, all_beats: list[ServerBeat]) -> list[ServerBeat]:
        # A lone server need not tell anybody anything.
        self._has_others = any(
            each.server_id != self._server_id and not each.has_stopped for each in all_beats
        )
        return all_beats
