"""Dictionaries whose entries read as attributes: the headers of a Qobj."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Self

from longwire.errors import InvalidQobjError
from longwire.qobj.part import copy_value, values_equal

__all__ = ["QobjDictField", "QobjExperimentHeader", "QobjHeader"]


class QobjDictField(SimpleNamespace):
    """Free-form fields, given by keyword, read and set as attributes.

    Raises:
        InvalidQobjError: a field has the name of a method, which it would hide.
    """

    __hash__ = None

    def __init__(self, /, **kwargs: Any) -> None:
        super().__init__()
        self._set_fields(kwargs)

    def _set_fields(self, fields: Mapping[str, Any]) -> None:
        for name in fields:
            if not isinstance(name, str) or hasattr(type(self), name):
                raise InvalidQobjError(
                    f"{type(self).__name__}: a field cannot be called {name!r}; rename it"
                )
        vars(self).update(fields)

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of the fields.

        The original handed out its live ``__dict__``.
        """
        fields: dict[str, Any] = copy_value(vars(self))
        return fields

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""
        if not isinstance(data, Mapping):
            raise InvalidQobjError(f"{cls.__name__}: a dict is expected, not {data!r}")
        return cls(**copy_value(data))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QobjDictField):
            return NotImplemented
        if not (isinstance(other, type(self)) or isinstance(self, type(other))):
            return False
        return values_equal(self.to_dict(), other.to_dict())

    def __ne__(self, other: object) -> bool:
        # SimpleNamespace has a comparison of its own, which Python would take.
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal


class QobjHeader(QobjDictField):
    """What the sender tells about a whole Qobj; it comes back with the result."""


class QobjExperimentHeader(QobjHeader):
    """What the sender tells about one experiment: its name, registers, anything else."""
