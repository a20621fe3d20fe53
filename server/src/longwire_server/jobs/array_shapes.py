"""The shapes that requests state for their arrays, which are any numbers until checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from longwire_server.refusals import argument_invalid

# As many as every NumPy takes: 64 since 2.0, 32 before. Clients have either.
MAX_DIMENSIONS: Final = 32
# No NumPy array has more elements: it counts them in signed 64 bits.
MAX_ELEMENTS: Final = 2**63 - 1


def check_shape(field: str, shape: Sequence[int]) -> int:
    """Refuses a shape that no array has.

    Args:
        field: where it is.
        shape: the length along each dimension, from 0 on.

    Returns:
        How many elements the array has.

    Raises:
        RequestRefusedError: it has too many dimensions, or is for too many elements.
    """
    if len(shape) > MAX_DIMENSIONS:
        raise argument_invalid(
            field, f"it has {len(shape)} dimensions; at most {MAX_DIMENSIONS} fit"
        )
    elements = num_elements(shape)
    if elements > MAX_ELEMENTS:
        raise argument_invalid(
            field, f"it is for more elements than an array can have, which is {MAX_ELEMENTS}"
        )
    return elements


def num_elements(shape: Sequence[int]) -> int:
    """How many elements an array has; 2**63, which is one too many, where it would have more.

    The product of lengths that nobody has checked may have millions of digits.
    """
    if 0 in shape:
        return 0
    elements = 1
    for length in shape:
        elements *= length
        if elements > MAX_ELEMENTS:
            return MAX_ELEMENTS + 1
    return elements
