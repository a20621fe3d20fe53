"""What a command has at hand while it runs: the server's calls, and how it answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from longwire.cli.terminal import style, write, write_error
from longwire.transport.address import ADDRESS_VARIABLE
from longwire.transport.connection import Connection
from longwire.transport.credentials import GivenCredentials
from longwire.transport.saved_accounts import read_accounts

if TYPE_CHECKING:
    from longwire.transport.account_calls import AccountCalls
    from longwire.transport.backend_calls import BackendCalls
    from longwire.transport.job_calls import JobCalls

DEFAULT_ADDRESS = "localhost:50051"


@dataclass(frozen=True)
class Session:
    """One run of a command.

    Attributes:
        given_address: what ``--address`` says, or None.
        as_json: whether the answer is for a program.
        connection: to the server; the first call opens it.
    """

    given_address: str | None
    as_json: bool
    connection: Connection

    @property
    def address(self) -> str:
        """The server's address, ``HOST:PORT``."""
        return self.connection.address

    @cached_property
    def backends(self) -> BackendCalls:
        """The calls of BackendService."""
        from longwire.cli.calls import CommandBackendCalls

        return CommandBackendCalls(self.connection)

    @cached_property
    def account(self) -> AccountCalls:
        """The calls of AccountService."""
        from longwire.cli.calls import CommandAccountCalls

        return CommandAccountCalls(self.connection)

    @cached_property
    def jobs(self) -> JobCalls:
        """The calls of JobService."""
        from longwire.cli.calls import CommandJobCalls

        return CommandJobCalls(self.connection)

    def write_json(self, document: dict[str, Any]) -> None:
        """Writes the answer for a program: one document."""
        write(json.dumps(document, indent=2))

    def command(self, arguments: str) -> str:
        """The command line that does something more at the same server."""
        address = f"--address {self.given_address} " if self.given_address else ""
        return f"longwire {address}{arguments}"


@contextmanager
def outage_told(session: Session, tell: Callable[[str], None]) -> Iterator[None]:
    """A block that says so where it goes on although the server does not answer.

    Args:
        session: the command's.
        tell: called with the text, and again when the server is back.
    """
    outage = session.connection.outage
    before = outage.on_away, outage.on_back
    outage.on_away = lambda cause: tell(
        f"the server does not answer ({cause}); what it has accepted is kept, still waiting"
    )
    outage.on_back = lambda _seconds: tell("the server answers again")
    try:
        yield
    finally:
        outage.on_away, outage.on_back = before


def _say(text: str) -> None:
    write_error(style(text, "dim"))


def _say_nothing(_text: str) -> None:
    """For a program, which reads the answer alone."""


def _found_address() -> str:
    account = None if os.environ.get(ADDRESS_VARIABLE) else read_accounts().default
    found = os.environ.get(ADDRESS_VARIABLE) if account is None else account.address
    return found or DEFAULT_ADDRESS


@contextmanager
def open_session(
    given_address: str | None, *, as_json: bool, credentials: GivenCredentials | None = None
) -> Iterator[Session]:
    """A session with a server, which the first call connects to.

    Args:
        given_address: what ``--address`` says; None takes LONGWIRE_ADDRESS, the
            default saved account, or else this machine.
        as_json: whether the answer is for a program.
        credentials: what was given of them; the rest is found as elsewhere.

    Raises:
        InvalidArgumentError: the address is none, or a credential cannot be used.
    """
    connection = Connection(given_address or _found_address(), credentials=credentials)
    session = Session(given_address, as_json, connection)
    try:
        with outage_told(session, _say_nothing if as_json else _say):
            yield session
    finally:
        connection.close()
