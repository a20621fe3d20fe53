"""Calls of functions at a time to come, without a thread for each."""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable

_FEW = 1024


class Alarm:
    """A function that is to be called at a time, unless the block ends before.

    A read of gRPC's that blocks knows no time limit of its own: whoever sets one has
    the call cancelled by another thread. One thread serves all alarms of the process;
    to set one costs a few microseconds, where a thread costs a hundred.

    Args:
        time_at: when, on the clock of ``time.monotonic``.
        ring: what is called, which must not block.
    """

    def __init__(self, time_at: float, ring: Callable[[], object]) -> None:
        self.time_at = time_at
        self._ring: Callable[[], object] | None = ring

    def ring(self) -> None:
        """Calls the function, once, unless the block has ended."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to be called any more."""
        return self._ring is None

    def __enter__(self) -> None:
        _clock().add(self)

    def __exit__(self, *_exception: object) -> None:
        self._ring = None


class _AlarmClock:
    """The alarms of this process, and the thread that waits for the next one."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._changed = threading.Condition()
        self._order = itertools.count()
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._wakes_at = 0.0
        self._sweep_at = _FEW
        thread = threading.Thread(target=self._run, name="longwire-alarms", daemon=True)
        thread.start()

    def add(self, alarm: Alarm) -> None:
        """Takes an alarm."""
        with self._changed:
            heapq.heappush(self._alarms, (alarm.time_at, next(self._order), alarm))
            if len(self._alarms) >= self._sweep_at:
                self._sweep()
            if alarm.time_at < self._wakes_at:
                self._changed.notify()

    def _sweep(self) -> None:
        # Nearly every alarm is over long before its time.
        self._alarms = [entry for entry in self._alarms if not entry[2].is_over]
        heapq.heapify(self._alarms)
        self._sweep_at = max(_FEW, 2 * len(self._alarms))

    def _run(self) -> None:
        while True:
            for alarm in self._await_due():
                alarm.ring()

    def _await_due(self) -> list[Alarm]:
        """Waits until an alarm is due; those that are."""
        with self._changed:
            while self._alarms and self._alarms[0][2].is_over:
                heapq.heappop(self._alarms)
            now = time.monotonic()
            self._wakes_at = self._alarms[0][0] if self._alarms else float("inf")
            if self._wakes_at > now:
                self._changed.wait(None if not self._alarms else self._wakes_at - now)
            due, now = [], time.monotonic()
            while self._alarms and self._alarms[0][0] <= now:
                due.append(heapq.heappop(self._alarms)[2])
            return due


_present_clock: _AlarmClock | None = None


def _clock() -> _AlarmClock:
    """The clock of this process, which a fork does not inherit."""
    global _present_clock
    clock = _present_clock
    if clock is None or clock.pid != os.getpid():
        # Two threads at once may make two, and both go.
        clock = _present_clock = _AlarmClock()
    return clock
