"""The schema of a database: what it is, and how it becomes the present one (Alembic)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import sqlalchemy as sa

from longwire_server.failpoints import failpoint
from longwire_server.store.database import Database, cause_in_words
from longwire_server.store.job_store import StoreError

_MIGRATIONS = Path(__file__).with_name("migrations")
# Where Alembic writes down how far a database is.
_RECORD = sa.table("alembic_version", sa.column("version_num"))


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did."""

    shown: str
    """The database's URL without its secrets."""

    before: str | None
    """The revision that the database had; None where it had no tables."""

    after: str
    """The revision that it has."""


def revisions() -> list[str]:
    """The revisions that this version knows, the oldest first.

    A migration's file begins with its revision, so that a start, which as a rule
    finds everything up to date, need not load Alembic.
    """
    return sorted(path.stem[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def migrate_store(url: str) -> Migration:
    """Creates the tables of the store at a URL, or brings them to the present schema.

    Raises:
        StoreError: the database cannot be used, has the schema of a newer version,
            or is in use by a server.
    """
    database = Database(url, durability="power", connections=1)
    try:
        return migrate(database)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise StoreError(f"cannot migrate {database.shown}: {cause_in_words(error)}") from error
    finally:
        database.engine.dispose()


def migrate(database: Database) -> Migration:
    """Creates the tables, or brings them to the present schema, in one transaction.

    Raises:
        StoreError: the schema is of a newer version, or a server uses the database.
        sqlalchemy.exc.SQLAlchemyError: the database failed.
    """
    newest = revisions()[-1]
    with database.engine.begin() as connection:
        database.begin_alone(connection)
        before = _revision(connection)
        _refuse_newer(database, before)
        if before != newest:
            failpoint("store.migration.before")
            _upgrade(connection)
            failpoint("store.migration.after")
    return Migration(database.shown, before, newest)


def require_present_schema(database: Database) -> None:
    """Checks that a database has the schema of this version.

    Raises:
        StoreError: it has none, an older or a newer one; the message says what to do.
        sqlalchemy.exc.SQLAlchemyError: the database failed.
    """
    with database.engine.connect() as connection:
        found = _revision(connection)
    _refuse_newer(database, found)
    newest = revisions()[-1]
    if found is None:
        raise StoreError(
            f"{database.shown} has no tables of Longwire's yet; create them with "
            "longwire-server migrate --config FILE"
        )
    if found != newest:
        raise StoreError(
            f"{database.shown} has the schema {found}, and this version needs {newest}; stop the "
            "servers that use it, back it up, and bring it up to date with "
            "longwire-server migrate --config FILE"
        )


def _refuse_newer(database: Database, found: str | None) -> None:
    known = revisions()
    if found is not None and found not in known:
        raise StoreError(
            f"{database.shown} has the schema {found}, which is newer than this version's, "
            f"{known[-1]}: run the version of longwire-server that made it, or a later one"
        )


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_RECORD.name):
        return None
    revision: str | None = connection.execute(sa.select(_RECORD.c.version_num)).scalar()
    return revision


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
