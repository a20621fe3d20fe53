"""API tokens, tenants and what they use, operators' settings; order and attempts of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COLUMNS = ("submitter", "priority", "batch", "session_id", "moved_us", "forgiven_attempts")
_TABLES = ("backend_controls", "usage", "tenants", "tokens")


def upgrade() -> None:
    """Adds the tables and the columns. Jobs from before have no submitter."""
    op.add_column("jobs", sa.Column("submitter", sa.String(256), nullable=True))
    op.add_column(
        "jobs", sa.Column("priority", sa.SmallInteger, nullable=False, server_default="0")
    )
    op.add_column("jobs", sa.Column("batch", sa.String(128), nullable=True))
    op.add_column("jobs", sa.Column("session_id", sa.String(32), nullable=True))
    op.add_column("jobs", sa.Column("moved_us", sa.BigInteger, nullable=True))
    op.add_column(
        "jobs", sa.Column("forgiven_attempts", sa.Integer, nullable=False, server_default="0")
    )
    op.create_index("jobs_of_all", "jobs", ["create_time_us", "job_id"])
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(16), primary_key=True),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("role", sa.SmallInteger, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("backend_names", sa.Text, nullable=False),
        sa.Column("create_time_us", sa.BigInteger, nullable=False),
        sa.Column("expire_time_us", sa.BigInteger, nullable=True),
        sa.Column("revoke_time_us", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "tenants",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("quotas", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "usage",
        sa.Column("tenant", sa.String(128), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("backend_name", sa.String(128), primary_key=True),
        sa.Column("jobs", sa.BigInteger, nullable=False),
        sa.Column("shots", sa.BigInteger, nullable=False),
        sa.Column("worker_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "backend_controls",
        sa.Column("backend_name", sa.String(128), primary_key=True),
        sa.Column("is_paused", sa.SmallInteger, nullable=False),
        sa.Column("status_msg", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drops them."""
    for table in _TABLES:
        op.drop_table(table)
    op.drop_index("jobs_of_all", "jobs")
    for column in reversed(_COLUMNS):
        op.drop_column("jobs", column)
