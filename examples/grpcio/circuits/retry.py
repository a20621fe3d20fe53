"""Making calls again that broke: for how long, and with which pauses."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import grpc

from circuits.errors import CallError, call_error

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
# Without any answer for so long, and before the first one ever.
GIVE_UP_SECONDS = 60.0
NOT_THERE_SECONDS = 5.0


class Retries:
    """The tries of one command, which has one deadline.

    Args:
        deadline_seconds: how long all calls may take together; None for any time.
    """

    def __init__(self, deadline_seconds: float | None) -> None:
        now = time.monotonic()
        self._deadline = None if deadline_seconds is None else now + deadline_seconds
        self._answered = now
        self._was_answered = False
        self._pause = FIRST_PAUSE_SECONDS

    def left_seconds(self) -> float | None:
        """What is left until the deadline, as the time limit of the next call."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def answered(self) -> None:
        """Notes that the server answers."""
        self._answered, self._was_answered = time.monotonic(), True
        self._pause = FIRST_PAUSE_SECONDS

    def wait(self, error: CallError, sequence: int = 0) -> None:
        """Waits before the next try.

        Args:
            error: how the last one ended.
            sequence: the highest that was seen.

        Raises:
            CallError: there is no next try.
        """
        patience = GIVE_UP_SECONDS if self._was_answered else NOT_THERE_SECONDS
        if not error.is_broken_connection or time.monotonic() - self._answered > patience:
            raise error
        pause = max(self._pause * random.uniform(0.5, 1.5), error.retry_seconds or 0.0)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        left = self.left_seconds()
        if left is not None and pause >= left:
            time.sleep(left)
            raise CallError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the deadline is over; the last try: {error.message}",
            )
        time.sleep(pause)
        print(f"reconnecting after sequence {sequence}", file=sys.stderr, flush=True)

    def call(self, make: Callable[[float | None], T]) -> T:
        """Makes a call until it is answered.

        Args:
            make: makes it once, within a time limit in seconds.

        Raises:
            CallError: it is refused, or breaks for too long.
        """
        while True:
            try:
                return make(self.left_seconds())
            except grpc.RpcError as broken:
                self.wait(call_error(broken))
