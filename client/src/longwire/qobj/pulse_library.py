"""A named waveform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from longwire.errors import InvalidQobjError
from longwire.qobj.part import QobjPart, copy_value, require

__all__ = ["PulseLibraryItem"]


class PulseLibraryItem(QobjPart):
    """A waveform in a pulse library.

    Args:
        name: name of the pulse.
        samples: complex amplitudes, one for each dt; pairs ``[re, im]`` become an
            array of complex numbers, as in Qiskit Terra.

    Raises:
        InvalidQobjError: a pair has not two numbers.
    """

    def __init__(self, name: str, samples: Sequence[Any] | np.ndarray) -> None:
        self.name = name
        self.samples: Sequence[Any] | np.ndarray = samples
        # The original indexed the first sample, and so broke on an empty pulse.
        if len(samples) and isinstance(samples[0], (list, tuple)):
            try:
                self.samples = np.array([complex(real, imag) for real, imag in samples])
            except (TypeError, ValueError) as error:
                raise InvalidQobjError(
                    f"pulse {name!r}: each sample is a pair of numbers [re, im]"
                ) from error

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of this item; the samples stay complex."""
        return {"name": self.name, "samples": copy_value(self.samples)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""
        return cls(
            require(data, "name", cls.__name__),
            copy_value(require(data, "samples", cls.__name__)),
        )

    def __str__(self) -> str:
        return f"Pulse Library Item:\n\tname: {self.name}\n\tsamples: {self.samples}"
