"""The database behind the SQL store: how it is reached, and how it is prepared."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.job_store import StoreError

T = TypeVar("T")

Durability = Literal["process", "power"]

# SQLite: NORMAL survives the crash of a process, FULL the loss of power.
_SYNCHRONOUS = {"process": "NORMAL", "power": "FULL"}
# PostgreSQL: a server that cannot be reached, or no longer, is found out in
# seconds. A URL's own parameters win.
_CONNECT: Final = {
    "application_name": "longwire-server",
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# The other way round: PostgreSQL ends the session of a Longwire whose machine is
# gone, or that stands still in the middle of a transaction, and with it the locks,
# for which the other servers wait.
_SESSION: Final = (
    "SET idle_in_transaction_session_timeout = '10s'",
    "SET tcp_keepalives_idle = 15",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)
_SECRET_PARAMETERS = ("password", "sslpassword")

# "Longwire" as a number, to tell our advisory lock from those of others.
_LOCK_NUMBER = 0x4C6F6E67
# A server that was killed a moment ago is still being noticed.
_LOCK_WAIT = "3s"
_LOCK_NOT_AVAILABLE = "55P03"


class Read(Protocol):
    """Runs a function on a connection that reads, in a thread."""

    def __call__(self, read: Callable[[sa.Connection], T], /) -> Awaitable[T]:
        """What the function returns. Raises StoreError where the database fails."""


class Write(Protocol):
    """Runs a function in a transaction of the connection that writes."""

    def __call__(self, write: Callable[[DBAPICursor], T], /) -> Awaitable[T]:
        """What the function returns, once that is committed. Raises StoreError as reads do."""


class Database:
    """One database, and a pool of connections to it.

    Attributes:
        engine: the pool, and the database's dialect.
        shown: the URL without its secrets, for people.

    Args:
        url: a SQLAlchemy URL of SQLite or PostgreSQL.
        durability: what a commit survives: the crash of a process, or the loss of
            power. With PostgreSQL, "process" leaves it to the database's settings.
        connections: how many are kept.

    Raises:
        StoreError: the URL cannot be used.
    """

    def __init__(self, url: str, *, durability: Durability, connections: int) -> None:
        self._durability: Durability = durability
        parsed = _parsed(url)
        self.shown = _without_secrets(parsed)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        more: dict[str, Any] = {}
        if not self.is_sqlite:
            unset = {name: each for name, each in _CONNECT.items() if name not in parsed.query}
            more = {"pool_pre_ping": True, "connect_args": unset}
        try:
            self.engine = sa.create_engine(
                parsed, pool_size=connections, hide_parameters=True, **more
            )
        except ModuleNotFoundError as error:
            raise StoreError(
                f"{self.shown} needs the Python package {error.name}: "
                "pip install 'longwire-server[postgresql]'"
            ) from error
        if self.is_sqlite:
            sa.event.listen(self.engine, "do_connect", _make_file)
        prepare = self._prepare_sqlite if self.is_sqlite else self._prepare_postgresql
        # Before SQLAlchemy's own, which needs an encoding that it can read.
        sa.event.listen(self.engine, "connect", prepare, insert=True)

    def writer(self) -> sa.PoolProxiedConnection:
        """The connection for writes.

        With PostgreSQL it holds a lock that servers share, and that a migration waits
        for: tables do not change under a server.

        Raises:
            StoreError: the database is being migrated.
        """
        connection = self.engine.raw_connection()
        if self.is_sqlite:
            return connection
        try:
            with closing(connection.cursor()) as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
                cursor.execute(f"SELECT pg_advisory_lock_shared({_lock_key()})")
            connection.commit()
        except BaseException as error:
            connection.invalidate()
            if getattr(error, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                raise StoreError(
                    f"{self.shown} is being migrated: try again when that has ended"
                ) from error
            raise
        return connection

    def begin_alone(self, connection: sa.Connection) -> None:
        """Keeps every writer out until the transaction of ``connection`` has ended.

        Raises:
            StoreError: a server uses the database.
        """
        if self.is_sqlite:
            # Of itself, Python's sqlite3 begins no transaction for a change of tables.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        try:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_lock_key()})")
        except sa.exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                raise StoreError(_in_use(self.shown)) from error
            raise

    def _prepare_sqlite(self, connection: Any, _record: object) -> None:
        # One connection writes; the others must not fail while it commits.
        for pragma in (
            "journal_mode=WAL",
            # A checkpoint waits for the disk: see SqlJobStore.
            "wal_autocheckpoint=0",
            f"synchronous={_SYNCHRONOUS[self._durability]}",
            "busy_timeout=10000",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    def _prepare_postgresql(self, connection: Any, _record: object) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            connection.close()
            raise StoreError(
                f"{self.shown} has the encoding {encoding}; create it with ENCODING 'UTF8'"
            )
        with closing(connection.cursor()) as cursor:
            for statement in _SESSION:
                cursor.execute(statement)
            if self._durability == "power":
                cursor.execute("SET synchronous_commit = on")
        connection.commit()


def cause_in_words(error: BaseException) -> str:
    """What a driver says in one line, without SQLAlchemy's statement and link."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error
    return f"{type(original).__name__}: {' '.join(str(original).split())}"


def sqlite_file(url: str) -> Path | None:
    """The file of a database of SQLite; None for another database, and for one in memory.

    Raises:
        StoreError: the URL cannot be used.
    """
    parsed = _parsed(url)
    file = parsed.database
    is_file = parsed.get_backend_name() == "sqlite" and file != ":memory:"
    return Path(file) if file and is_file else None


def shown_url(url: str) -> str:
    """A database's URL without its secrets, for people. Raises StoreError."""
    return _without_secrets(_parsed(url))


def _parsed(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        # The URL may hold a password, and SQLAlchemy's own words the URL.
        raise StoreError("store.url is not the URL of a database") from error


def _make_file(_dialect: object, _record: object, arguments: list[Any], _more: object) -> None:
    """Makes a file of SQLite that only its owner may read; SQLite's others follow it."""
    file = str(arguments[0])
    # Where it cannot be made, or is there, the rest is SQLite's.
    with contextlib.suppress(OSError):
        if file != ":memory:" and not file.startswith("file:"):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _without_secrets(url: sa.URL) -> str:
    hidden = {name: "***" for name in _SECRET_PARAMETERS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _lock_key() -> str:
    # Several Longwires can share a database, each in a schema of its own.
    return f"{_LOCK_NUMBER}, hashtext(coalesce(current_schema(), ''))"


def _in_use(shown: str) -> str:
    return f"a server uses {shown}: stop every server on it first"
