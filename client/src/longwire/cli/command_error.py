"""How a command ends when it cannot do what it was asked to."""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Sequence

from longwire.cli.terminal import clean, style, write_error


class ExitCode(enum.IntEnum):
    """What the process returns. Zero is success."""

    ERROR = 1
    USAGE = 2
    JOB_FAILED = 3
    JOB_CANCELLED = 4
    TIMEOUT = 5
    INTERRUPTED = 130


class CommandError(Exception):
    """A command failed for a reason that its user can act on.

    Attributes:
        reason: a stable word for programs: an ``ErrorReason`` of the server
            without its prefix, or one of the command line's own
            (docs/reference/command-line.md).
        message: what is wrong, where, and what to do instead.
        exit_code: what the process returns.
        job_id: the job that it is about, or an empty string.
        hints: pairs of what can be done next, and the command that does it.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        exit_code: ExitCode = ExitCode.ERROR,
        *,
        job_id: str = "",
        hints: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.exit_code = exit_code
        self.job_id = job_id
        self.hints = tuple(hints)

    def report(self, *, as_json: bool) -> None:
        """Writes it to the standard error."""
        if as_json:
            error = {"reason": self.reason, "message": self.message}
            if self.job_id:
                error["job_id"] = self.job_id
            write_error(json.dumps({"error": error}))
            return
        write_error(f"{style('longwire:', 'bold', 'red')} {clean(self.message)}")
        width = max((len(purpose) for purpose, _ in self.hints), default=0)
        for purpose, command in self.hints:
            write_error(f"  {purpose:<{width}}  {style(command, 'bold')}")


def command_error_of(error: BaseException) -> CommandError | None:
    """The command's error for an exception; None where it is a defect of the program."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return CommandError("INTERRUPTED", "Interrupted", ExitCode.INTERRUPTED)
    # Its classes import qiskit, so they are not asked for unless one was raised.
    errors = sys.modules.get("longwire.errors")
    if errors is None or not isinstance(error, errors.LongwireError):
        return None
    return CommandError(error.reason, str(error))
