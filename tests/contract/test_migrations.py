"""The schema of a database: made, brought up to date, and refused where it does not fit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from postgresql_server import PostgresqlServer
from stored_jobs import DONE, QUEUED, make_job, unfinished, with_open

from longwire_server.store.job_query import JobQuery
from longwire_server.store.job_rows import job_to_row
from longwire_server.store.job_store import JobStore, StoreError
from longwire_server.store.migrate import migrate_store, revisions
from longwire_server.store.sql_job_store import SqlJobStore
from longwire_server.store.tables import metadata

# A job of each kind that there was at first: without and with a request id and tags.
FIRST_JOBS = (
    {**dict.fromkeys(("request_id", "start_time_us", "end_time_us")), "name": "", "tags": ""},
    {"request_id": "r", "start_time_us": 5, "end_time_us": 9, "name": "Ψ", "tags": "\na\nb c\n"},
)


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", "longwire_server:store/migrations")
    return config


def make_first_schema(url: str) -> None:
    """The tables of the first migration, with rows."""
    engine = sa.create_engine(url)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        tables = sa.MetaData()
        tables.reflect(connection)
        for number, row in enumerate(FIRST_JOBS):
            job = make_job(number)
            values = {
                "job_id": job.job_id,
                "tenant": job.tenant,
                "spec_digest": job.spec_digest,
                "backend_name": job.backend_name,
                "state": DONE if number else QUEUED,
                "sequence": 3,
                "attempt": number,
                "create_time_us": job.create_time_us,
                "error_reason": 0,
                "error_message": "",
                "result_bytes": 6 * number,
            }
            connection.execute(tables.tables["jobs"].insert(), {**values, **row})
            payload = {"job_id": job.job_id, "payload": b"\0spec\xff"}
            connection.execute(tables.tables["specs"].insert(), payload)
        result = {"job_id": make_job(1).job_id, "payload": b"result"}
        connection.execute(tables.tables["results"].insert(), result)
    engine.dispose()


def set_schema(url: str, revision: str) -> None:
    """Makes a database say that it has another schema."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    engine.dispose()


def open_and_close(url: str) -> None:
    async def nothing(_store: JobStore) -> None:
        pass

    asyncio.run(with_open(SqlJobStore(url), nothing))


def test_migrations_are_one_line_of_files_named_after_their_revisions() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    line = [script.revision for script in scripts.walk_revisions()]
    assert line[::-1] == revisions()


