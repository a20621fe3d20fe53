"""Whether a server's memory stays while 100,000 jobs go through it."""

from __future__ import annotations

import argparse
from typing import Any

from figures import environment, finish, ratio
from hosting import Hosted, hosted
from plan import Client, Plan, generate
from server_samples import growth, sample

IN_FLIGHT = 32
STEPS = 50
# What still counts as flat.
MOST_GROWN = 1.05


def measure(jobs: int) -> dict[str, Any]:
    """Sends so many jobs in steps, with a sample after each."""
    with hosted() as server:
        samples = [{"jobs": 0, **sample(server.server.pid)}]
        done, rates = 0, []
        while done < jobs:
            figures = step(server, min(jobs // STEPS + 1, jobs - done))
            done += figures["generator"]["begun"]
            rates.append(figures["goodput_per_second"])
            samples.append({"jobs": done, **sample(server.server.pid)})
            print(f"{done:7d} jobs: {samples[-1]['resident_mb']:.1f} MB", flush=True)
    grown = growth(samples, against="jobs")
    return {
        "jobs": done,
        "samples": samples,
        "jobs_per_second": rates,
        "growth": grown,
        "ratios": {
            "memory at the end / after a fifth of the jobs": ratio(
                grown["resident_mb"]["last"] / grown["resident_mb"]["first"], at_most=MOST_GROWN
            )
        },
    }


def step(server: Hosted, jobs: int) -> dict[str, Any]:
    """Some jobs, of a circuit and of shots that cost next to nothing."""
    plan = Plan(
        address=server.server.address,
        requests=server.requests("tiny"),
        clients=[Client("all", 1.0)] * 4,
        seconds=600,
        in_flight=IN_FLIGHT,
        jobs=jobs,
        warm_up_seconds=0,
    )
    figures = generate(plan)
    statuses = figures["groups"]["all"]["statuses"]
    if set(statuses) != {"OK"}:
        raise RuntimeError(f"jobs were not done: {statuses}")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--jobs", type=int, default=100_000)
    arguments = parser.parse_args()
    before = {"environment": environment()}
    recorded = before | measure(arguments.jobs)
    for name, figure in recorded["growth"].items():
        print(f"{name}: {figure}")
    finish("memory", recorded)


if __name__ == "__main__":
    main()
