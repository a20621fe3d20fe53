"""What a command has at hand while it runs: the server's calls, and how it answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from longwire.cli.terminal import write
from longwire.transport.address import ADDRESS_VARIABLE
from longwire.transport.backend_calls import BackendCalls
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls

DEFAULT_ADDRESS = "localhost:50051"


@dataclass(frozen=True)
class Session:
    """One run of a command.

    Attributes:
        address: the server's, ``HOST:PORT``.
        given_address: what ``--address`` says, or None.
        as_json: whether the answer is for a program.
        backends: the calls of BackendService.
        jobs: the calls of JobService.
    """

    address: str
    given_address: str | None
    as_json: bool
    backends: BackendCalls
    jobs: JobCalls

    def write_json(self, document: dict[str, Any]) -> None:
        """Writes the answer for a program: one document."""
        write(json.dumps(document, indent=2))

    def command(self, arguments: str) -> str:
        """The command line that does something more at the same server."""
        address = f"--address {self.given_address} " if self.given_address else ""
        return f"longwire {address}{arguments}"


@contextmanager
def open_session(given_address: str | None, *, as_json: bool) -> Iterator[Session]:
    """A session with a server, which the first call connects to.

    Args:
        given_address: what ``--address`` says; None takes LONGWIRE_ADDRESS, or
            else the default.
        as_json: whether the answer is for a program.

    Raises:
        InvalidArgumentError: the address is none.
    """
    connection = Connection(given_address or os.environ.get(ADDRESS_VARIABLE) or DEFAULT_ADDRESS)
    try:
        yield Session(
            address=connection.address,
            given_address=given_address,
            as_json=as_json,
            backends=BackendCalls(connection),
            jobs=JobCalls(connection),
        )
    finally:
        connection.close()
