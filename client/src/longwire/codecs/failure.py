"""How the codecs report what cannot cross the wire.

:mod:`longwire.errors` imports qiskit, which takes about a second, so the codecs
reach it only when something is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longwire.errors import CodecError


class MisfitError(Exception):
    """Something inside a nested value does not fit; containers add where on the way out.

    It never leaves the codecs: each public function turns it into a CodecError.
    Collecting the place only while an error travels keeps the good path free of it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.steps: list[str] = []

    def inside(self, step: str) -> MisfitError:
        """Adds the step (``.name`` or ``[index]``) that leads to the container's member."""
        self.steps.append(step)
        return self

    def __str__(self) -> str:
        place = "".join(reversed(self.steps)).lstrip(".")
        return f"{place}: {self.message}" if place else self.message

    def as_codec_error(self) -> CodecError:
        """The error for the caller, which begins with the place."""
        return codec_error(str(self))


def codec_error(message: str) -> CodecError:
    """A CodecError, to be raised."""
    from longwire.errors import CodecError

    return CodecError(message)
