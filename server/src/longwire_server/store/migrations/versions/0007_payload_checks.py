"""What a payload's file is checked by, which need not be a SHA-256."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

_WITH_PAYLOADS = ("specs", "results", "programs")


def upgrade() -> None:
    """Renames the column. A SHA-256 remains a check."""
    for table in _WITH_PAYLOADS:
        op.alter_column(table, "file_sha256", new_column_name="file_check")


def downgrade() -> None:
    """Renames it back. Files whose check is no SHA-256 are taken for damaged then."""
    for table in _WITH_PAYLOADS:
        op.alter_column(table, "file_check", new_column_name="file_sha256")
