"""Functions that are called at a time to come."""

from __future__ import annotations

import threading
import time

from longwire.transport.alarm import Alarm

LIMIT_SECONDS = 60.0


def test_alarm_rings_at_its_time_and_not_before() -> None:
    rung = threading.Event()
    time_at = time.monotonic() + 0.05
    with Alarm(time_at, rung.set):
        assert rung.wait(LIMIT_SECONDS)
        assert time.monotonic() >= time_at


def test_alarm_that_is_set_later_and_due_earlier_rings_first() -> None:
    order: list[str] = []
    last = threading.Event()

    def ring_last() -> None:
        order.append("late")
        last.set()

    now = time.monotonic()
    with Alarm(now + 0.2, ring_last), Alarm(now + 0.05, lambda: order.append("early")):
        assert last.wait(LIMIT_SECONDS)
    assert order == ["early", "late"]


def test_alarm_whose_block_has_ended_does_not_ring() -> None:
    rung: list[int] = []
    end = time.monotonic() + 0.05
    # So many that they are swept out meanwhile.
    for number in range(5000):
        with Alarm(end, lambda number=number: rung.append(number)):  # type: ignore[misc]
            pass
    later = threading.Event()
    with Alarm(end + 0.05, later.set):
        assert later.wait(LIMIT_SECONDS)
    assert len(rung) <= 1


def test_alarms_of_many_threads_all_ring() -> None:
    rung = [threading.Event() for _ in range(50)]

    def wait(event: threading.Event) -> None:
        with Alarm(time.monotonic() + 0.02, event.set):
            assert event.wait(LIMIT_SECONDS)

    threads = [threading.Thread(target=wait, args=(event,)) for event in rung]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
    assert all(event.is_set() for event in rung)
    assert sum(thread.name == "longwire-alarms" for thread in threading.enumerate()) <= 2
