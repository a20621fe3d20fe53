"""How SQLite answers what is asked often, in a store of any size: by an index, in order."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from stored_jobs import DONE, ERROR, QUEUED, VALIDATING

from longwire_server.store.database import Database
from longwire_server.store.ended_jobs import select_expirable, select_removable
from longwire_server.store.job_query import Cursor, JobQuery
from longwire_server.store.listing import list_statement
from longwire_server.store.migrate import migrate


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    """An empty database with all tables."""
    database = Database(f"sqlite:///{tmp_path}/jobs.db", durability="process", connections=1)
    migrate(database)
    return database.engine


def plans(engine: sa.Engine, *, of: str = "SELECT") -> list[str]:
    """Collects the steps of every statement that is executed from now on."""
    steps: list[str] = []

    def explain(_connection: object, cursor: object, text: str, values: object, *_: object) -> None:
        if text.startswith(of):
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {text}", values)  # type: ignore[attr-defined]
            steps.extend(row[3] for row in plan.fetchall())

    sa.event.listen(engine, "before_cursor_execute", explain)
    return steps


FILTERS = {
    "none": ({}, "jobs_newest (tenant=?"),
    "backend": ({"backend_name": "b"}, "jobs_backend (tenant=? AND backend_name=?"),
    "name": ({"name": "n"}, "jobs_name (tenant=? AND name=?"),
    "tag": ({"tag": "t"}, "job_tags USING PRIMARY KEY (tenant=? AND tag=?"),
    "state": ({"states": frozenset({ERROR})}, "jobs_state (tenant=? AND state=?"),
    "states": (
        {"states": frozenset({QUEUED, VALIDATING})},
        "jobs_state (tenant=? AND state=?",
    ),
    "tag-and-states": (
        {"tag": "t", "states": frozenset({DONE, ERROR})},
        "job_tags USING PRIMARY KEY (tenant=? AND tag=?",
    ),
}
PAGES = {
    "first": {},
    "next": {"after": Cursor(5, "0" * 32)},
    "between-times": {"created_after_us": 1, "created_before_us": 9},
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", FILTERS)
def test_listing_reads_an_index_in_its_order(engine: sa.Engine, name: str, page: str) -> None:
    filtered, index = FILTERS[name]
    query = JobQuery("physics", **filtered, **PAGES[page])  # type: ignore[arg-type]
    steps = plans(engine)
    with engine.connect() as connection:
        connection.execute(list_statement(query)).all()
    engine.dispose()
    # Where there are several states, each gives one page, and the pages are put in order.
    num_pages = len(query.states) if len(query.states) > 1 and not query.tag else 1
    assert sum(index in step for step in steps) == num_pages, steps
    assert sum("TEMP B-TREE" in step for step in steps) == (num_pages if num_pages > 1 else 0)
    assert not any(step.startswith("SCAN jobs") for step in steps), steps


def test_what_is_to_be_removed_is_found_by_an_index(engine: sa.Engine) -> None:
    steps = plans(engine)
    with engine.connect() as connection:
        select_expirable(connection, ended_by_us=0, keep_bytes=0)
        select_removable(connection, ended_by_us=0, keep_jobs=0)
    engine.dispose()
    assert [step.partition(" (")[0] for step in steps] == [
        f"{verb} jobs USING {kind}INDEX {index}"
        for kind, index, verb in (
            ("COVERING ", "jobs_kept", "SEARCH"),
            ("", "jobs_kept", "SEARCH"),
            ("COVERING ", "jobs_ended", "SEARCH"),
            ("", "jobs_ended", "SEARCH"),
        )
    ]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("filtered", "index"),
    [
        ({}, "jobs_of_all"),
        ({"states": frozenset({ERROR})}, "jobs_of_all"),
        ({"backend_name": "b"}, "jobs_of_all"),
        ({"states": frozenset({QUEUED})}, "jobs_unfinished"),
        ({"states": frozenset({QUEUED, VALIDATING})}, "jobs_unfinished"),
    ],
    ids=["none", "state", "backend", "unfinished state", "unfinished states"],
)
def test_listing_over_all_tenants_reads_an_index_in_order(
    engine: sa.Engine, filtered: dict[str, object], index: str, page: str
) -> None:
    steps = plans(engine)
    query = JobQuery(None, **filtered, **PAGES[page])  # type: ignore[arg-type]
    with engine.connect() as connection:
        connection.execute(list_statement(query)).all()
    engine.dispose()
    assert [step for step in steps if f"USING INDEX {index}" in step]
    is_union = len(filtered.get("states", ())) > 1  # type: ignore[arg-type]
    assert is_union or not [step for step in steps if "TEMP B-TREE" in step]
