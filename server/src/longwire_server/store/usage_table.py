"""What tenants have used, by day and backend.

What a job used is written in the transaction that writes its end, and so exactly once.
All that is used in one transaction is added up and written at its end, in the order of
the rows: several servers write the same rows, and none is to hold one for long, or to
wait for another that waits for it.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.database import Read
from longwire_server.store.prepared import Prepared
from longwire_server.store.tables import usage
from longwire_server.store.usage import Usage


class UsageWrites:
    """Adds up what one transaction is to write. For the thread that commits alone."""

    def __init__(self, dialect: sa.Dialect) -> None:
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        first = insert(usage)
        counts = (usage.c.jobs, usage.c.shots, usage.c.worker_us)
        add = first.on_conflict_do_update(
            index_elements=[usage.c.tenant, usage.c.day, usage.c.backend_name],
            set_={count.name: count + first.excluded[count.name] for count in counts},
        )
        self._add = Prepared(add, dialect)
        self._added: dict[tuple[str, str, str], Usage] = {}

    def begin(self) -> None:
        """Begins a transaction: what one before it did not commit is forgotten."""
        self._added.clear()

    def add(self, used: Usage) -> None:
        """Has the present transaction write what was used."""
        known = self._added.get(used.key)
        self._added[used.key] = used if known is None else known + used

    def finish(self, cursor: DBAPICursor) -> None:
        """Writes it, as the last thing before the commit."""
        for key in sorted(self._added):
            used = self._added[key]
            row = {
                "tenant": used.tenant,
                "day": used.day,
                "backend_name": used.backend_name,
                "jobs": used.jobs,
                "shots": used.shots,
                "worker_us": used.worker_us,
            }
            self._add.run(cursor, row)


class UsageTable:
    """Reads what was used.

    Args:
        read: reads the database.
    """

    def __init__(self, *, read: Read) -> None:
        self._read = read

    async def of(
        self, tenant: str | None, *, first_day: str = "", last_day: str = ""
    ) -> list[Usage]:
        """What was used, by tenant, day and backend, in this order.

        Args:
            tenant: whose; None for all tenants.
            first_day: the first day, as YYYY-MM-DD; empty for any.
            last_day: the last day; empty for any.

        Raises:
            StoreError: the storage fails.
        """
        statement = sa.select(usage).order_by(usage.c.tenant, usage.c.day, usage.c.backend_name)
        if tenant is not None:
            statement = statement.where(usage.c.tenant == tenant)
        if first_day:
            statement = statement.where(usage.c.day >= first_day)
        if last_day:
            statement = statement.where(usage.c.day <= last_day)
        return await self._read(
            lambda connection: [Usage(**row._mapping) for row in connection.execute(statement)]
        )
