"""``make bench``: one call at a time, side by side in one run. The figures gate nothing."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import recording
from aims import Ratio, ratio
from clients import Call, echo_call, fastapi_call, local_call, longwire_call, status_call
from processes import HERE, longwire_server, raw_server, server
from timing import summary_ms, time_calls

ROUNDS = 2 if recording.QUICK else 5
CALLS_PER_ROUND = 4 if recording.QUICK else 100
FIRST_JOBS_PER_ROUND = 1 if recording.QUICK else 2


def first_job_seconds(address: str) -> float:
    """From a new process' provider to the result of its first job."""
    done = subprocess.run(
        [sys.executable, str(HERE / "first_job.py"), address],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


def measure(stack: ExitStack) -> dict[str, Any]:
    """All figures of one run."""
    echo = stack.enter_context(raw_server()).address
    fastapi = stack.enter_context(server(str(HERE / "fastapi_server.py")))
    longwire = stack.enter_context(longwire_server()).address
    calls: dict[str, Call] = {
        "echo": echo_call(echo),
        "status": status_call(longwire),
        "local": local_call(threads=0),
        "local, one thread": local_call(threads=1),
        "remote": longwire_call(longwire),
        "fastapi": fastapi_call(fastapi),
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    firsts: dict[str, list[float]] = {
        "first job of a process": [],
        "first job of a provider": [],
    }
    for call in calls.values():
        time_calls(call, CALLS_PER_ROUND // 2)  # warm-up
    for _ in range(ROUNDS):
        for name, call in calls.items():
            seconds[name] += time_calls(call, CALLS_PER_ROUND)
        for _ in range(FIRST_JOBS_PER_ROUND):
            firsts["first job of a process"].append(first_job_seconds(longwire))
            firsts["first job of a provider"] += time_calls(lambda: longwire_call(longwire)(), 1)
    return {"latency": {name: summary_ms(taken) for name, taken in (seconds | firsts).items()}}


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """What the figures say about the aims."""
    latency = figures["latency"]
    p50: dict[str, float] = {name: each["p50_ms"] for name, each in latency.items()}
    return {
        "status / echo": ratio(p50["status"] / p50["echo"], at_most=1.15),
        "remote / local": ratio(p50["remote"] / p50["local"], at_most=1.6),
        "remote / local with one thread": ratio(
            p50["remote"] / p50["local, one thread"], at_most=1.6
        ),
        "remote, p99 / p50": ratio(latency["remote"]["p99_ms"] / p50["remote"], at_most=2.5),
        # Beside what the tail of everything else is on this machine at this moment.
        "echo, p99 / p50": ratio(latency["echo"]["p99_ms"] / p50["echo"]),
        "first job of a process / remote": ratio(
            p50["first job of a process"] / p50["remote"], at_most=10
        ),
        "first job of a provider / remote": ratio(
            p50["first job of a provider"] / p50["remote"], at_most=10
        ),
        "remote / fastapi, one at a time": ratio(p50["remote"] / p50["fastapi"]),
    }


def main() -> None:
    recorded = recording.begin()
    with ExitStack() as stack:
        recorded |= measure(stack)
    recorded["ratios"] = ratios(recorded)
    for name, each in recorded["latency"].items():
        print(f"{name:23} p50 {each['p50_ms']:8.3f} ms   p99 {each['p99_ms']:8.3f} ms")
    recording.finish("first_figures", recorded)


if __name__ == "__main__":
    main()
