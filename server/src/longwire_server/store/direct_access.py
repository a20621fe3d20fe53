"""Access to a store's database for a command that ends at once, beside a server or without one."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.account_changes import AccountChanges
from longwire_server.store.data_dir_lock import DataDirLock
from longwire_server.store.database import Database, cause_in_words
from longwire_server.store.job_store import StoreError
from longwire_server.store.migrate import migrate_store, require_present_schema
from longwire_server.store.tenant_table import TenantTable
from longwire_server.store.token_table import TokenTable

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class AccountTables:
    """What a store has about accounts."""

    tokens: TokenTable
    tenants: TenantTable


@asynccontextmanager
async def tokens_of(url: str) -> AsyncIterator[TokenTable]:
    """The tokens in the store at a URL; see :func:`accounts_of`."""
    async with accounts_of(url) as accounts:
        yield accounts.tokens


@asynccontextmanager
async def accounts_of(url: str) -> AsyncIterator[AccountTables]:
    """The accounts in the store at a URL, whether or not a server uses it.

    Args:
        url: the store's URL. A file of SQLite that is not there yet is created.

    Raises:
        StoreError: the database cannot be used, or its tables are not of this version.
    """
    database = Database(url, durability="power", connections=1)
    access = _DirectAccess(database)
    try:
        _see_to_schema(database, url)
        changes = AccountChanges(database)
        yield AccountTables(
            TokenTable(database, changes, read=access.read, write=access.write),
            TenantTable(database, changes, read=access.read, write=access.write),
        )
    finally:
        database.engine.dispose()


class _DirectAccess:
    """Reads and writes where it is called: nothing else goes on in a command's process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._driver_error = database.engine.dialect.loaded_dbapi.Error

    async def read(self, read: Callable[[sa.Connection], T], /) -> T:
        try:
            with self._database.engine.connect() as connection:
                return read(connection)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise StoreError(cause_in_words(error)) from error

    async def write(self, write: Callable[[DBAPICursor], T], /) -> T:
        try:
            connection = self._database.writer()
            try:
                with closing(connection.cursor()) as cursor:
                    outcome = write(cursor)
                connection.commit()
            finally:
                # Not back into the pool: with PostgreSQL it holds the writer's lock.
                connection.invalidate()
        except (sa.exc.SQLAlchemyError, self._driver_error, OSError) as error:
            raise StoreError(cause_in_words(error)) from error
        return outcome


def _see_to_schema(database: Database, url: str) -> None:
    try:
        require_present_schema(database)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise StoreError(f"cannot open {database.shown}: {cause_in_words(error)}") from error
    except StoreError:
        if not database.is_sqlite:
            raise
        # As a server does that finds it so when it starts.
        lock = DataDirLock(Path(database.engine.url.database or "").resolve().parent)
        lock.acquire()
        try:
            migrate_store(url)
        finally:
            lock.release()
