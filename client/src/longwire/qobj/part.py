"""What every part of a Qobj has in common: a dict form, equality by value, a readable repr."""

from __future__ import annotations

import abc
import reprlib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from longwire.errors import InvalidQobjError

__all__ = ["QobjPart", "copy_value", "describe", "integer", "require", "values_equal"]


_PLAIN = frozenset({bool, complex, float, int, str, type(None)})


class QobjPart(abc.ABC):
    """A part of a Qobj with a fixed set of fields.

    Two parts of one class are equal when their dict forms are. Parts are mutable,
    and therefore not hashable unless a class says otherwise.
    """

    __hash__ = None  # type: ignore[assignment]

    @abc.abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of this part, which shares nothing mutable with it but arrays."""

    @classmethod
    @abc.abstractmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QobjPart) or type(self) is not type(other):
            return NotImplemented
        return values_equal(self.to_dict(), other.to_dict())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._repr_fields().items())
        return f"{type(self).__name__}({fields})"

    def _repr_fields(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


def describe(value: Any) -> str:
    """Returns a value's repr for a message, cut short where it is long."""
    return reprlib.repr(value)


def copy_value(value: Any) -> Any:
    """Copies containers all the way down; numbers, text and arrays are shared."""
    if type(value) in _PLAIN:  # most values, and Mapping is slow to ask
        return value
    if isinstance(value, Mapping):
        return {key: copy_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_value(item) for item in value]
    if isinstance(value, tuple):
        return tuple(copy_value(item) for item in value)
    return value


def values_equal(left: Any, right: Any) -> bool:
    """Compares two values of dict forms; an array equals the nested lists of its numbers."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        left, right = _as_lists(left), _as_lists(right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(
            values_equal(left[key], right[key]) for key in left
        )
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(
            values_equal(one, other) for one, other in zip(left, right, strict=True)
        )
    return bool(left == right)


def _as_lists(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def require(data: Mapping[str, Any], key: str, part: str) -> Any:
    """Returns ``data[key]``.

    Raises:
        InvalidQobjError: ``data`` is no mapping, or has no such key.
    """
    if not isinstance(data, Mapping):
        raise InvalidQobjError(f"{part}: a dict is expected, not {type(data).__name__}")
    if key not in data:
        raise InvalidQobjError(f"{part}: the field {key!r} is missing")
    return data[key]


def integer(value: Any, field: str) -> int:
    """Returns ``value`` as an int where nothing is lost by it.

    Raises:
        InvalidQobjError: ``value`` is a bool, has a fraction, or is no number.
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return int(value)
    raise InvalidQobjError(f"{field}: an integer is expected, not {describe(value)}")
