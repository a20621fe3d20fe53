"""How long jobs take: measured, for estimates of what those take that wait."""

from __future__ import annotations

# How much the last job counts in the mean.
_LAST = 0.2
# What is supposed of a backend that has not run a job yet.
_UNKNOWN_SECONDS = 1.0


class RunTimes:
    """An exponentially weighted mean of the time that a backend's jobs occupy a worker."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def note(self, backend_name: str, seconds: float) -> None:
        """One job has taken so long."""
        mean = self._seconds.get(backend_name)
        self._seconds[backend_name] = seconds if mean is None else mean + _LAST * (seconds - mean)

    def known_seconds(self, backend_name: str) -> float | None:
        """How long a job may take; None where none was measured yet."""
        return self._seconds.get(backend_name)

    def seconds(self, backend_name: str) -> float:
        """How long a job may take; a second where that is not known."""
        return self._seconds.get(backend_name, _UNKNOWN_SECONDS)
