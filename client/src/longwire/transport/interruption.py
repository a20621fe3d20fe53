"""Waits that another thread can end, and the turns that threads take at one stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class WaitTimeoutError(Exception):
    """Nothing came before the deadline. The wait can be begun again."""


class WaitInterruptedError(Exception):
    """Another thread ended the wait. It can be begun again."""


class Interruption:
    """A request to end one thread's wait, made by another thread.

    It is made once and stays made. Whoever waits says how to be woken, with
    :meth:`waking`; a request that came before wakes at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made = threading.Event()
        self._wake: Callable[[], object] | None = None

    @property
    def is_made(self) -> bool:
        """Whether the wait is to end."""
        return self._made.is_set()

    def make(self) -> None:
        """Ends the wait."""
        with self._lock:
            self._made.set()
            wake = self._wake
        if wake is not None:
            wake()

    def sleep(self, seconds: float) -> None:
        """Sleeps, at most until the request is made."""
        self._made.wait(seconds)

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Has ``wake`` called where the request is made within the block, or was before.

        Blocks do not nest: a thread waits for one thing at a time.
        """
        with self._lock:
            self._wake = wake
        if self._made.is_set():
            wake()
        try:
            yield
        finally:
            with self._lock:
                self._wake = None


class Turn:
    """Lets one thread at a time do something, while the others wait for as long as they like."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        # Whose turn it is, so that Ctrl-C at any moment leaves nobody's turn taken.
        self._holder: Interruption | None = None

    @contextmanager
    def taken(self, deadline: float | None, interruption: Interruption) -> Iterator[None]:
        """Has the turn within the block; waits for it.

        Args:
            deadline: on the clock of ``time.monotonic``; None waits for ever.
            interruption: ends the wait for the turn; every wait has its own.

        Raises:
            WaitTimeoutError: the turn did not come in time.
            WaitInterruptedError: the wait was interrupted.
        """
        try:
            with interruption.waking(self._wake_all):
                self._take(deadline, interruption)
            yield
        finally:
            with self._condition:
                if self._holder is interruption:
                    self._holder = None
                    self._condition.notify_all()

    def _take(self, deadline: float | None, interruption: Interruption) -> None:
        with self._condition:
            while self._holder is not None:
                if interruption.is_made:
                    raise WaitInterruptedError
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    raise WaitTimeoutError
                self._condition.wait(remaining)
            self._holder = interruption

    def _wake_all(self) -> None:
        with self._condition:
            self._condition.notify_all()
