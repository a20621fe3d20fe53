"""Iteration with ``for`` and ``async for`` over one source."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable

import pytest

from longwire.following.feed import Feed
from longwire.transport.interruption import Interruption, WaitInterruptedError

LIMIT_SECONDS = 60.0


class Numbers(Feed[int]):
    """Numbers from a queue, in lots; an empty lot is the end, an error is raised."""

    def __init__(self, *lots: list[int] | Exception) -> None:
        super().__init__()
        self.source: queue.SimpleQueue[list[int] | Exception | None] = queue.SimpleQueue()
        for lot in lots:
            self.source.put(lot)
        self.ended_calls = 0

    def _read(self, interruption: Interruption) -> None:
        with interruption.waking(lambda: self.source.put(None)):
            lot = self.source.get(timeout=LIMIT_SECONDS)
        if lot is None:
            raise WaitInterruptedError
        if isinstance(lot, Exception):
            raise lot
        self._ready.extend(lot)
        self._is_ended = not lot

    def _end_call(self) -> None:
        self.ended_calls += 1


def collect(numbers: Numbers) -> list[int]:
    """All with ``for``."""
    return list(numbers)


def collect_async(numbers: Numbers) -> list[int]:
    """All with ``async for``."""

    async def main() -> list[int]:
        return [number async for number in numbers]

    return asyncio.run(main())


@pytest.mark.parametrize("take", [collect, collect_async], ids=["for", "async for"])
def test_feed_gives_all_items_in_order_and_ends(take: Callable[[Numbers], list[int]]) -> None:
    numbers = Numbers([1, 2], [3], [])
    assert take(numbers) == [1, 2, 3]
    assert take(numbers) == []


@pytest.mark.parametrize("take", [collect, collect_async], ids=["for", "async for"])
def test_error_comes_after_the_items_before_it_and_the_iteration_can_go_on(
    take: Callable[[Numbers], list[int]],
) -> None:
    numbers = Numbers([1], ValueError("lost"), [2], [])
    assert next(numbers) == 1
    with pytest.raises(ValueError, match="lost"):
        take(numbers)
    assert take(numbers) == [2]


def test_feed_is_read_by_both_forms_in_turn() -> None:
    numbers = Numbers([1], [2], [3], [])
    assert next(numbers) == 1
    assert asyncio.run(_next(numbers)) == 2
    assert list(numbers) == [3]


async def _next(numbers: Numbers) -> int:
    return await anext(numbers)


def test_several_threads_share_the_items() -> None:
    numbers = Numbers(*[[number] for number in range(50)])
    taken: list[int] = []
    threads = [threading.Thread(target=lambda: taken.extend(numbers)) for _ in range(4)]
    for thread in threads:
        thread.start()
    numbers.source.put([])
    for thread in threads:
        thread.join(LIMIT_SECONDS)
    assert sorted(taken) == list(range(50))


def test_closed_feed_drops_what_was_ready_and_ends_the_call() -> None:
    numbers = Numbers([1, 2, 3])
    with numbers:
        assert next(numbers) == 1
    assert list(numbers) == []
    assert numbers.ended_calls == 1


def test_take_ready_takes_all_that_is_there() -> None:
    numbers = Numbers([1, 2], [3], [])
    assert numbers.take_ready(Interruption()) == [1, 2]
    assert numbers.take_ready(Interruption()) == [3]
    assert numbers.take_ready(Interruption()) == []


def test_interrupted_take_can_be_begun_again() -> None:
    numbers, interruption = Numbers(), Interruption()
    interruption.make()
    with pytest.raises(WaitInterruptedError):
        numbers.take_ready(interruption)
    numbers.source.put([1])
    assert numbers.take_ready(Interruption()) == [1]
