"""The servers that share a store, and requests to cancel a job of another server's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the table and the column. Jobs that were queued before are the first claimer's."""
    op.create_table(
        "servers",
        sa.Column("server_id", sa.String(128), primary_key=True),
        sa.Column("boot_id", sa.String(32), nullable=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
        sa.Column("lease_seconds", sa.Double, nullable=False),
        sa.Column("has_stopped", sa.SmallInteger, nullable=False),
    )
    op.add_column("jobs", sa.Column("cancel_requested", sa.SmallInteger, nullable=True))


def downgrade() -> None:
    """Drops them."""
    op.drop_column("jobs", "cancel_requested")
    op.drop_table("servers")
