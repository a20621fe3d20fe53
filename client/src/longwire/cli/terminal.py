"""Text for a terminal: colours where there is one, and nothing that could steer it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TextIO

_NARROWEST = 40
# Lines longer than this are hard to follow by eye.
_WIDEST = 100
_CODES = {
    "bold": 1,
    "dim": 2,
    "red": 31,
    "green": 32,
    "yellow": 33,
    "magenta": 35,
    "cyan": 36,
}
_STYLING = re.compile(r"\x1b\[\d+m")


def write(text: str = "") -> None:
    """Writes a line to the standard output, without colours where it is no terminal."""
    _write(text, sys.stdout)


def write_error(text: str) -> None:
    """Writes a line to the standard error."""
    _write(text, sys.stderr)


def style(text: str, *looks: str) -> str:
    """The text in a weight (bold, dim) and a colour (red, green, yellow, magenta, cyan)."""
    codes = "".join(f"\x1b[{_CODES[look]}m" for look in looks)
    return f"{codes}{text}\x1b[0m" if codes and text else text


def unstyle(text: str) -> str:
    """The text as it was before :func:`style`."""
    return _STYLING.sub("", text)


def clean(text: str) -> str:
    """Text from elsewhere, such as a backend's message, with control characters replaced."""
    if text.isprintable():  # as nearly always; a long listing has many cells
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else "�" for character in text
    )


def width_columns() -> int:
    """How many columns the output may fill: the terminal's width, within reason."""
    columns = shutil.get_terminal_size((_WIDEST, 24)).columns
    return max(_NARROWEST, min(columns, _WIDEST))


def table_width_columns() -> int | None:
    """How many columns a table may fill; None, without bound, where it goes to no terminal."""
    if not is_terminal(sys.stdout):
        return None
    return max(_NARROWEST, shutil.get_terminal_size().columns)


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


def _write(text: str, stream: TextIO) -> None:
    has_colors = is_terminal(stream) and not os.environ.get("NO_COLOR")
    line = f"{text if has_colors else unstyle(text)}\n"
    encoding = stream.encoding or "utf-8"
    # What the terminal cannot write becomes a question mark, not a traceback.
    stream.write(line.encode(encoding, "replace").decode(encoding))
    stream.flush()
