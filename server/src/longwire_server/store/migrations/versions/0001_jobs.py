"""Jobs, their specs and their results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(32), primary_key=True),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("request_id", sa.String(128), nullable=True),
        sa.Column("spec_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("backend_name", sa.String(128), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("create_time_us", sa.BigInteger, nullable=False),
        sa.Column("start_time_us", sa.BigInteger, nullable=True),
        sa.Column("end_time_us", sa.BigInteger, nullable=True),
        sa.Column("error_reason", sa.SmallInteger, nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
        sa.Column("result_bytes", sa.BigInteger, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
    )
    op.create_index("jobs_request_id", "jobs", ["tenant", "request_id"], unique=True)
    op.create_index("jobs_newest", "jobs", ["tenant", "create_time_us", "job_id"])
    unfinished = sa.text("state < 5")
    op.create_index(
        "jobs_unfinished",
        "jobs",
        ["create_time_us", "job_id"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    for payloads in ("specs", "results"):
        op.create_table(
            payloads,
            sa.Column("job_id", sa.String(32), primary_key=True),
            sa.Column("payload", sa.LargeBinary, nullable=False),
        )


def downgrade() -> None:
    """Drops the tables and everything in them."""
    for table in ("results", "specs", "jobs"):
        op.drop_table(table)
