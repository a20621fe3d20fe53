"""How much of something limited each of several may keep."""

from __future__ import annotations

import math
from collections.abc import Iterable


def even_share(amounts: Iterable[int], keep: int) -> float:
    """The most that each may keep, for all to keep no more than ``keep`` together.

    Who has less keeps all of it, and leaves the rest to the others: so nobody loses
    anything because somebody else has much.

    Args:
        amounts: what each has.
        keep: what all may have together.

    Returns:
        The share; infinity where all may keep what they have.
    """
    left, smallest_first = keep, sorted(amounts)
    for place, amount in enumerate(smallest_first):
        share = left // (len(smallest_first) - place)
        if amount > share:
            return share
        left -= amount
    return math.inf
