"""Iteration over what a server tells, with ``for`` and with ``async for``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from types import TracebackType
from typing import Generic, Self, TypeVar

from longwire.following.awaiting import in_thread
from longwire.transport.interruption import Interruption, Turn, WaitInterruptedError

T = TypeVar("T")


class Feed(ABC, Generic[T]):
    """An iterator whose items come from a server.

    ``for`` reads in the calling thread. ``async for`` reads in another one while it
    waits; where its task is cancelled, the call to the server ends at once, and no
    item is lost to who iterates on. Between items nothing runs. The call ends with the
    last item, by :meth:`close`, with a ``with`` block, and with the iterator itself.
    """

    def __init__(self) -> None:
        self._ready: deque[T] = deque()
        self._is_ended = False
        self._is_closed = False
        self._turn = Turn()
        self._reader: Interruption | None = None

    @abstractmethod
    def _read(self, interruption: Interruption) -> None:
        """Waits for items and puts them into ``_ready``, or sets ``_is_ended``, or both."""

    @abstractmethod
    def _end_call(self) -> None:
        """Ends the call to the server, where one is open and nobody reads it."""

    def close(self) -> None:
        """Ends the iteration, and the call to the server; a thread that waits returns."""
        self._is_ended = self._is_closed = True
        self._ready.clear()
        reader = self._reader
        if reader is not None:
            reader.make()
        else:
            self._end_call()

    async def aclose(self) -> None:
        """The same, for ``contextlib.aclosing``."""
        self.close()

    def _fill(self, interruption: Interruption) -> None:
        """Waits until an item is there, or the end.

        Items stay where they are until they are asked for: a task that is cancelled
        while they arrive loses none.
        """
        try:
            with self._turn.taken(None, interruption):
                self._reader = interruption
                try:
                    while not self._ready and not self._is_ended:
                        self._read(interruption)
                finally:
                    self._reader = None
                    if self._is_closed:
                        self._ready.clear()
                        self._end_call()
        except WaitInterruptedError:
            if not self._is_closed:
                raise

    def take_ready(self, interruption: Interruption) -> list[T]:
        """Waits for items, and takes all that are there; none after the end."""
        self._fill(interruption)
        items = []
        while self._ready:
            items.append(self._ready.popleft())
        return items

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        while not self._ready and not self._is_ended:
            self._fill(Interruption())
        if not self._ready:
            raise StopIteration
        return self._ready.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._ready and not self._is_ended:
            await in_thread(self._fill)
        if not self._ready:
            raise StopAsyncIteration
        return self._ready.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()
