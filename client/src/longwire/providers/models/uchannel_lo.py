"""A term of a control channel's local oscillator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longwire.providers.models.document import Document

__all__ = ["UchannelLO"]


class UchannelLO(Document):
    """A qubit's frequency with a factor: one term of a control channel's local oscillator.

    Args:
        q: the qubit's index.
        scale: the factor; a document holds it as the pair [real, imaginary].
        kwargs: further members of the document.

    Raises:
        BackendConfigurationError: q is negative, or scale is no complex number.
    """

    _REQUIRED = ("q", "scale")
    _ERROR = "BackendConfigurationError"

    q: int
    scale: complex

    def __init__(self, /, q: int, scale: complex | Sequence[float], **kwargs: Any) -> None:
        if not isinstance(q, int) or q < 0:
            raise self._failure(f"q must be >=0, not {q!r}: it is a qubit's index")
        try:
            number = complex(*scale) if isinstance(scale, Sequence) else complex(scale)
        except (TypeError, ValueError) as error:
            raise self._failure(f"scale: {scale!r} is not a number or [real, imag]") from error
        self._store(kwargs, q=q, scale=number)

    def _members(self, form: str) -> dict[str, Any]:
        return {**super()._members(form), "scale": [self.scale.real, self.scale.imag]}
