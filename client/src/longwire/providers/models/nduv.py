"""One measured property."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from longwire.providers.models.document import Document

__all__ = ["Nduv"]


class Nduv(Document):
    """A property as name, date, unit and value.

    Args:
        date: when it was measured; ISO 8601 text becomes a datetime.
        name: its name, such as ``T1``.
        unit: the value's unit, such as ``us``; empty for a bare number.
        value: the value in that unit.
        kwargs: further members of the document.

    Raises:
        BackendPropertyError: the date is not ISO 8601.
    """

    _REQUIRED = ("date", "name", "unit", "value")
    _DATES = frozenset({"date"})
    _ERROR = "BackendPropertyError"

    date: datetime
    name: str
    unit: str
    value: float

    def __init__(
        self, /, date: datetime | str, name: str, unit: str, value: float, **kwargs: Any
    ) -> None:
        self._store(kwargs, date=date, name=name, unit=unit, value=value)
