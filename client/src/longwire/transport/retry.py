"""Pauses between attempts at a call that may succeed later."""

from __future__ import annotations

import random
import time

from longwire.transport.interruption import Interruption

# How long a wait for a job outlasts its server: the reboot of a large machine, a
# laptop that is carried home.
RESUME_SECONDS = 3600.0
# A server that has never answered is told to be away soon: its address may be wrong.
FIRST_CONTACT_SECONDS = 1.5
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0
# No attempt takes longer: then this process, or the whole machine, has slept.
_LONGEST_ATTEMPT_SECONDS = 60.0


class Retry:
    """Pauses between attempts, each twice as long, up to 5 s, with jitter against herds.

    Args:
        limit_seconds: how long after now there may be another attempt, not counted
            what this process or its machine sleeps.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._left_seconds = limit_seconds
        self._counted_to = time.monotonic()
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    def pause(
        self, deadline: float | None, interruption: Interruption, *, at_least: float = 0.0
    ) -> bool:
        """Sleeps before the next attempt; False where there is to be none.

        Args:
            deadline: of the caller, on the clock of ``time.monotonic``: the pause does not
                outlast it; None where there is none.
            interruption: ends the pause.
            at_least: the shortest pause in seconds, where the server asks for one.
        """
        now = time.monotonic()
        self._left_seconds -= min(now - self._counted_to, _LONGEST_ATTEMPT_SECONDS)
        self._counted_to = now
        if self._left_seconds <= 0 or at_least > self._left_seconds:
            return False
        pause_seconds = self._next_pause(at_least)
        if deadline is not None:
            pause_seconds = min(pause_seconds, max(0.0, deadline - now))
        interruption.sleep(min(pause_seconds, self._left_seconds))
        return True

    def _next_pause(self, at_least: float) -> float:
        """The next pause in seconds."""
        longest = max(self._pause_seconds, at_least)
        self._pause_seconds = min(self._pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        # Whoever is asked to wait waits so long and up to half as much again.
        jitter = random.uniform(1.0 if at_least >= longest else 0.5, 1.5)  # noqa: S311
        return max(longest * jitter, at_least)
