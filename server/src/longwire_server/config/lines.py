"""Finds the line of a key in a TOML document.

``tomllib`` gives values without their places. This scanner reads only the
structure (headers, keys, strings, arrays, inline tables) of a document that
``tomllib`` has accepted, so it needs to refuse nothing, and notes on which line
each key begins.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\])*"'),
    re.compile(r"'[^']*'"),
)


def key_lines(text: str) -> Mapping[Path, int]:
    """Returns the line, from 1, on which each key and table of a document begins.

    Args:
        text: a valid TOML document.

    Returns:
        Lines by path. A path holds names, and the number of the element, from
        0, inside an array: ``("pool", 1, "threads")``.
    """
    return _Scanner(text).scan()


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Returns the line of a path, or of the nearest table around it; 1 where there is none."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    """One pass over a document."""

    def __init__(self, text: str) -> None:
        # tomllib treats a carriage return before a newline the same way.
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._array_lengths: dict[Path, int] = {}

    def scan(self) -> Mapping[Path, int]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._peek() == "[":
                table = self._header()
            else:
                self._member(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self) -> Path:
        """Reads ``[a.b]`` or ``[[a.b]]`` and returns the path of the table that it opens."""
        start = self._at
        of_array = self._text.startswith("[[", self._at)
        self._at += 2 if of_array else 1
        names = self._key()
        self._at += 2 if of_array else 1
        path: Path = ()
        for number, name in enumerate(names):
            path = (*path, name)
            self._note(path, start)
            if of_array and number == len(names) - 1:
                self._array_lengths[path] = self._array_lengths.get(path, 0) + 1
            if path in self._array_lengths:
                path = (*path, self._array_lengths[path] - 1)
                self._note(path, start)
        return path

    def _member(self, table: Path) -> None:
        """Reads ``key = value``."""
        start = self._at
        path = table
        for name in self._key():
            path = (*path, name)
            self._note(path, start)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        match self._peek():
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._string()
            case _:
                self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        self._skip(_BLANK)
        index = 0
        while self._peek() != "]":
            self._note((*path, index), self._at)
            self._value((*path, index))
            index += 1
            self._separator()
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._peek() != "}":
            self._member(path)
            self._separator()
        self._at += 1

    def _separator(self) -> None:
        self._skip(_BLANK)
        if self._peek() == ",":
            self._at += 1
            self._skip(_BLANK)

    def _key(self) -> list[str]:
        """Reads a dotted key and leaves the position behind it."""
        names = []
        while True:
            self._skip(_SPACE)
            start = self._at
            if self._peek() in ("'", '"'):
                self._string()
                # Quoted keys may hold escapes: tomllib knows them all.
                (name,) = tomllib.loads(f"{self._text[start : self._at]} = 0")
            else:
                self._skip(_BARE_KEY)
                name = self._text[start : self._at]
            names.append(name)
            self._skip(_SPACE)
            if self._peek() != ".":
                return names
            self._at += 1

    def _string(self) -> None:
        for pattern in _STRINGS:
            if match := pattern.match(self._text, self._at):
                self._at = match.end()
                return

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self._text, self._at):
            self._at = match.end()

    def _note(self, path: Path, position: int) -> None:
        self._lines.setdefault(path, self._text.count("\n", 0, position) + 1)
