"""Leases of attempts, and the limits that a job's owner asks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_COLUMNS = (
    ("lease_owner", sa.String(128)),
    ("lease_expires_us", sa.BigInteger),
    ("queue_deadline_us", sa.BigInteger),
    ("run_limit_seconds", sa.Double),
)


def upgrade() -> None:
    """Adds the columns. An attempt from before has no lease: it counts as interrupted."""
    for name, kind in _COLUMNS:
        op.add_column("jobs", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Drops them, and with them the limits."""
    for name, _ in _COLUMNS:
        op.drop_column("jobs", name)
