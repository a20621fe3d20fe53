"""Values as they are written on the command line."""

from __future__ import annotations

import argparse
import datetime
import json
import math
from collections.abc import Sequence
from typing import Any, NoReturn

from longwire.cli.command_error import CommandError, ExitCode

STATES = ("initializing", "queued", "validating", "running", "cancelled", "done", "error")


def positive_int(text: str) -> int:
    """A whole number of at least 1."""
    return _int(text, 1)


def non_negative_int(text: str) -> int:
    """A whole number of at least 0."""
    return _int(text, 0)


def optimization_level(text: str) -> int:
    """One of Qiskit's optimisation levels."""
    if text not in ("0", "1", "2", "3"):
        raise argparse.ArgumentTypeError(f"{text!r} is no level: give 0, 1, 2 or 3")
    return int(text)


def priority(text: str) -> int:
    """How urgent a job is."""
    try:
        number = int(text)
    except ValueError:
        number = 11
    if not -10 <= number <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is no priority: give -10 to 10")
    return number


def non_negative_seconds(text: str) -> float:
    """A span of time in seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def positive_seconds(text: str) -> float:
    """A span of time in seconds that is not empty."""
    seconds = non_negative_seconds(text)
    if not seconds:
        raise argparse.ArgumentTypeError("0 s is no time: give more, or leave it out for no limit")
    return seconds


def state(text: str) -> str:
    """The name of a state, in capitals as Qiskit writes it."""
    if text.lower() not in STATES:
        raise argparse.ArgumentTypeError(f"{text!r} is no state: give one of {', '.join(STATES)}")
    return text.upper()


def past_time(text: str) -> datetime.datetime:
    """A time; see :func:`longwire.cli.times.parse_since`."""
    from longwire.cli.times import parse_since

    try:
        return parse_since(text, datetime.datetime.now(datetime.UTC))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def assignment(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``; a value that is JSON is read as such, every other is text."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=VALUE, such as method=statevector")
    try:
        return name, json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return name, value


def merge_options(given: dict[str, Any], assignments: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The run options of the command line, by name.

    Args:
        given: those with an option of their own (``--shots``); None where not given.
        assignments: those of ``--option``.

    Raises:
        CommandError: one is given twice, or is not for the command line.
    """
    options = {name: value for name, value in given.items() if value is not None}
    for name, value in assignments:
        if name == "parameter_binds":
            raise CommandError(
                "USAGE",
                "parameter_binds cannot be given here: put the values into the circuit's text, or "
                "run it from Python with backend.run(circuit, parameter_binds=...)",
                ExitCode.USAGE,
            )
        if name in options:
            raise CommandError("USAGE", f"The option {name} is given twice", ExitCode.USAGE)
        options[name] = value
    return options


def _int(text: str, minimum: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = minimum - 1
    if number < minimum:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {minimum}")
    return number


def _refuse(_constant: str) -> NoReturn:
    """JSON has no NaN and no Infinity; Python's parser takes them."""
    raise ValueError
