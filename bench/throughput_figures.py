"""``make bench``: many submitters at once, beside the floor and what else one would use."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import Any

import recording
import task_servers
from aims import Ratio, ratio
from processes import HERE, longwire_server, process, raw_server, server
from processor_time import seconds_of
from submitters import Submitters, submitters

ROUNDS, SECONDS = (1, 0.5) if recording.QUICK else (3, 2.5)
# Until Ray has started the workers that it wants.
WARM_UP_SECONDS = 2.0
SUBMITTERS = (16, 64)
CALLERS = 16
# Of the rate of each, at least; the others are for comparison.
AIMS = {"bare workers": 0.8, "fastapi": 1.0}
Rates = dict[str, list[float]]


def start_all(stack: ExitStack, longwire: str) -> dict[str, Submitters]:
    """The submitters of every server; each with a server, or the workers, of its own."""

    def submitters_of(kind: str, address: str) -> Submitters:
        return stack.enter_context(submitters("submitter.py", kind, address))

    started = {
        "longwire": submitters_of("longwire", longwire),
        "bare workers": stack.enter_context(submitters("bare_workers.py", processes=1)),
    }
    fastapi = stack.enter_context(server(str(HERE / "fastapi_server.py")))
    started["fastapi"] = submitters_of("fastapi", fastapi)
    task_servers.set_ray_token()
    for kind in ("ray", "dask"):
        if task_servers.is_installed(kind):
            tasks = stack.enter_context(process(str(HERE / "task_servers.py"), kind))
            started[kind] = submitters_of(kind, tasks.address)
        else:
            print(f"left out: {kind} is not installed; make bench-peers installs it")
    return started


def measure_jobs(stack: ExitStack) -> dict[str, Any]:
    """Jobs a second of every server, and what a job costs the server of Longwire."""
    longwire = stack.enter_context(longwire_server())
    everybody = start_all(stack, longwire.address)
    rates: dict[int, Rates] = {count: {kind: [] for kind in everybody} for count in SUBMITTERS}
    server_ms: dict[int, list[float]] = {count: [] for count in SUBMITTERS}
    for each in everybody.values():
        each.turn(CALLERS, WARM_UP_SECONDS)
    for _ in range(ROUNDS):
        for count in SUBMITTERS:
            for kind, each in everybody.items():
                before = seconds_of(longwire.pid)
                jobs, rate = each.turn(count, SECONDS)
                rates[count][kind].append(round(rate, 1))
                if kind == "longwire":
                    spent = seconds_of(longwire.pid) - before
                    server_ms[count].append(round(spent / jobs * 1e3, 3))
    return {
        "jobs_per_second": {f"{count} submitters": rates[count] for count in SUBMITTERS},
        "server_processor_ms_per_job": {
            f"{count} submitters": server_ms[count] for count in SUBMITTERS
        },
    }


def measure_calls(stack: ExitStack) -> dict[str, Any]:
    """Status calls a second, and echoes, from the same number of threads."""
    raw = stack.enter_context(raw_server())
    longwire = stack.enter_context(longwire_server())
    both = {
        "echo": stack.enter_context(submitters("submitter.py", "echo", raw.address)),
        "status": stack.enter_context(submitters("submitter.py", "status", longwire.address)),
    }
    rates: Rates = {kind: [] for kind in both}
    for _ in range(ROUNDS):
        for kind, each in both.items():
            rates[kind].append(round(each.turn(CALLERS, SECONDS)[1], 1))
    return {"calls_per_second": {f"{CALLERS} threads": rates}}


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """What the figures say about the aims."""
    found = {}
    for who, rates in figures["jobs_per_second"].items():
        of = {kind: statistics.median(each) for kind, each in rates.items()}
        for kind in sorted(of.keys() - {"longwire"}):
            found[f"jobs/s of {who}, longwire / {kind}"] = ratio(
                of["longwire"] / of[kind], at_least=AIMS.get(kind)
            )
        spent = statistics.median(figures["server_processor_ms_per_job"][who])
        found[f"server's processor time a job, {who}, ms"] = ratio(spent, at_most=0.35)
    calls = figures["calls_per_second"][f"{CALLERS} threads"]
    found[f"calls/s of {CALLERS} threads, status / echo"] = ratio(
        statistics.median(calls["status"]) / statistics.median(calls["echo"]), at_least=0.8
    )
    return dict(sorted(found.items()))


def main() -> None:
    recorded = recording.begin()
    with ExitStack() as stack:
        recorded |= measure_jobs(stack)
    with ExitStack() as stack:
        recorded |= measure_calls(stack)
    recorded["ratios"] = ratios(recorded)
    for what in ("jobs_per_second", "calls_per_second"):
        for who, rates in recorded[what].items():
            for kind, each in rates.items():
                print(f"{kind:13} {', '.join(f'{rate:.0f}' for rate in each)} /s of {who}")
    recording.finish("throughput_figures", recorded)


if __name__ == "__main__":
    main()
