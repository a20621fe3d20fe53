"""How many jobs a second each tenant submits, on average over ten seconds."""

from __future__ import annotations

_WINDOW_SECONDS = 10.0
# Those that submit nothing now are forgotten when there are so many.
_TENANTS = 10_000


class JobRates:
    """Buckets of tokens, one a job, that fill in ten seconds; each tenant has its own.

    Of a bucket only the time is kept at which it will be full.
    """

    def __init__(self) -> None:
        self._full_at: dict[str, float] = {}

    def take(self, tenant: str, jobs_per_second: float, now: float) -> float:
        """Takes a token, if there is one.

        Args:
            tenant: whose bucket.
            jobs_per_second: how fast it fills. It holds ten times as many, and at
                least one.
            now: a steady clock, in seconds.

        Returns:
            0 where there was one; else in how many seconds there will be.
        """
        full_at = max(self._full_at.get(tenant, now), now)
        token_seconds = 1.0 / jobs_per_second
        wait_seconds = full_at - now - max(0.0, _WINDOW_SECONDS - token_seconds)
        # Less than that is how floats round.
        if wait_seconds > 1e-9:
            return wait_seconds
        if tenant not in self._full_at and len(self._full_at) >= _TENANTS:
            self._full_at = {each: at for each, at in self._full_at.items() if at > now}
        self._full_at[tenant] = full_at + token_seconds
        return 0.0
