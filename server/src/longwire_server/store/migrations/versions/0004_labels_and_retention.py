"""Labels that can be searched, payloads in files, and the order in which jobs are removed."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_WITH_PAYLOADS = ("specs", "results", "programs")
_FILE_COLUMNS = (
    ("file_key", sa.String(32)),
    ("file_bytes", sa.BigInteger),
    ("file_sha256", sa.LargeBinary(32)),
)
# Columns of each index, and which jobs are in it.
_INDEXES = {
    "jobs_state": (["tenant", "state", "create_time_us", "job_id"], None),
    "jobs_backend": (["tenant", "backend_name", "create_time_us", "job_id"], None),
    "jobs_name": (["tenant", "name", "create_time_us", "job_id"], "name <> ''"),
    "jobs_ended": (["end_time_us"], "end_time_us IS NOT NULL"),
    "jobs_kept": (["end_time_us", "kept_bytes"], "end_time_us IS NOT NULL AND kept_bytes > 0"),
}
# Jobs whose tags are read at once.
_ROWS_AT_ONCE = 1000


def upgrade() -> None:
    """Adds tables, columns and indexes, and fills them for the jobs that are there."""
    op.create_table(
        "job_tags",
        sa.Column("tenant", sa.String(128), primary_key=True),
        sa.Column("tag", sa.String(128), primary_key=True),
        sa.Column("create_time_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("job_id", sa.String(32), primary_key=True),
        sqlite_with_rowid=False,
    )
    _fill_job_tags()
    op.add_column(
        "jobs", sa.Column("kept_bytes", sa.BigInteger, nullable=False, server_default="0")
    )
    _fill_kept_bytes()
    for name, (columns, condition) in _INDEXES.items():
        where = None if condition is None else sa.text(condition)
        op.create_index(name, "jobs", columns, sqlite_where=where, postgresql_where=where)
    for table in _WITH_PAYLOADS:
        for name, kind in _FILE_COLUMNS:
            op.add_column(table, sa.Column(name, kind, nullable=True))
        in_file = sa.text("file_key IS NOT NULL")
        op.create_index(
            f"{table}_file", table, ["file_key"], sqlite_where=in_file, postgresql_where=in_file
        )
    identity = op.create_table(
        "store_identity", sa.Column("store_id", sa.String(32), primary_key=True)
    )
    op.bulk_insert(identity, [{"store_id": secrets.token_hex(16)}])


def downgrade() -> None:
    """Drops them all, and with them what is in files. Names and tags stay."""
    op.drop_table("store_identity")
    for table in _WITH_PAYLOADS:
        op.drop_index(f"{table}_file", table)
        for name, _ in _FILE_COLUMNS:
            op.drop_column(table, name)
    for name in _INDEXES:
        op.drop_index(name, "jobs")
    op.drop_column("jobs", "kept_bytes")
    op.drop_table("job_tags")


def _fill_job_tags() -> None:
    jobs = sa.table("jobs", *map(sa.column, ("job_id", "tenant", "create_time_us", "tags")))
    job_tags = sa.table("job_tags", *map(sa.column, ("tenant", "tag", "create_time_us", "job_id")))
    connection = op.get_bind()
    last = ""
    while True:
        rows = connection.execute(
            sa.select(jobs)
            .where(jobs.c.tags != "", jobs.c.job_id > last)
            .order_by(jobs.c.job_id)
            .limit(_ROWS_AT_ONCE)
        ).all()
        if not rows:
            return
        last = rows[-1].job_id
        filled = [
            {
                "tenant": row.tenant,
                "tag": tag,
                "create_time_us": row.create_time_us,
                "job_id": row.job_id,
            }
            for row in rows
            # A label stands in its job's row as often as its owner wrote it.
            for tag in sorted(set(row.tags.split("\n")[1:-1]))
        ]
        connection.execute(sa.insert(job_tags), filled)


def _fill_kept_bytes() -> None:
    jobs = sa.table("jobs", *map(sa.column, ("job_id", "result_bytes", "kept_bytes")))
    specs = sa.table("specs", *map(sa.column, ("job_id", "payload")))
    # SQLite's length of a value that is no text is its bytes, and reads none of them.
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    size = (sa.func.length if is_sqlite else sa.func.octet_length)(specs.c.payload)
    of_job = sa.select(size).where(specs.c.job_id == jobs.c.job_id).scalar_subquery()
    op.execute(sa.update(jobs).values(kept_bytes=jobs.c.result_bytes + sa.func.coalesce(of_job, 0)))
