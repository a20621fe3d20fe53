"""Waits that another thread ends, and turns."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from longwire.transport.interruption import (
    Interruption,
    Turn,
    WaitInterruptedError,
    WaitTimeoutError,
)

LIMIT_SECONDS = 60.0


def test_interruption_wakes_who_waits() -> None:
    interruption, woken = Interruption(), threading.Event()
    with interruption.waking(woken.set):
        assert not woken.is_set()
        interruption.make()
    assert woken.is_set()
    assert interruption.is_made


def test_interruption_that_was_made_before_wakes_at_once() -> None:
    interruption, woken = Interruption(), threading.Event()
    interruption.make()
    with interruption.waking(woken.set):
        assert woken.is_set()


def test_interruption_after_the_wait_wakes_nobody() -> None:
    interruption, woken = Interruption(), threading.Event()
    with interruption.waking(woken.set):
        pass
    interruption.make()
    assert not woken.is_set()


def test_sleep_ends_with_the_interruption() -> None:
    interruption = Interruption()
    interruption.make()
    interruption.sleep(3600)


def test_turn_is_one_threads_at_a_time() -> None:
    turn, inside, most = Turn(), [], []

    def take(number: int) -> None:
        with turn.taken(None, Interruption()):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0)
            inside.remove(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(take, range(200)))
    assert most == [1] * 200


def test_wait_for_a_turn_ends_at_its_deadline() -> None:
    turn = Turn()
    soon = time.monotonic() + 0.01
    with (
        turn.taken(None, Interruption()),
        pytest.raises(WaitTimeoutError),
        turn.taken(soon, Interruption()),
    ):
        pass
    with turn.taken(time.monotonic(), Interruption()):
        pass


@pytest.mark.parametrize("is_made_before", [True, False], ids=["before", "meanwhile"])
def test_wait_for_a_turn_ends_when_it_is_interrupted(is_made_before: bool) -> None:
    turn, interruption = Turn(), Interruption()

    def wait() -> None:
        with pytest.raises(WaitInterruptedError), turn.taken(None, interruption):
            pass

    if is_made_before:
        interruption.make()
    with turn.taken(None, Interruption()), ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait)
        interruption.make()
        waiting.result(LIMIT_SECONDS)
    with turn.taken(0.0, Interruption()):
        pass


def test_turn_is_given_back_after_an_error() -> None:
    turn = Turn()
    with pytest.raises(KeyboardInterrupt), turn.taken(None, Interruption()):
        raise KeyboardInterrupt
    with turn.taken(0.0, Interruption()):
        pass
