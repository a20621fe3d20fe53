"""Telling those who wait where they stand, and when it may be their turn.

A queue of 100,000 takes some tenths of a second to walk along. So that is done in
slices, between which the event loop does other work, and the seldomer the longer it
takes: nobody reads faster anyway.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Iterator, Mapping

from longwire_server.jobs.clock import now_us
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.pool import Pool
from longwire_server.jobs.run_times import RunTimes

_EVERY_SECONDS = 0.5
_SLICE_SECONDS = 0.004
# How many places are told between two looks at the clock.
_PLACES_A_LOOK = 32
# The part of the time that may go into it.
_SHARE = 0.1
_US_PER_SECOND = 1_000_000


class QueuePositions:
    """Tells positions and estimated starts after changes of the queues.

    Args:
        pools: the pools.
        run_times: how long jobs take.
    """

    def __init__(self, pools: Mapping[str, Pool], run_times: RunTimes) -> None:
        self._pools = pools
        self._run_times = run_times
        self._has_changed = False
        self._has_stopped = False
        self._handle: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None
        self._next = 0.0

    def change(self) -> None:
        """Something has changed: it is told soon."""
        self._has_changed = True
        if self._handle is None and self._telling is None and not self._has_stopped:
            loop = asyncio.get_running_loop()
            self._handle = loop.call_at(max(self._next, loop.time() + _EVERY_SECONDS), self._start)

    def start_of(self, pool: Pool, live: LiveJob) -> int | None:
        """When one job may begin, found by walking along the queue."""
        found = (start_us for each, _, start_us in self._walk_pool(pool) if each is live)
        return next(found, None)

    async def stop(self) -> None:
        """Tells no more."""
        self._has_stopped = True
        if self._handle is not None:
            self._handle.cancel()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    def _start(self) -> None:
        self._handle = None
        self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        self._has_changed = False
        loop = asyncio.get_running_loop()
        slice_began = time.perf_counter()
        busy = 0.0
        for told, (live, position, start_us) in enumerate(self._walk()):
            live.set_queue_position(position, start_us)
            if told % _PLACES_A_LOOK == 0:
                now = time.perf_counter()
                if now - slice_began >= _SLICE_SECONDS:
                    busy += now - slice_began
                    await asyncio.sleep(_SLICE_SECONDS)
                    slice_began = time.perf_counter()
        busy += time.perf_counter() - slice_began
        # Whoever was woken reads what was told.
        await asyncio.sleep(0)
        self._telling = None
        self._next = loop.time() + max(_EVERY_SECONDS, busy / _SHARE)
        if self._has_changed:
            self.change()

    def _walk(self) -> Iterator[tuple[LiveJob, int, int | None]]:
        """Every waiting job with its position, and when it may begin."""
        for pool in self._pools.values():
            yield from self._walk_pool(pool)
            for session in pool.sessions:
                for position, place in enumerate(session.jobs, 1):
                    yield place.item, position, None

    def _walk_pool(self, pool: Pool) -> Iterator[tuple[LiveJob, int, int | None]]:
        if not len(pool.queue):
            return
        # By the loop's clock, from which all is counted.
        offset_us = now_us() - round(asyncio.get_running_loop().time() * _US_PER_SECOND)
        free = self._free_times(pool)
        for position, place in enumerate(pool.queue.walk(), 1):
            start_us = None if free is None else round(free[0] * _US_PER_SECOND) + offset_us
            if isinstance(place.item, LiveJob):
                yield place.item, position, start_us
                seconds = self._run_times.known_seconds(place.backend_name)
            else:
                seconds = pool.seconds(place)
            if free is not None and seconds is not None:
                heapq.heapreplace(free, free[0] + seconds)
            else:
                free = None

    def _free_times(self, pool: Pool) -> list[float] | None:
        """When the workers may be free, as a heap, by the loop's clock; None if nobody knows."""
        now = asyncio.get_running_loop().time()
        free = [session.ends or now for session in pool.sessions]
        for charge, backend_name in pool.occupied.items():
            seconds = self._run_times.known_seconds(backend_name)
            if seconds is None:
                return None
            free.append(max(now, charge.began + seconds))
        idle = pool.num_workers - len(free)
        free.extend([now] * idle)
        heapq.heapify(free)
        return free
