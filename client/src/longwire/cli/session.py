"""What a command has at hand while it runs: the server's calls, and one end for its errors."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from longwire.cli.command_error import command_error_of
from longwire.cli.terminal import write

if TYPE_CHECKING:
    from longwire.transport.backend_calls import BackendCalls
    from longwire.transport.job_calls import JobCalls

DEFAULT_ADDRESS = "localhost:50051"


@dataclass(frozen=True)
class Session:
    """One run of a command.

    Attributes:
        address: the server's, ``HOST:PORT``.
        address_option: how its user repeats it in another command; empty where
            that needs nothing.
        as_json: whether the answer is for a program.
        backends: the calls of BackendService.
        jobs: the calls of JobService.
    """

    address: str
    address_option: str
    as_json: bool
    backends: BackendCalls
    jobs: JobCalls

    def write_json(self, document: dict[str, Any]) -> None:
        """Writes the answer for a program: one document."""
        write(json.dumps(document, indent=2, ensure_ascii=False))

    def command(self, arguments: str) -> str:
        """A command line that goes to the same server."""
        return f"longwire {self.address_option}{arguments}"


@contextmanager
def open_session(
    context: typer.Context, address: str | None, *, as_json: bool
) -> Iterator[Session]:
    """A connection, and errors that end the command with a sentence and an exit code.

    Args:
        context: the command's; its parent may carry an address.
        address: the command's own ``--address``.
        as_json: whether errors are written as JSON.

    Raises:
        typer.Exit: the command failed, and has said why.
    """
    connection = None
    try:
        from longwire.transport.backend_calls import BackendCalls
        from longwire.transport.connection import Connection
        from longwire.transport.job_calls import JobCalls

        given = address or context.obj
        connection = Connection(given or os.environ.get("LONGWIRE_ADDRESS") or DEFAULT_ADDRESS)
        yield Session(
            address=connection.address,
            address_option=f"--address {given} " if given else "",
            as_json=as_json,
            backends=BackendCalls(connection),
            jobs=JobCalls(connection),
        )
    except (Exception, KeyboardInterrupt) as error:
        command_error = command_error_of(error)
        if command_error is None:
            raise
        command_error.report(as_json=as_json)
        raise typer.Exit(code=command_error.exit_code) from None
    finally:
        if connection is not None:
            connection.close()
