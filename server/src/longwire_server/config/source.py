"""Where a configuration was read from, so that complaints can name the line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from longwire_server.config.lines import Path as KeyPath, line_of


@dataclass(frozen=True)
class Source:
    """A configuration's file, its lines, and the keys that came from elsewhere.

    Attributes:
        path: the file; None where there is only what is built in.
        lines: line, from 1, of each key in the file.
        overrides: the environment variable or option from which a key came that
            the file does not decide.
    """

    path: Path | None = None
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    overrides: Mapping[KeyPath, str] = field(default_factory=dict)

    def place(self, key: KeyPath) -> str:
        """Returns ``FILE:LINE`` of a key, or the name of what overrode it."""
        if key in self.overrides:
            return self.overrides[key]
        if self.path is None:
            return "the built-in configuration"
        return f"{self.path}:{line_of(self.lines, key)}"


def dotted(key: KeyPath) -> str:
    """Returns a key as text: ``("pool", 0, "threads")`` is ``pool[0].threads``."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
