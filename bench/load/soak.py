"""A server at 70 % of what it can do, for hours: what grows, and whether results stay right."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import environment, finish
from hosting import Hosted, hosted
from plan import Client, Plan, generate
from server_samples import ServerSamples, growth

PART_OF_CAPACITY = 0.7
# Of the jobs, those of which the client cancels the stream and a watch.
CANCELLED_SHARE = 0.05
SLICE_SECONDS = 60.0
SAMPLES = 200
CHECKER = Path(__file__).with_name("checked_results.py")
# A store that only grows would be measured as a leak of the disk.
SETTINGS = """
[retention]
jobs = 100_000
"""


@contextlib.contextmanager
def checked(server: Hosted, seconds: float) -> Iterator[dict[str, Any]]:
    """Compares results in another process; its figures are there after the block."""
    figures: dict[str, Any] = {}
    command = [sys.executable, str(CHECKER), server.server.address, str(seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as checker:
        try:
            yield figures
            output, _ = checker.communicate(timeout=180)
            figures |= json.loads(output)
        finally:
            if checker.poll() is None:
                checker.kill()


def measure(seconds: float) -> dict[str, Any]:
    """The soak, in slices: each is a new process, so that clients come and go."""
    with hosted(SETTINGS) as server:
        common: dict[str, Any] = {
            "address": server.server.address,
            "requests": server.requests("bell"),
            "clients": [Client("all", 1.0)] * 4,
        }
        capacity = generate(Plan(**common, seconds=min(10.0, seconds), in_flight=32))
        rate = PART_OF_CAPACITY * capacity["goodput_per_second"]
        ends = time.monotonic() + seconds
        slices = []
        with (
            checked(server, min(5.0, seconds / 10)) as results,
            ServerSamples(server.server.pid, max(0.5, seconds / SAMPLES)) as watched,
        ):
            while (left := ends - time.monotonic()) > 2:
                lasting = min(SLICE_SECONDS, left)
                plan = Plan(
                    **common,
                    seconds=lasting,
                    rate=rate,
                    seed=len(slices),
                    cancelled_share=CANCELLED_SHARE,
                )
                slices.append(summary(generate(plan)))
                print(slices[-1], flush=True)
    return {
        "seconds": seconds,
        "offered_per_second": round(rate, 1),
        "statuses": dict(sum((Counter(each["statuses"]) for each in slices), Counter())),
        "results": results,
        "growth_per_1000_seconds": growth(watched.samples),
        "samples": watched.samples,
        "slices": slices,
    }


def summary(figures: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a slice."""
    group = figures["groups"]["all"]
    return {
        "goodput_per_second": figures["goodput_per_second"],
        "statuses": group["statuses"],
        "latency": group["done"],
        "unanswered": figures["generator"]["unanswered"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--hours", type=float, default=2.0)
    length.add_argument("--seconds", type=float, help="instead of hours")
    arguments = parser.parse_args()
    before = {"environment": environment()}
    recorded = before | measure(arguments.seconds or arguments.hours * 3600)
    print(f"results: {recorded['results']}")
    for name, figure in recorded["growth_per_1000_seconds"].items():
        print(f"{name}: {figure}")
    finish("soak", recorded)


if __name__ == "__main__":
    main()
