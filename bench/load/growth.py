"""What a job takes as there is more of everything: jobs kept, backends, connections."""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack
from typing import Any

from figures import Ratio, environment, finish, ratio
from filled_store import fill
from hosting import Hosted, hosted
from plan import Client, Plan, generate

ROUNDS = 3
IN_FLIGHT = 16
SENDERS = 10
FINISHED_JOBS = [1, 1_000, 100_000]
BACKENDS = [1, 8, 64]
CONNECTIONS = [1, 10, 100, 1_000]
LARGEST_AIMED_AT = 100_000
# A million finished jobs are to stay for the run.
KEPT = """
[retention]
jobs = 5_000_000
"""


def figures_of(server: Hosted, seconds: float, connections: int = 1) -> dict[str, float]:
    """One round: jobs one after another, and as many as the server can do."""
    common: dict[str, Any] = {
        "address": server.server.address,
        "requests": server.requests("bell"),
        "seconds": seconds,
        "warm_up_seconds": seconds / 10,
        "clients": [Client("all", 1.0)] * min(connections, SENDERS),
        "idle_connections": max(0, connections - SENDERS),
    }
    alone = generate(Plan(**common, in_flight=1))
    many = generate(Plan(**common, in_flight=IN_FLIGHT))
    return {
        "p50_ms": alone["groups"]["all"]["done"]["p50_ms"],
        "jobs_per_second": many["goodput_per_second"],
    }


def in_turns(points: dict[int, tuple[Hosted, int]], seconds: float) -> list[dict[str, Any]]:
    """Measures every point once a round, so that a busy moment falls on all of them.

    Args:
        points: by how much there is: the server, and the connections to it.
        seconds: of each measurement.
    """
    rounds: dict[int, list[dict[str, float]]] = {size: [] for size in points}
    for server, _ in points.values():
        figures_of(server, seconds / 4)  # warm-up
    for _ in range(ROUNDS):
        for size, (server, connections) in points.items():
            rounds[size].append(figures_of(server, seconds, connections))
    return [point(size, taken) for size, taken in rounds.items()]


def point(size: int, rounds: list[dict[str, float]]) -> dict[str, Any]:
    """Medians over the rounds, and the rounds."""
    medians = {
        name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0]
    }
    return {"size": size, **medians, "rounds": rounds}


def by_history(sizes: list[int], seconds: float) -> list[dict[str, Any]]:
    """With so many finished jobs in the store."""
    with ExitStack() as stack:
        points = {}
        for size in sizes:
            server = stack.enter_context(hosted(KEPT, processes=1))
            figures_of(server, 0.5)
            fill(server.store_url, size)
            points[size] = (server, 1)
            print(f"{size} finished jobs are there", flush=True)
        return in_turns(points, seconds)


def by_backends(sizes: list[int], seconds: float) -> list[dict[str, Any]]:
    """With the same simulator hosted under so many names, which take turns."""
    with ExitStack() as stack:
        points = {
            size: (stack.enter_context(hosted(processes=1, backends=size)), 1) for size in sizes
        }
        return in_turns(points, seconds)


def by_connections(sizes: list[int], seconds: float) -> list[dict[str, Any]]:
    """With so many connections, of which at most ten send."""
    with hosted(processes=1) as server:
        return in_turns({size: (server, size) for size in sizes}, seconds)


def ratios(figures: dict[str, list[dict[str, Any]]]) -> dict[str, Ratio]:
    """What the points say about the aims, each beside the first of its kind."""
    found = {}
    for kind, (first, *others) in figures.items():
        for each in others:
            aim = 1.1 if each["size"] <= LARGEST_AIMED_AT else None
            place = f"{kind.replace('_', ' ')}, {each['size']} / {first['size']}"
            found[f"{place}: p50"] = ratio(each["p50_ms"] / first["p50_ms"], at_most=aim)
            found[f"{place}: time of a job, 16 in flight"] = ratio(
                first["jobs_per_second"] / each["jobs_per_second"], at_most=aim
            )
    return found


KINDS = {
    "finished_jobs": (by_history, FINISHED_JOBS),
    "backends": (by_backends, BACKENDS),
    "connections": (by_connections, CONNECTIONS),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--only", choices=list(KINDS), help="one of the three")
    parser.add_argument("--million", action="store_true", help="also with 1,000,000 finished jobs")
    arguments = parser.parse_args()
    before: dict[str, Any] = {"environment": environment()}
    figures: dict[str, list[dict[str, Any]]] = {}
    for kind, (measure, sizes) in KINDS.items():
        if arguments.only not in (None, kind):
            continue
        more = [1_000_000] if arguments.million and kind == "finished_jobs" else []
        figures[kind] = measure(sizes + more, arguments.seconds)
        for each in figures[kind]:
            shown = {name: value for name, value in each.items() if name != "rounds"}
            print(f"{kind}: {shown}", flush=True)
    finish("growth", before | {"points": figures, "ratios": ratios(figures)})


if __name__ == "__main__":
    main()
