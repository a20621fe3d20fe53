"""Up to ten times of what a server can do, by 20 tenants of whom one sends 90 %."""

from __future__ import annotations

import argparse
import os
from typing import Any

from figures import Ratio, environment, finish, ratio
from hosting import Hosted, hosted
from plan import Client, Plan, generate

MULTIPLES = (0.1, 0.5, 0.8, 1.0, 2.0, 5.0, 10.0)
QUIET_TENANTS = 19
LOUD_SHARE = 0.9
CLOSED_IN_FLIGHT = 32
# What an operator of such a machine would set: nobody may let more wait than are done in
# a fraction of a second, and everything that waits is done within seconds.
SETTINGS = """
[auth]
required = true

[quotas]
unfinished_jobs = 64

[limits]
queued_jobs = 640
"""


def clients(server: Hosted) -> list[Client]:
    """One loud tenant and the quiet ones."""
    tenants = ["loud"] + [f"quiet-{number}" for number in range(QUIET_TENANTS)]
    loud, *quiet = server.tokens(tenants)
    share = (1 - LOUD_SHARE) / QUIET_TENANTS
    return [
        Client("loud", LOUD_SHARE, loud),
        *(Client("quiet", share, token) for token in quiet),
    ]


def measure(seconds: float, max_calls: int, call: str) -> dict[str, Any]:
    """The capacity, and then each multiple of it.

    Args:
        seconds: of each.
        call: how jobs are sent; see :class:`Plan`.
        max_calls: how many calls a connection may have at once; what is more waits at the
            client, or is told UNAVAILABLE, before the server has read anything of it.
    """
    settings = f"{SETTINGS}\n[connections]\nmax_calls = {max_calls}\n"
    processors = len(os.sched_getaffinity(0))
    with hosted(settings, processes=processors, open_to_all=False) as server:
        senders = clients(server)
        common: dict[str, Any] = {
            "address": server.server.address,
            "requests": server.requests("bell"),
            "call": call,
        }
        closed = Plan(**common, clients=senders, seconds=seconds, in_flight=CLOSED_IN_FLIGHT)
        generate(closed)  # warm-up
        capacity_run = generate(closed)
        capacity = capacity_run["goodput_per_second"]
        print(f"capacity: {capacity:.0f} jobs/s with {CLOSED_IN_FLIGHT} in flight", flush=True)
        points = []
        for multiple in MULTIPLES:
            # Few calls come at a low rate: it takes longer until there are enough.
            lasting = seconds * (3 if multiple < 0.5 else 1)
            plan = Plan(**common, clients=senders, seconds=lasting, rate=multiple * capacity)
            point = {"multiple": multiple, **generate(plan)}
            points.append(point)
            print(line(point), flush=True)
    return {
        "settings": settings.strip(),
        "call": call,
        "worker_processes": processors,
        "capacity_per_second": capacity,
        "capacity": capacity_run,
        "points": points,
        "refusals": refusals(points),
        "generator_saturated_at": saturated_at(points),
        "ratios": ratios(points),
    }


def line(point: dict[str, Any]) -> str:
    """A point, for people."""
    loud, quiet = point["groups"]["loud"], point["groups"]["quiet"]
    refusals = max(each["refused"].get("p99_ms", 0.0) for each in (loud, quiet))
    generator = point["generator"]
    return (
        f"{point['multiple']:5.1f} x: {point['goodput_per_second']:6.1f} jobs/s;"
        f" p50/p99 quiet {_of(quiet, 'p50_ms')}/{_of(quiet, 'p99_ms')} ms,"
        f" loud {_of(loud, 'p50_ms')}/{_of(loud, 'p99_ms')} ms;"
        f" refused p99 {refusals:.1f} ms; generator {generator['processor_share']:.0%},"
        f" lag p99 {generator['schedule_lag']['p99_ms']:.1f} ms"
    )


def _of(group: dict[str, Any], percentile: str) -> str:
    return f"{group['done'].get(percentile, float('nan')):.1f}"


def ratios(points: list[dict[str, Any]]) -> dict[str, Ratio]:
    """What the points say about the aims."""
    goodput = {point["multiple"]: point["goodput_per_second"] for point in points}
    peak = max(goodput.values())
    found = {
        f"goodput at {multiple:g} x / the highest": ratio(goodput[multiple] / peak, at_least=0.9)
        for multiple in MULTIPLES
        if multiple > 1
    }
    refused_ms = [
        group["refused"]["p99_ms"]
        for point in points
        for group in point["groups"].values()
        if group["refused"]["calls"]
    ]
    if refused_ms:
        found["refusals, slowest p99, ms"] = ratio(max(refused_ms), at_most=100)
    quiet_ms = {
        point["multiple"]: point["groups"]["quiet"]["done"].get("p99_ms") for point in points
    }
    for multiple in (2.0, 5.0):
        if quiet_ms[multiple] is not None and quiet_ms[1.0]:
            found[f"quiet tenants, p99 at {multiple:g} x / at 1 x"] = ratio(
                quiet_ms[multiple] / quiet_ms[1.0]
            )
    return found


def refusals(points: list[dict[str, Any]]) -> dict[str, Any]:
    """With what calls were refused, and how many were not told when to come again."""
    groups = [group for point in points for group in point["groups"].values()]
    return {
        "statuses": sorted({code for group in groups for code in group["statuses"]} - {"OK"}),
        "without_retry_info": sum(group["refusals_without_retry_info"] for group in groups),
    }


def saturated_at(points: list[dict[str, Any]]) -> list[float]:
    """Where the generator was late for its schedule, or computed all the time.

    Its figures are the worse for it there.
    """
    return [
        point["multiple"]
        for point in points
        if point["generator"]["processor_share"] > 0.9
        or point["generator"]["schedule_lag"].get("p99_ms", 0.0) > 50
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each rate")
    parser.add_argument(
        "--max-calls",
        type=int,
        default=10_000,
        help="at once on a connection (connections.max_calls)",
    )
    parser.add_argument(
        "--call",
        choices=("streamed", "run"),
        default="streamed",
        help="jobs over a stream for each tenant, as our clients send them, or each by RunJob",
    )
    arguments = parser.parse_args()
    before = {"environment": environment()}
    recorded = before | measure(arguments.seconds, arguments.max_calls, arguments.call)
    print(f"refusals: {recorded['refusals']}")
    print(f"generator saturated at: {recorded['generator_saturated_at']}")
    finish("overload", recorded)


if __name__ == "__main__":
    main()
