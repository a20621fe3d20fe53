"""What is wrong with a configuration, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration.

    Attributes:
        place: where it is: ``FILE:LINE``, an environment variable, or an option
            of the command line.
        key: the dotted key, such as ``pool[0].threads``; empty for a mistake in
            the file's syntax.
        message: what is wrong and what to write instead.
    """

    place: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.key, self.message) if part)


class ConfigError(Exception):
    """A configuration cannot be used.

    Attributes:
        problems: everything that is wrong with it, in the order of the file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns a sentence that names what was probably meant, and all that is known."""
    names = list(known)
    near = get_close_matches(word, names, n=3, cutoff=0.6)
    quoted = ", ".join(repr(name) for name in near or names)
    if near:
        return f"did you mean {quoted}?"
    return f"known here: {quoted}" if quoted else "nothing is known here"


def hint_or(hint: str, otherwise: str) -> str:
    """Returns the sentence of :func:`did_you_mean` and what can be done instead of it."""
    return f"{hint} Or {otherwise}" if hint.endswith("?") else f"{hint}; or {otherwise}"
