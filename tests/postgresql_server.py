"""A real PostgreSQL on a free port, in a temporary directory, for tests."""

from __future__ import annotations

import contextlib
import getpass
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from longwire_server.store.migrate import migrate_store

START_SECONDS = 120.0


class PostgresqlMissingError(Exception):
    """PostgreSQL cannot be started here; the message says why."""


class PostgresqlServer:
    """One PostgreSQL server with databases of its own.

    Raises:
        PostgresqlMissingError: it is not installed, or there is no user to run it.
    """

    def __init__(self) -> None:
        self._programs = _programs()
        user = _user()
        self._as_user = _as_user(user)
        # Not below pytest's own directories, which no other user may enter.
        self._home = Path(tempfile.mkdtemp(prefix="longwire-postgresql-"))
        if user is not None:
            shutil.chown(self._home, user)
        self._process: subprocess.Popen[bytes] | None = None
        self._migrated: list[str] = []
        self._names = (f"jobs_{number}" for number in itertools.count())
        self._run(
            "initdb", "--pgdata=data", "--username=longwire", "--encoding=UTF8",
            "--locale=C", "--auth=trust", "--no-sync",
        )  # fmt: skip
        self.port = _free_port()
        self.start()

    def url(self, database: str) -> str:
        """The URL of one of its databases for SQLAlchemy."""
        return f"postgresql+psycopg://longwire@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Runs a statement as the owner of everything, and returns its rows."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="longwire", dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database with Longwire's tables, empty at first.

        Databases are emptied and used again, which takes a tenth of the time.
        """
        if not self._migrated:
            self._migrated.append(self._create())
            migrate_store(self.url(self._migrated[-1]))
        name = self._migrated.pop()
        yield self.url(name)
        self.end_sessions(name)
        self.execute(
            "TRUNCATE jobs, job_tags, specs, results, programs, servers, tokens, tenants, usage,"
            " backend_controls",
            name,
        )
        self._migrated.append(name)

    @contextlib.contextmanager
    def bare_database(self) -> Iterator[str]:
        """The name of a database without tables, which is gone at the end of the block."""
        name = self._create()
        yield name
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def end_sessions(self, database: str) -> None:
        """Ends all connections to a database."""
        self.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        )

    def _create(self) -> str:
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def start(self) -> None:
        """Starts it unless it runs, and waits until it takes connections."""
        if self._process is not None:
            return
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._as_user, self._programs / "postgres", "-D", "data", "-p", str(self.port),
                    "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
                ],
                cwd=self._home, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                has_ended = self._process.poll() is not None
                if has_ended or time.monotonic() > deadline:
                    raise RuntimeError((self._home / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stops it, which ends all connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_SECONDS)
            self._process = None

    def kill(self) -> None:
        """Kills it and all of its sessions, as a machine does that goes off."""
        if self._process is not None:
            for pid in self._pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(START_SECONDS)
            self._process = None

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stops it and all of its sessions inside of the block; connections stay."""
        stopped: list[int] = []
        try:
            while rest := [pid for pid in self._pids() if pid not in stopped]:
                for pid in rest:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGSTOP)
                stopped += rest
            yield
        finally:
            for pid in reversed(stopped):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        """Its process, from which all others come, and those."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def remove(self) -> None:
        """Stops it, and removes everything that it had."""
        self.stop()
        shutil.rmtree(self._home)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._as_user, self._programs / program, *arguments],
            cwd=self._home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)


def _programs() -> Path:
    """The folder of PostgreSQL's programs: on the path, or where Debian has them."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    if not debian:
        raise PostgresqlMissingError("PostgreSQL is not installed (Debian: apt install postgresql)")
    return debian[-1].parent


def _user() -> str | None:
    """Who runs it: the administrator may not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise PostgresqlMissingError(f"PostgreSQL does not run as {getpass.getuser()}")


def _as_user(user: str | None) -> list[str]:
    """What begins a command that this user is to run.

    Not Popen's own ``user``: for that it forks with all that gRPC has in this process,
    whose threads come alive in the child and disturb it until it becomes the command.
    """
    if user is None:
        return []
    if shutil.which("setpriv") is None:
        raise PostgresqlMissingError("setpriv is not installed (Debian: apt install util-linux)")
    return ["setpriv", f"--reuid={user}"]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
