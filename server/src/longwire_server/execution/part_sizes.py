"""How many runs of a shared job a worker is given at once."""

from __future__ import annotations

import math
from typing import Final

# As long as somebody else may have to wait for a helper's worker, as a rule.
_PART_SECONDS: Final = 0.25
# A part has a price of its own, which is not worth paying for less: some 2 ms.
_LEAST_SECONDS: Final = 0.02
# The first part shows how long a run takes.
_FIRST: Final = 64
# What is left is shared out in so many parts for each worker: the last end together.
_PARTS_A_WORKER: Final = 4
# A worker needs some of it to read the program.
_WORTH_SECONDS: Final = 0.3
# Aer takes as long for a circuit without gates.
_LEAST_SECONDS_A_RUN: Final = 0.0005


class PartSizes:
    """Goes by how long the runs took that were made last."""

    def __init__(self) -> None:
        self._seconds_a_run: float | None = None

    def note(self, count: int, seconds: float) -> None:
        """So many runs took so long."""
        self._seconds_a_run = max(seconds, 1e-6) / count

    def next_count(self, left: int, num_workers: int) -> int:
        """How many to give to a worker, at least 1.

        Args:
            left: how many nobody has been given.
            num_workers: how many work at the job.
        """
        if self._seconds_a_run is None:
            return max(1, left // _FIRST)
        share = math.ceil(left / (_PARTS_A_WORKER * num_workers))
        least = int(_LEAST_SECONDS / self._seconds_a_run)
        most = int(_PART_SECONDS / self._seconds_a_run)
        return max(1, min(max(share, least), most, left))

    def is_worth_help(self, left: int, num_workers: int) -> bool:
        """Whether another worker would have enough to do.

        Args:
            left: how many runs nobody has been given.
            num_workers: how many work at the job.
        """
        seconds_a_run = self._seconds_a_run or _LEAST_SECONDS_A_RUN
        return left * seconds_a_run / num_workers >= _WORTH_SECONDS
