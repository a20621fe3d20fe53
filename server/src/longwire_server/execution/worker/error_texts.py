"""Error texts without the places of the server's files."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

# Put in the place of a directory of the server's.
_HIDDEN: Final = "<server>"
# Longer texts are of no help to anybody, and may be what a user has sent.
_MAX_CHARACTERS: Final = 4000


def told(message: str, private: Sequence[str]) -> str:
    """An error's message as users may see it.

    Args:
        message: the words of whichever library failed.
        private: directories and files of the server's.
    """
    message = _directories(tuple(private)).sub(_HIDDEN, message)
    # Half of a character that came as bytes cannot be sent.
    message = message.encode("utf-8", "replace").decode("utf-8")
    if len(message) <= _MAX_CHARACTERS:
        return message
    half = _MAX_CHARACTERS // 2
    return f"{message[:half]} [...] {message[-half:]}"


@lru_cache(maxsize=8)
def _directories(private: tuple[str, ...]) -> re.Pattern[str]:
    """Matches a path in one of the server's directories up to its last part."""
    python = (sys.prefix, sys.base_prefix, *sys.path, str(Path(__file__).parents[3]))
    found = {str(Path(path)) for path in (*python, *private) if len(path) > 1}
    found = {each for path in found for each in (path, str(Path(path).resolve()))}
    longest_first = sorted(found, key=len, reverse=True)
    places = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?:{places})(?:/[^\s'\"/:]+)*(?=/)|(?:{places})")
