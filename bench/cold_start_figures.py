"""``make bench``: what comes before the first job: imports, commands, a server, a worker."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import recording
from aims import Ratio, ratio
from processes import longwire_server
from timing import summary_ms, time_calls

from longwire import RemoteProvider

ROUNDS = 2 if recording.QUICK else 10
SERVER_STARTS = 1 if recording.QUICK else 4
BARE, IMPORT, COMMAND = "python -c pass", "import longwire", "longwire status"
SERVING, WARM = "server listens", "first worker warm"


def command_calls(address: str) -> dict[str, Callable[[], object]]:
    """New processes, one each."""

    def run(*command: str) -> Callable[[], object]:
        return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    longwire = str(Path(sys.executable).parent / "longwire")
    return {
        BARE: run(sys.executable, "-c", "pass"),
        IMPORT: run(sys.executable, "-c", "import longwire"),
        COMMAND: run(longwire, "status", "aer_simulator", "--address", address),
    }


def server_start() -> dict[str, float]:
    """Seconds from a server's command until it listens, and until a worker has its backend."""
    begun = time.perf_counter()
    with longwire_server() as server, RemoteProvider(server.address) as provider:
        listening = time.perf_counter() - begun
        backend = provider.get_backend("aer_simulator")
        while not backend.status().operational:
            time.sleep(0.01)
        return {SERVING: listening, WARM: time.perf_counter() - begun}


def measure() -> dict[str, list[float]]:
    """All figures of one run, in seconds."""
    with longwire_server() as server:
        calls = command_calls(server.address)
        seconds: dict[str, list[float]] = {name: [] for name in (*calls, SERVING, WARM)}
        for call in calls.values():
            call()  # the files are in memory from here on
        for _ in range(ROUNDS):
            for name, call in calls.items():
                seconds[name] += time_calls(call, 1)
    # Without the other server's workers, which would start at the same time.
    for _ in range(SERVER_STARTS):
        for name, each in server_start().items():
            seconds[name].append(each)
    return seconds


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """What the figures say about the aims, in seconds."""
    p50 = {name: each["p50_ms"] / 1e3 for name, each in figures.items()}
    return {
        "import longwire, above a bare Python, s": ratio(p50[IMPORT] - p50[BARE], at_most=0.05),
        "longwire status, s": ratio(p50[COMMAND], at_most=0.3),
        "longwire status / a bare Python": ratio(p50[COMMAND] / p50[BARE]),
        "a server listens after, s": ratio(p50[SERVING], at_most=2),
        "its first worker is warm after, s": ratio(p50[WARM], at_most=4),
    }


def main() -> None:
    recorded = recording.begin()
    figures = {name: summary_ms(each) for name, each in measure().items()}
    recorded |= {"figures": figures, "ratios": ratios(figures)}
    for name, each in figures.items():
        print(f"{name:18} p50 {each['p50_ms']:8.1f} ms")
    recording.finish("cold_start_figures", recorded)


if __name__ == "__main__":
    main()
