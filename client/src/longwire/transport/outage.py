"""Whether a server answers, and what is said when it does not."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

# A connection that breaks is most often back sooner.
AWAY_SECONDS = 2.0

_logger = logging.getLogger("longwire")


class Outage:
    """The answers that a server owes, over all calls of one connection.

    Every outage is told once, however many calls and threads wait for its end:
    as a warning of the logger ``longwire``, unless who uses the connection sets
    something else.

    Args:
        address: the server's.

    Attributes:
        has_answered: whether the server has ever answered on this connection.
        on_away: called with the cause when a wait goes on although the server has not
            answered for some seconds.
        on_back: called with the seconds that it was away when it answers after that.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self.has_answered = False
        self.on_away: Callable[[str], None] = self._log_away
        self.on_back: Callable[[float], None] = self._log_back
        self._lock = threading.Lock()
        self._since: float | None = None
        self._cause = ""
        self._is_told = False

    def answered(self) -> None:
        """The server has answered."""
        self.has_answered = True
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
            was_told, self._is_told = self._is_told, False
        if was_told and since is not None:
            self.on_back(time.monotonic() - since)

    def failed(self, cause: str) -> None:
        """A call has failed, and another attempt may follow.

        Args:
            cause: why, in a few words.
        """
        now = time.monotonic()
        with self._lock:
            self._since = now if self._since is None else self._since
            self._cause = cause
            tells = not self._is_told and now - self._since >= AWAY_SECONDS
            self._is_told |= tells
        if tells:
            self.on_away(cause)

    def description(self) -> str:
        """What is to be said of it: since when, and why; empty where the server answers."""
        with self._lock:
            if self._since is None:
                return ""
            seconds = time.monotonic() - self._since
            return (
                f"the server at {self._address} has not answered for {seconds:.1f} s "
                f"({self._cause})"
            )

    def _log_away(self, cause: str) -> None:
        _logger.warning(
            "The server at %s does not answer (%s): still trying; the jobs that it has accepted "
            "are kept there",
            self._address,
            cause,
        )

    def _log_back(self, seconds: float) -> None:
        _logger.info("The server at %s answers again after %.0f s", self._address, seconds)
