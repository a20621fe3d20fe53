"""A pulse given by its samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from longwire.providers.models.document import Document

__all__ = ["PulseLibraryItem"]


class PulseLibraryItem(Document):
    """A pulse given by its samples.

    Args:
        name: the pulse's name.
        samples: of shape (n,), complex, one for each dt; or the document's form,
            of shape (n, 2), real and imaginary parts.
        kwargs: further members of the document.

    Raises:
        BackendConfigurationError: the samples have neither form.
    """

    _REQUIRED = ("name", "samples")
    _ERROR = "BackendConfigurationError"

    name: str
    samples: npt.NDArray[np.complex128]

    def __init__(self, /, name: str, samples: npt.ArrayLike, **kwargs: Any) -> None:
        try:
            array = np.array(samples, dtype=np.complex128)
        except (TypeError, ValueError) as error:
            raise self._failure(f"{name}: its samples are not numbers: {error}") from error
        if array.ndim == 2 and array.shape[1] == 2:
            # By parts: a product with 1j would spoil infinities and signs of zero.
            real, imaginary = array[:, 0].real, array[:, 1].real
            array = np.empty(len(real), dtype=np.complex128)
            array.real, array.imag = real, imaginary
        if array.ndim != 1:
            raise self._failure(
                f"{name}: its samples have the shape {array.shape}, not (n,) or (n, 2)"
            )
        self._store(kwargs, name=name, samples=array)

    def to_dict(self) -> dict[str, Any]:
        """The document, in which each sample is the pair [real, imaginary]."""
        pairs = np.stack([self.samples.real, self.samples.imag], axis=1)
        return {**super().to_dict(), "samples": pairs.tolist()}
