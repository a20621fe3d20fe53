"""What came of the calls of one group, in histograms of constant size."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hdrh.histogram import HdrHistogram

# One microsecond to ten minutes, three digits.
_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 600_000_000, 3
_PERCENTILES = {"p50_ms": 50.0, "p90_ms": 90.0, "p99_ms": 99.0, "p99_9_ms": 99.9, "max_ms": 100.0}


class Latencies:
    """Latencies in an HDR histogram: tails are kept, and no single value."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)

    def add(self, seconds: float) -> None:
        """Records one."""
        self._histogram.record_value(min(max(int(seconds * 1e6), _LOWEST_US), _HIGHEST_US))

    def summary(self) -> dict[str, float]:
        """How many there are, and their percentiles; of none there are no percentiles."""
        count: int = self._histogram.get_total_count()
        if not count:
            return {"calls": 0}
        values = {
            name: round(self._histogram.get_value_at_percentile(percent) / 1e3, 3)
            for name, percent in _PERCENTILES.items()
        }
        return {"calls": count, **values}


class Tally:
    """One group's calls: what was done, refused, failed."""

    def __init__(self) -> None:
        self.done = Latencies()
        self.refused = Latencies()
        self.statuses: Counter[str] = Counter()
        self.without_retry_info = 0
        self.done_in_time = 0
        self.not_sent = 0

    def summary(self, window_seconds: float) -> dict[str, Any]:
        """The figures; what was done is counted a second over a window."""
        return {
            "goodput_per_second": round(self.done_in_time / window_seconds, 2),
            "done": self.done.summary(),
            "refused": self.refused.summary(),
            "statuses": dict(self.statuses),
            "refusals_without_retry_info": self.without_retry_info,
            "not_sent": self.not_sent,
        }
