"""Which values JSON holds without loss, for every reader of JSON."""

from __future__ import annotations

from math import isfinite

from longwire.codecs.value_kinds import MAXIMUM_DEPTH

# Readers whose numbers are doubles keep integers up to here.
_EXACT_INT_BOUND = 2**53


def is_json(value: object, depth: int = 0) -> bool:
    """Whether a value comes back from JSON equal and of the same types throughout."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -_EXACT_INT_BOUND <= value <= _EXACT_INT_BOUND  # type: ignore[operator]
    if kind is float:
        return isfinite(value)  # type: ignore[arg-type]
    if depth >= MAXIMUM_DEPTH:
        return False
    if kind is dict:
        for name, member in value.items():  # type: ignore[attr-defined]
            if type(name) is not str or not is_json(member, depth + 1):
                return False
        return True
    if kind is list:
        return all(is_json(member, depth + 1) for member in value)  # type: ignore[attr-defined]
    return False
