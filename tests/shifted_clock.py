"""A clock that a test sets forth and back for one server alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

HOUR, DAY = 3600, 86_400
# Where Debian and Fedora have it, and where its own Makefile puts it.
_PLACES = (
    "/usr/lib/*/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
)


class ShiftedClockMissingError(Exception):
    """No clock can be shifted here; the message says why."""


class ShiftedClock:
    """The time of day of processes that have :attr:`environment`, by libfaketime.

    Only the time of day is shifted, as where an operator or NTP sets it: the
    monotonic clock goes on. A server's workers keep the right time.

    Args:
        path: where the shift is written; the file must not exist.

    Raises:
        ShiftedClockMissingError: libfaketime is not installed, or does not work here.
    """

    def __init__(self, path: Path) -> None:
        libraries = [found for place in _PLACES for found in Path("/").glob(place[1:])]
        if not libraries:
            raise ShiftedClockMissingError("libfaketime is not installed (Debian: faketime)")
        self._path = path
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        self.set(DAY)
        if abs(self._told_seconds() - time.time() - DAY) > HOUR:
            raise ShiftedClockMissingError(f"{libraries[0]} does not shift Python's clock")
        self.set(0)

    def set(self, seconds: int) -> None:
        """Shifts the clock to so many seconds after the right time."""
        # At once: who reads half a line is in another year.
        new = self._path.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._path)

    def _told_seconds(self) -> float:
        done = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"],
            capture_output=True, text=True, check=True, env=dict(self.environment),
        )  # fmt: skip
        return float(done.stdout)
