"""What a job does with its circuits, and programs that are kept by their digest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the columns, the table and its indexes. Jobs so far ran circuits (kind 1)."""
    op.add_column("jobs", sa.Column("kind", sa.SmallInteger, nullable=False, server_default="1"))
    op.add_column("jobs", sa.Column("payloads_sha256", sa.LargeBinary(32), nullable=True))
    needs_program = sa.text("state < 5 AND payloads_sha256 IS NOT NULL")
    op.create_index(
        "jobs_program",
        "jobs",
        ["payloads_sha256"],
        sqlite_where=needs_program,
        postgresql_where=needs_program,
    )
    op.create_table(
        "programs",
        sa.Column("tenant", sa.String(128), primary_key=True),
        sa.Column("payloads_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("last_used_us", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("programs_unused", "programs", ["last_used_us", "size_bytes"])


def downgrade() -> None:
    """Drops the programs, and with them the payloads of the jobs that name them."""
    op.drop_table("programs")
    op.drop_index("jobs_program", "jobs")
    for column in ("payloads_sha256", "kind"):
        op.drop_column("jobs", column)
