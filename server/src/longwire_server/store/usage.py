"""What a tenant has used of one backend on one day."""

from __future__ import annotations

import dataclasses
import datetime

_US_PER_SECOND = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """A row of the table of usage, or what is to be added to one."""

    tenant: str
    """Whose jobs they were."""

    day: str
    """The day in UTC, as YYYY-MM-DD."""

    backend_name: str
    """On which backend."""

    jobs: int = 0
    """Jobs that have ended."""

    shots: int = 0
    """Shots that were run, of all their circuits together."""

    worker_us: int = 0
    """How long workers were occupied, in microseconds."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Which row it is."""
        return self.tenant, self.day, self.backend_name

    def __add__(self, other: Usage) -> Usage:
        """Both together, in the row of the first."""
        return dataclasses.replace(
            self,
            jobs=self.jobs + other.jobs,
            shots=self.shots + other.shots,
            worker_us=self.worker_us + other.worker_us,
        )


def day_of(time_us: int) -> str:
    """The day in UTC of a time in microseconds since 1970, as YYYY-MM-DD."""
    time = datetime.datetime.fromtimestamp(time_us // _US_PER_SECOND, datetime.UTC)
    return time.date().isoformat()
