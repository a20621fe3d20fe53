"""A kernel or a discriminator of a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from longwire.qobj.part import QobjPart, copy_value, require

__all__ = ["QobjMeasurementOption"]


class QobjMeasurementOption(QobjPart):
    """A kernel or discriminator, by name.

    Args:
        name: name that the backend knows it by.
        params: its parameters.
    """

    params: Any

    def __init__(self, name: str, params: Any = None) -> None:
        self.name = name
        if params is not None:
            self.params = params

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of this option."""
        return copy_value(vars(self))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""
        return cls(require(data, "name", cls.__name__), copy_value(data.get("params")))
