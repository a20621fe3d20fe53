"""How large a Qobj may claim to be. A header of a few bytes can claim a billion qubits."""

from __future__ import annotations

__all__ = [
    "MAX_DEPTH",
    "MAX_MASKED_SLOTS",
    "MAX_MEMORY_SLOTS",
    "MAX_QUBITS",
    "MAX_REGISTER_SLOTS",
]

# Of one experiment. Far beyond any device or simulator of today, yet cheap to build.
MAX_QUBITS = 10_000
MAX_MEMORY_SLOTS = 100_000
# Register slots come from the same numbers as memory slots, and one for each condition.
MAX_REGISTER_SLOTS = 200_000
# Slots under the masks of all Boolean functions of an experiment, added up.
MAX_MASKED_SLOTS = 1_000_000
# Nested lists and objects of a JSON document. A matrix of complex numbers in an
# instruction lies ten deep.
MAX_DEPTH = 32
