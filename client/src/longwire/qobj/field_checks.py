"""Checks of single values, each with the place for its message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from longwire.errors import InvalidQobjError
from longwire.qobj.part import describe

__all__ = [
    "check_array",
    "check_boolean",
    "check_integer",
    "check_number",
    "check_object",
    "check_text",
]


def check_object(value: Any, place: str, required: Sequence[str] = ()) -> Mapping[str, Any]:
    """Returns an object that has the required fields.

    Raises:
        InvalidQobjError: it is none, or a field is missing.
    """
    if not isinstance(value, Mapping):
        raise InvalidQobjError(f"{place}: an object is expected, not {describe(value)}")
    for name in required:
        if name not in value:
            raise InvalidQobjError(f"{place}: the field {name!r} is missing")
    return value


def check_array(
    value: Any, place: str, minimum: int = 0, maximum: int | None = None
) -> Sequence[Any]:
    """Returns an array with as many items as allowed.

    Raises:
        InvalidQobjError: it is none, or too short or long.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise InvalidQobjError(f"{place}: an array is expected, not {describe(value)}")
    if len(value) < minimum:
        raise InvalidQobjError(f"{place}: at least {minimum} items are expected, not {len(value)}")
    if maximum is not None and len(value) > maximum:
        raise InvalidQobjError(f"{place}: at most {maximum} items are expected, not {len(value)}")
    return value


def check_text(value: Any, place: str, minimum: int = 0) -> None:
    """Raises InvalidQobjError unless the value is text of this length at least."""
    if not isinstance(value, str):
        raise InvalidQobjError(f"{place}: text is expected, not {describe(value)}")
    if len(value) < minimum:
        raise InvalidQobjError(f"{place}: the text is empty")


def check_boolean(value: Any, place: str) -> None:
    """Raises InvalidQobjError unless the value is true or false."""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidQobjError(f"{place}: true or false is expected, not {describe(value)}")


def check_integer(value: Any, place: str, minimum: int | None = None) -> None:
    """Raises InvalidQobjError unless the value is a whole number, and not below a minimum."""
    # JSON knows one kind of number, so that 1024.0 is whole.
    whole = isinstance(value, (int, np.integer)) or (
        isinstance(value, float) and value.is_integer()
    )
    if not whole or isinstance(value, bool):
        raise InvalidQobjError(f"{place}: a whole number is expected, not {describe(value)}")
    if minimum is not None and value < minimum:
        raise InvalidQobjError(f"{place}: {minimum} or more is expected, not {value}")


def check_number(value: Any, place: str, minimum: float) -> None:
    """Raises InvalidQobjError unless the value is a number, and not below a minimum."""
    number_types = (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, number_types):
        raise InvalidQobjError(f"{place}: a number is expected, not {describe(value)}")
    if not value >= minimum:
        raise InvalidQobjError(f"{place}: {minimum} or more is expected, not {value}")
