"""The generator of the load: a plan in JSON on stdin, figures in JSON on stdout.

A process of its own, without Qiskit. An open load is begun by a schedule that was fixed
before, and a latency counts from when the schedule had the call, not from when it was
sent: calls that wait because the server or this process is slow count with their wait.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import uvloop
from calls import CANCELLED, OK, Caller, StreamedCallError, caller, code_of, has_retry_info
from plan import Plan, read_plan
from schedule import arrivals
from tally import Latencies, Tally

# Every connection is one of its own, as that of another process would be.
_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]
_CONNECT_SECONDS = 120.0
# Below that the loop's timer is not worth its call.
_SHORTEST_SLEEP = 0.0005
_BEGUN_AT_ONCE = 16


class Generator:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = itertools.cycle([Path(path).read_bytes() for path in plan.requests])
        self._tallies = {client.group: Tally() for client in plan.clients}
        self._lag = Latencies()
        self._chance = random.Random(plan.seed)
        self._running: set[asyncio.Task[None]] = set()
        self._most_running = 0
        self._begun = 0
        self._start = self._counted_from = self._end = 0.0

    async def run(self) -> dict[str, Any]:
        """Does what the plan says."""
        plan = self._plan
        count = len(plan.clients) + plan.idle_connections
        channels = [grpc.aio.insecure_channel(plan.address, _OPTIONS) for _ in range(count)]
        ready = asyncio.gather(*(channel.channel_ready() for channel in channels))
        await asyncio.wait_for(ready, _CONNECT_SECONDS)
        callers = [
            caller(channel, plan.call, client.token, plan.call_seconds)
            for channel, client in zip(channels, plan.clients, strict=False)
        ]
        gc.freeze()
        self._start = time.perf_counter()
        self._counted_from = self._start + plan.warm_up_seconds
        self._end = self._start + plan.seconds
        used = time.process_time()
        await (self._open(callers) if plan.rate else self._closed(callers))
        # The share while calls are begun: afterwards it only waits for the last ones.
        spent = time.process_time() - used
        ended = time.perf_counter()
        if self._running:
            await asyncio.wait(self._running, timeout=plan.call_seconds + 5)
        for channel in channels:
            await channel.close()
        return self._figures(spent / (ended - self._start), min(ended, self._end))

    async def _open(self, callers: list[Caller]) -> None:
        for number, (due, client) in enumerate(arrivals(self._plan)):
            wait = self._start + due - time.perf_counter()
            if wait > _SHORTEST_SLEEP:
                await asyncio.sleep(wait)
            elif number % _BEGUN_AT_ONCE == 0:
                await asyncio.sleep(0)
            intended = self._start + due
            self._lag.add(time.perf_counter() - intended)
            if len(self._running) >= self._plan.most_in_flight:
                self._tallies[self._plan.clients[client].group].not_sent += 1
                continue
            task = asyncio.create_task(self._one(callers[client], client, intended))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            self._most_running = max(self._most_running, len(self._running))

    async def _closed(self, callers: list[Caller]) -> None:
        clients = itertools.cycle(range(len(callers)))

        async def work() -> None:
            while time.perf_counter() < self._end:
                if self._plan.jobs and self._begun >= self._plan.jobs:
                    return
                client = next(clients)
                await self._one(callers[client], client, time.perf_counter())

        self._most_running = self._plan.in_flight
        await asyncio.gather(*(work() for _ in range(self._plan.in_flight)))

    async def _one(self, call: Caller, client: int, intended: float) -> None:
        """Makes a call and counts what comes of it."""
        self._begun += 1
        tally = self._tallies[self._plan.clients[client].group]
        cancelled = self._chance.random() < self._plan.cancelled_share
        has_retry = True
        try:
            outcome = await call(next(self._requests), cancelled)
        except TimeoutError:
            outcome = "DEADLINE_EXCEEDED"
        except (grpc.aio.AioRpcError, StreamedCallError) as error:
            outcome = code_of(error)
            has_retry = outcome != "RESOURCE_EXHAUSTED" or has_retry_info(error)
        now = time.perf_counter()
        if self._counted_from <= now <= self._end and outcome in (OK, CANCELLED):
            tally.done_in_time += 1
        if intended < self._counted_from:
            return
        tally.statuses[outcome] += 1
        tally.without_retry_info += not has_retry
        if outcome == OK:
            tally.done.add(now - intended)
        elif outcome != CANCELLED:
            tally.refused.add(now - intended)

    def _figures(self, processor_share: float, ended: float) -> dict[str, Any]:
        window = max(ended - self._counted_from, 1e-9)
        groups = {name: each.summary(window) for name, each in self._tallies.items()}
        return {
            "offered_per_second": self._plan.rate or None,
            "goodput_per_second": round(
                sum(each["goodput_per_second"] for each in groups.values()), 2
            ),
            "window_seconds": round(window, 3),
            "groups": groups,
            "generator": {
                "begun": self._begun,
                "unanswered": len(self._running),
                "most_in_flight": self._most_running,
                "schedule_lag": self._lag.summary(),
                "processor_share": round(processor_share, 3),
                "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            },
        }


def main() -> None:
    plan = read_plan(sys.stdin.read())
    if plan.idle_connections:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 4 * plan.idle_connections + 1024
        if soft < wanted:
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    figures = uvloop.run(Generator(plan).run())
    assert "qiskit" not in sys.modules
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
