"""Run options as they stand on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import typer


def parse_options(assignments: Sequence[str], given: dict[str, Any]) -> dict[str, Any]:
    """The run options of ``--option NAME=VALUE`` and of the options with names of their own.

    Args:
        assignments: each ``NAME=VALUE``; a value that is JSON is read as such,
            every other is text.
        given: what ``--shots``, ``--seed`` and ``--memory`` say; None where not given.

    Raises:
        typer.BadParameter: an assignment has another form, or an option is given twice.
    """
    options = {name: value for name, value in given.items() if value is not None}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise typer.BadParameter(
                f"{assignment!r}: write NAME=VALUE, such as method=statevector",
                param_hint="--option",
            )
        if name in options:
            raise typer.BadParameter(f"{name} is given twice", param_hint="--option")
        options[name] = _parse_value(text)
    return options


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(_constant: str) -> NoReturn:
    """JSON has no NaN and no Infinity; Python's parser takes them."""
    raise ValueError
