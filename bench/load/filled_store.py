"""Puts finished jobs into a server's store, many at a time."""

from __future__ import annotations

import time

import sqlalchemy as sa

from longwire_server.store.tables import jobs

_BATCH = 100_000
# Written by the recursion itself: no row passes through Python.
_NUMBERS = """
WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end)
"""


def fill(url: str, count: int) -> None:
    """Copies the one finished job of a SQLite store so often that there are ``count``.

    Args:
        url: the store's.
        count: of jobs, with those that are there.
    """
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        ended = jobs.c.end_time_us.is_not(None)
        template = connection.execute(sa.select(jobs.c.job_id).where(ended)).scalars().first()
        present = connection.execute(sa.select(sa.func.count()).select_from(jobs)).scalar_one()
    if template is None:
        raise ValueError("the store has no finished job to copy")
    for first in range(present, count, _BATCH):
        _copy(engine, template, first, min(first + _BATCH, count))
    engine.dispose()


def _copy(engine: sa.Engine, template: str, first: int, end: int) -> None:
    """Copies a job's row, its spec and its result under the ids of a range."""
    own = {"job_id": "printf('%032x', n)", "create_time_us": ":now - n", "end_time_us": ":now - n"}
    values = {"template": template, "first": first, "end": end, "now": time.time_ns() // 1000}
    with engine.begin() as connection:
        for table in (jobs.name, "specs", "results"):
            names = [column.name for column in jobs.metadata.tables[table].columns]
            chosen = ", ".join(own.get(name, f"{table}.{name}") for name in names)
            statement = (
                f"INSERT INTO {table} ({', '.join(names)}) {_NUMBERS} SELECT {chosen} "
                f"FROM numbers CROSS JOIN {table} WHERE {table}.job_id = :template"
            )
            connection.execute(sa.text(statement), values)