def test_migrations_lead_to_the_tables(empty_url: str) -> None:
    migrate_store(empty_url)
    engine = sa.create_engine(empty_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_migrate_tells_the_schema_before_and_after(empty_url: str) -> None:
    first, again = migrate_store(empty_url), migrate_store(empty_url)
    assert (first.before, first.after) == (None, revisions()[-1])
    assert (again.before, again.after) == (revisions()[-1], revisions()[-1])


def test_jobs_of_the_first_schema_are_kept_by_every_migration(empty_url: str) -> None:
    make_first_schema(empty_url)
    assert migrate_store(empty_url).before == "0001"

    async def body(store: JobStore) -> None:
        queued = make_job(0, sequence=3)
        done = make_job(
            1, state=DONE, sequence=3, attempt=1, start_time_us=5, end_time_us=9, result_bytes=6,
            name="Ψ", tags=("a", "b c"), request_id="r",
        )  # fmt: skip
        assert await unfinished(store) == [queued]
        for job in (queued, done):
            assert await store.get("physics", job.job_id) == job
            assert await store.spec(job.job_id) == b"\0spec\xff"
        assert await store.result(done.job_id) == b"result"
        assert not (await store.add(make_job(7, request_id="r"), b"")).created

    asyncio.run(with_open(SqlJobStore(empty_url), body))


def make_third_schema(url: str, num_jobs: int) -> None:
    """The tables of the third migration with ended jobs, of which every other one has tags."""
    engine = sa.create_engine(url)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        tables = sa.MetaData()
        tables.reflect(connection)
        rows = []
        for number in range(num_jobs):
            job = make_job(number, state=DONE, end_time_us=number, result_bytes=6)
            if number % 2:
                # Also the same one twice, which nothing has kept anybody from.
                job = job.evolve(tags=("odd", f"n{number}", "odd"), name="odd")
            row = {column.name: job_to_row(job)[column.name] for column in tables.tables["jobs"].c}
            rows.append(row)
        connection.execute(tables.tables["jobs"].insert(), rows)
        for table, payload in (("specs", b"\0\xffspec"), ("results", b"result")):
            payloads = [{"job_id": row["job_id"], "payload": payload} for row in rows]
            connection.execute(tables.tables[table].insert(), payloads)
    engine.dispose()


def test_jobs_from_before_labels_could_be_changed_are_found_by_them(empty_url: str) -> None:
    # More than are filled in at once.
    make_third_schema(empty_url, 2500)
    assert migrate_store(empty_url).before == "0003"

    async def body(store: JobStore) -> None:
        odd = await store.list_jobs(JobQuery("physics", tag="odd", page_size=5000))
        assert [int(job.job_id, 16) for job in odd] == list(range(2499, 0, -2))
        assert odd[0].tags == ("odd", "n2499", "odd")
        assert len(await store.list_jobs(JobQuery("physics", name="odd", page_size=5000))) == 1250
        (one,) = await store.list_jobs(JobQuery("physics", tag="n77"))
        await store.set_labels("physics", one.job_id, name=None, tags=("n77",))
        assert len(await store.list_jobs(JobQuery("physics", tag="odd", page_size=5000))) == 1249

    asyncio.run(with_open(SqlJobStore(empty_url), body))


def test_payloads_from_before_they_were_counted_are_kept_and_expire(empty_url: str) -> None:
    make_third_schema(empty_url, 10)
    migrate_store(empty_url)

    async def body(store: JobStore) -> None:
        # A spec of 6 bytes and a result of 6 each.
        assert await store.expire_results(ended_by_us=-1, keep_bytes=120) == 0
        assert await store.expire_results(ended_by_us=-1, keep_bytes=119) == 1
        assert await store.result(make_job(0).job_id) is None
        assert await store.result(make_job(1).job_id) == b"result"
        assert await store.spec(make_job(1).job_id) == b"\0\xffspec"
        assert await store.remove_jobs(ended_by_us=8, keep_jobs=10) == 9

    asyncio.run(with_open(SqlJobStore(empty_url), body))


def test_every_migration_can_be_taken_back(empty_url: str) -> None:
    make_third_schema(empty_url, 3)
    migrate_store(empty_url)
    engine = sa.create_engine(empty_url)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    engine.dispose()
    assert migrate_store(empty_url).before == "0003"

    async def body(store: JobStore) -> None:
        found = await store.list_jobs(JobQuery("physics", tag="odd"))
        assert [int(job.job_id, 16) for job in found] == [1]

    asyncio.run(with_open(SqlJobStore(empty_url), body))


def test_migration_that_fails_leaves_the_database_as_it_was(empty_url: str) -> None:
    make_first_schema(empty_url)
    engine = sa.create_engine(empty_url)

    def columns() -> set[str]:
        return {column["name"] for column in sa.inspect(engine).get_columns("jobs")}

    with engine.begin() as connection:
        # In the way of the second migration, which adds columns before it.
        connection.exec_driver_sql("CREATE TABLE programs (tenant INTEGER)")
    before = columns()
    with pytest.raises(StoreError, match=r"cannot migrate .*programs"):
        migrate_store(empty_url)
    assert columns() == before
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE programs")
    engine.dispose()
    assert migrate_store(empty_url).after == revisions()[-1]
    open_and_close(empty_url)


def test_newer_schema_is_refused(empty_url: str) -> None:
    migrate_store(empty_url)
    set_schema(empty_url, "9999")
    for use in (open_and_close, migrate_store):
        with pytest.raises(StoreError, match="schema 9999, which is newer than this version's"):
            use(empty_url)


def test_sqlite_is_created_and_migrated_when_it_is_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    make_first_schema(url)
    open_and_close(url)
    assert migrate_store(url).before == revisions()[-1]


def test_postgresql_without_tables_is_refused_with_the_command_to_run(
    postgresql: PostgresqlServer,
) -> None:
    with postgresql.bare_database() as name:
        with pytest.raises(StoreError, match=r"no tables of Longwire's yet; .*server migrate"):
            open_and_close(postgresql.url(name))
        assert postgresql.execute("SELECT FROM pg_tables WHERE schemaname = 'public'", name) == []


def test_postgresql_with_an_older_schema_is_refused_with_the_command_to_run(
    postgresql: PostgresqlServer,
) -> None:
    with postgresql.bare_database() as name:
        make_first_schema(postgresql.url(name))
        with pytest.raises(StoreError, match=r"schema 0001, and .* longwire-server migrate"):
            open_and_close(postgresql.url(name))
