"""``make bench``: the first figures, side by side in one run. They gate nothing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import recording
from clients import echo_call, fastapi_call, local_call, longwire_call, status_call
from processes import server
from timing import summary_ms, time_calls

HERE = Path(__file__).parent
ROUNDS = 5
CALLS_PER_ROUND = 100
SUBMITTER_PROCESSES, SUBMITTER_THREADS = 2, 8
JOBS_PER_PROCESS = 500
THROUGHPUT_ROUNDS = 3


def jobs_per_second(kind: str, address: str) -> float:
    """The rate of 16 submitters in other processes."""
    command = [sys.executable, str(HERE / "clients.py"), kind, address]
    command += [str(SUBMITTER_THREADS), str(JOBS_PER_PROCESS)]
    submitters = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(SUBMITTER_PROCESSES)
    ]
    for submitter in submitters:
        assert submitter.stdout is not None
        submitter.stdout.readline()
    for submitter in submitters:
        assert submitter.stdin is not None
        submitter.stdin.write("go\n")
        submitter.stdin.flush()
    outputs = [submitter.communicate()[0] for submitter in submitters]
    return SUBMITTER_PROCESSES * JOBS_PER_PROCESS / max(map(float, outputs))


def measure(stack: ExitStack) -> dict[str, Any]:
    """All figures of one run."""
    data_dir = stack.enter_context(tempfile.TemporaryDirectory())
    echo = stack.enter_context(server(str(HERE / "echo_server.py")))
    fastapi = stack.enter_context(server(str(HERE / "fastapi_server.py")))
    longwire = stack.enter_context(
        server("-m", "longwire_server", "serve", "--address", "localhost:0", "--data-dir", data_dir)
    )
    calls: dict[str, Callable[[], object]] = {
        "echo": echo_call(echo),
        "status": status_call(longwire),
        "local": local_call(threads=0),
        "local, one thread": local_call(threads=1),
        "remote": longwire_call(longwire),
        "fastapi": fastapi_call(fastapi),
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        time_calls(call, CALLS_PER_ROUND // 2)  # warm-up
    for _ in range(ROUNDS):
        for name, call in calls.items():
            seconds[name] += time_calls(call, CALLS_PER_ROUND)
    rates: dict[str, list[float]] = {"longwire": [], "fastapi": []}
    for _ in range(THROUGHPUT_ROUNDS):
        rates["longwire"].append(round(jobs_per_second("longwire", longwire), 1))
        rates["fastapi"].append(round(jobs_per_second("fastapi", fastapi), 1))
    return {
        "latency": {name: summary_ms(taken) for name, taken in seconds.items()},
        "jobs_per_second_of_16_submitters": rates,
    }


def ratios(figures: dict[str, Any]) -> dict[str, float]:
    """What the figures say about the aims."""
    p50: dict[str, float] = {name: each["p50_ms"] for name, each in figures["latency"].items()}
    rates = {
        k: sorted(v)[len(v) // 2] for k, v in figures["jobs_per_second_of_16_submitters"].items()
    }
    return {
        "status / echo (aim 1.5)": round(p50["status"] / p50["echo"], 2),
        "remote / local (aim 2.2)": round(p50["remote"] / p50["local"], 2),
        "remote / local with one thread (aim 2.2)": round(
            p50["remote"] / p50["local, one thread"], 2
        ),
        "remote / fastapi, one at a time": round(p50["remote"] / p50["fastapi"], 2),
        "throughput, longwire / fastapi (aim above 1)": round(
            rates["longwire"] / rates["fastapi"], 2
        ),
    }


def main() -> None:
    recorded: dict[str, Any] = {"environment": recording.environment()}
    with ExitStack() as stack:
        recorded |= measure(stack)
    recorded["ratios"] = ratios(recorded)
    recording.write("first_figures", recorded)
    for name, each in recorded["latency"].items():
        print(f"{name:17} p50 {each['p50_ms']:8.3f} ms   p99 {each['p99_ms']:8.3f} ms")
    for name, rates in recorded["jobs_per_second_of_16_submitters"].items():
        print(f"{name:17} {', '.join(f'{rate:.0f}' for rate in rates)} jobs/s of 16 submitters")
    for name, ratio in recorded["ratios"].items():
        print(f"{name}: {ratio}")


if __name__ == "__main__":
    main()
