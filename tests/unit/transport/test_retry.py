"""How long a client pauses before it tries again."""

from __future__ import annotations

import time

import pytest

from longwire.transport.interruption import Interruption
from longwire.transport.retry import RESUME_SECONDS, Retry

NUM_CLIENTS = 1000


class Sleeper(Interruption):
    """Notes the pauses in place of making them."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def pauses(number: int, at_least: float = 0.0) -> list[float]:
    """The first pauses of one client, in seconds."""
    retry, sleeper = Retry(RESUME_SECONDS), Sleeper()
    for _ in range(number):
        assert retry.pause(None, sleeper, at_least=at_least)
    return sleeper.pauses


def test_pauses_begin_short_double_and_stay_below_a_bound() -> None:
    longest = 0.05
    for pause in pauses(20):
        assert longest / 2 <= pause <= longest * 1.5
        longest = min(longest * 2, 5.0)


def test_clients_that_lost_their_server_together_come_back_spread_out() -> None:
    # Each tries again after every pause: the server is back after ten seconds.
    back_at = 10.0
    arrivals = []
    for _ in range(NUM_CLIENTS):
        moment = 0.0
        for pause in pauses(20):
            moment += pause
            if moment >= back_at:
                break
        arrivals.append(moment - back_at)
    busiest = max(sum(start <= each < start + 0.1 for each in arrivals) for start in arrivals)
    # Evenly over five seconds it were 20 in a tenth of a second.
    assert busiest < NUM_CLIENTS / 10
    assert max(arrivals) < 7.5


def test_pause_that_the_server_asks_for_is_made_and_not_by_all_at_once() -> None:
    asked = [pauses(1, at_least=1.0)[0] for _ in range(NUM_CLIENTS)]
    assert all(1.0 <= pause <= 1.5 for pause in asked)
    assert len(set(asked)) > NUM_CLIENTS / 2


def test_pause_ends_with_the_callers_deadline() -> None:
    retry, sleeper = Retry(RESUME_SECONDS), Sleeper()
    assert retry.pause(time.monotonic(), sleeper, at_least=5.0)
    assert sleeper.pauses == [0.0]


def test_limit_is_of_attempts_and_not_of_what_the_machine_slept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    retry, now = Retry(300.0), time.monotonic()
    # The lid is closed for a day.
    monkeypatch.setattr(time, "monotonic", lambda: now + 86_400)
    assert retry.pause(None, Sleeper())


@pytest.mark.parametrize(
    ("limit_seconds", "at_least"), [(0.0, 0.0), (1.0, 2.0)], ids=["over", "asked for more"]
)
def test_no_pause_is_made_that_outlasts_the_limit(limit_seconds: float, at_least: float) -> None:
    sleeper = Sleeper()
    assert not Retry(limit_seconds).pause(None, sleeper, at_least=at_least)
    assert sleeper.pauses == []
