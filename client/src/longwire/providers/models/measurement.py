"""How measured signals become numbers, and numbers become bits."""

from __future__ import annotations

from typing import Any

from longwire.providers.models.document import Document

__all__ = ["Discriminator", "MeasurementKernel"]


class MeasurementKernel(Document):
    """How measured signals are integrated.

    Args:
        name: the kernel's name.
        params: its parameters by name.
        kwargs: further members of the document.
    """

    _REQUIRED = ("name", "params")
    _ERROR = "BackendConfigurationError"

    name: str
    params: dict[str, Any]

    def __init__(self, /, name: str, params: dict[str, Any], **kwargs: Any) -> None:
        self._store(kwargs, name=name, params=params)


class Discriminator(Document):
    """How integrated signals are told apart.

    Args:
        name: the discriminator's name.
        params: its parameters by name.
        kwargs: further members of the document.
    """

    _REQUIRED = ("name", "params")
    _ERROR = "BackendConfigurationError"

    name: str
    params: dict[str, Any]

    def __init__(self, /, name: str, params: dict[str, Any], **kwargs: Any) -> None:
        self._store(kwargs, name=name, params=params)
