"""What an attempt took, until it is recorded."""

from __future__ import annotations

import dataclasses
from typing import Final

from longwire_server.jobs.clock import now_us
from longwire_server.store.job import Job
from longwire_server.store.usage import Usage, day_of

_US_PER_SECOND = 1_000_000
# A worker says how many they were: one that is out of its mind must not be able to say
# what no database can add up.
_MOST_SHOTS = 1 << 48


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """What a worker did for a job in its present attempt."""

    seconds: float = 0.0
    """How long the attempt occupied it."""

    shots: int = 0
    """Shots that it ran, of all circuits together; 0 where the attempt failed."""

    def usage_of(self, job: Job, *, jobs: int) -> Usage:
        """What is to be recorded with the job, for the day on which that happened.

        Args:
            job: the job as it is to be recorded.
            jobs: 1 where it ends; 0 where only this attempt at it does.
        """
        return Usage(
            job.tenant,
            day_of(job.end_time_us or now_us()),
            job.backend_name,
            jobs=jobs,
            shots=min(self.shots, _MOST_SHOTS),
            worker_us=round(self.seconds * _US_PER_SECOND),
        )


NOTHING_SPENT: Final = Spent()
