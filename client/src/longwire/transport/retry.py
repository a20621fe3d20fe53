"""Pauses between attempts at a call that may succeed later."""

from __future__ import annotations

import random
import time

from longwire.transport.interruption import Interruption

# A server that restarts is back within these; one that was moved is not.
RESUME_SECONDS = 300.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0


class Retry:
    """Pauses between attempts, longer each time, with jitter against herds.

    Args:
        limit_seconds: how long after now there may be another attempt.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._give_up_at = time.monotonic() + limit_seconds
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    def pause(self, deadline: float | None, interruption: Interruption) -> bool:
        """Sleeps before the next attempt; False where there is to be none."""
        now = time.monotonic()
        if now >= self._give_up_at:
            return False
        pause_seconds = self._pause_seconds * random.uniform(0.5, 1.5)  # noqa: S311
        if deadline is not None:
            pause_seconds = min(pause_seconds, max(0.0, deadline - now))
        interruption.sleep(pause_seconds)
        self._pause_seconds = min(self._pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        return True
