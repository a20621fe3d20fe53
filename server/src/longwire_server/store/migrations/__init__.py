"""The Alembic environment of the SQL store."""
