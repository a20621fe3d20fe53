"""Entry of the console script ``longwire``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from longwire.cli.command_error import command_error_of
from longwire.cli.parser import parse_command_line
from longwire.cli.terminal import write


def main() -> None:
    """Runs the command line, and ends the process."""
    # What users need to know of gRPC's troubles, the errors say; its own log would
    # stand before them. It reads this when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(words: Sequence[str]) -> int:
    """Runs a command.

    Args:
        words: the command line without the program's name.

    Returns:
        The exit code of the process.
    """
    try:
        _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone, as in `longwire jobs | head`. Python would complain
        # once more when it flushes the stream at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        command_error = command_error_of(error)
        if command_error is None:
            raise
        command_error.report(as_json="--json" in words)
        return command_error.exit_code
    return 0


def _run(words: Sequence[str]) -> None:
    arguments = parse_command_line(words)
    if arguments.version:
        from longwire import __version__

        write(f"longwire {__version__}")
        return
    from longwire.cli.session import open_session

    # Each command is in a module that imports only what it needs.
    module_name, function_name = arguments.command.split(":")
    command = getattr(importlib.import_module(module_name), function_name)
    if arguments.is_local:
        command(arguments)
        return
    with open_session(arguments.address, as_json=arguments.as_json) as session:
        command(session, arguments)
