"""Text for a terminal: colours where there is one, and nothing that could steer it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any, TextIO

import typer

_NARROWEST = 40
# Lines longer than this are hard to follow by eye.
_WIDEST = 100


def write(text: str = "") -> None:
    """Writes a line to the standard output, without colours where it is no terminal."""
    typer.echo(text, color=_colors(sys.stdout))


def write_error(text: str) -> None:
    """Writes a line to the standard error."""
    typer.echo(text, err=True, color=_colors(sys.stderr))


def style(text: str, **how: Any) -> str:
    """The text in a colour or weight; the arguments are those of ``typer.style``."""
    return typer.style(text, **how)


def clean(text: str) -> str:
    """Text from elsewhere, such as a backend's message, with control characters replaced."""
    return "".join(
        character if character.isprintable() or character == "\n" else "�" for character in text
    )


def width_columns() -> int:
    """How many columns the output may fill: the terminal's width, within reason."""
    columns = shutil.get_terminal_size((_WIDEST, 24)).columns
    return max(_NARROWEST, min(columns, _WIDEST))


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody watches the stream on a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_unicode(stream: TextIO) -> bool:
    """Whether block characters can be written to the stream."""
    try:
        "█▏⠋·✔".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _colors(stream: TextIO) -> bool:
    return is_terminal(stream) and not os.environ.get("NO_COLOR")
