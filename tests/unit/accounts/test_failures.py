"""How many wrong credentials an address may show."""

from __future__ import annotations

import pytest

from longwire_server.accounts import failures
from longwire_server.accounts.failures import Failures


def test_address_is_blocked_after_its_failures_and_others_are_not() -> None:
    counted = Failures(3)
    for number in range(3):
        assert counted.blocked_seconds("192.0.2.1") == 0, number
        counted.count("192.0.2.1")
    assert 0 < counted.blocked_seconds("192.0.2.1") <= 60
    assert counted.blocked_seconds("192.0.2.2") == 0


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unix", "unix", True),
    ],
)
def test_addresses_of_one_network_are_counted_together(
    one: str, other: str, together: bool
) -> None:
    counted = Failures(1)
    counted.count(one)
    assert (counted.blocked_seconds(other) > 0) is together


def test_addresses_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_ADDRESSES", 10)
    counted = Failures(1)
    for number in range(100):
        counted.count(f"192.0.2.{number}")
    blocked = [n for n in range(100) if counted.blocked_seconds(f"192.0.2.{n}")]
    assert blocked == list(range(90, 100))


def test_address_is_free_again_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Failures(1)
    counted.count("192.0.2.1")
    later = failures.time.monotonic() + 61
    monkeypatch.setattr(failures.time, "monotonic", lambda: later)
    assert counted.blocked_seconds("192.0.2.1") == 0
    counted.count("192.0.2.1")
    assert counted.blocked_seconds("192.0.2.1") > 0
