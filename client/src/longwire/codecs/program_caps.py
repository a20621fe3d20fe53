"""How large a program may be that anybody parses: far beyond what can be simulated.

Qiskit's parsers build what a few bytes ask for, be it a register of a thousand million
qubits. These bounds hold for every server and tenant, and are checked by arithmetic on
the text or the bytes before a parser sees them. What an operator allows is less, and
decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from longwire.errors import LimitExceededError

__all__ = [
    "MAX_BITS",
    "MAX_CIRCUITS",
    "MAX_EXPANDED",
    "MAX_INSTRUCTIONS",
    "MAX_NESTING",
    "MAX_QUBITS",
    "too_large",
]

MAX_CIRCUITS: Final = 100_000
"""Circuits of a program."""

MAX_QUBITS: Final = 100_000
"""Qubits, or classical bits, of a circuit."""

MAX_BITS: Final = 4_000_000
"""Qubits and classical bits of all circuits and definitions together."""

MAX_INSTRUCTIONS: Final = 1_000_000
"""Instructions of all circuits together, each gate on a register once for each qubit."""

MAX_EXPANDED: Final = 10_000_000
"""The same with those that gate definitions stand for."""

MAX_NESTING: Final = 32
"""How deep loops, branches and definitions lie in one another."""


def too_large(what: str, number: int | str, maximum: int, place: str = "") -> LimitExceededError:
    """The error for a program beyond one of the bounds.

    Args:
        what: what there is too much of.
        number: how much there is, or in words.
        maximum: the bound.
        place: where, as the beginning of the message.
    """
    from longwire.errors import LimitExceededError

    return LimitExceededError(
        f"{place}{number} {what} are more than any program may have ({maximum}): split it, or "
        "make it smaller",
        reason="LIMIT_EXCEEDED",
        details={"limit": what.replace(" ", "_"), "maximum": str(maximum)},
    )
