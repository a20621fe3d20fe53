"""Times of repeated calls, and what to say about them."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np


def time_calls(call: Callable[[], object], count: int) -> list[float]:
    """The seconds that each of ``count`` calls took."""
    seconds = []
    for _ in range(count):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return seconds


def summary_ms(seconds: list[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    points = np.percentile(np.array(seconds) * 1e3, [50, 90, 99])
    return {
        "p50_ms": round(float(points[0]), 3),
        "p90_ms": round(float(points[1]), 3),
        "p99_ms": round(float(points[2]), 3),
        "calls": len(seconds),
    }
