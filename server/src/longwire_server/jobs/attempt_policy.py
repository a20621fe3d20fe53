"""How often a backend's jobs are tried, and for how long: decided by the configuration."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple


class RunLimit(NamedTuple):
    """The time that an attempt may take."""

    seconds: float
    """How long."""

    message: str
    """What is said of a job that took longer: whose limit it was, and what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class AttemptPolicy:
    """What holds for the attempts at one backend's jobs."""

    backend_name: str
    """The backend."""

    max_attempts: int
    """How often a job is begun at most, where attempts are lost."""

    backend_limit_seconds: float | None
    """The backend's own limit of an attempt; None where it has none."""

    pool_limit_seconds: float
    """Its pool's limit of an attempt."""

    def allows_another(self, attempts: int) -> bool:
        """Whether a job may be begun again after so many lost attempts."""
        return attempts < self.max_attempts

    def exhausted(self, message: str, attempts: int) -> str:
        """What is said of a job whose last attempt was lost.

        Args:
            message: how it was lost.
            attempts: how often the job was begun.
        """
        tried = "once" if attempts == 1 else f"{attempts} times"
        # A device must not run a program twice unasked; elsewhere that was tried already.
        advice = (
            "submit it again if that is safe"
            if self.max_attempts == 1
            else "see whether the program is why before it is submitted again"
        )
        return (
            f"{message}; the job was tried {tried}, as often as backend '{self.backend_name}' "
            f"allows (max_attempts = {self.max_attempts}): {advice}"
        )

    def run_limit(
        self, job_limit_seconds: float | None, quota_seconds: float | None = None
    ) -> RunLimit:
        """The shortest of the limits that hold for an attempt.

        Args:
            job_limit_seconds: what the job's owner asked for; None for nothing.
            quota_seconds: what its tenant may ask for; None for any time.
        """
        limits = [
            RunLimit(
                self.pool_limit_seconds,
                "its pool's time_limit_seconds: split it, or use fewer shots or qubits",
            )
        ]
        if self.backend_limit_seconds is not None:
            limits.append(
                RunLimit(
                    self.backend_limit_seconds,
                    f"the time_limit_seconds of backend '{self.backend_name}': split it, or use "
                    "fewer shots or qubits",
                )
            )
        if quota_seconds is not None:
            limits.append(
                RunLimit(
                    quota_seconds,
                    "its tenant's quota (quotas.run_seconds): split it, or use fewer shots or "
                    "qubits",
                )
            )
        if job_limit_seconds is not None:
            limits.append(
                RunLimit(job_limit_seconds, "its own max_run_seconds: allow it more, or split it")
            )
        shortest = min(limits, key=lambda limit: limit.seconds)
        return shortest._replace(
            message=f"The job ran longer than {shortest.seconds:g} s, {shortest.message}"
        )
