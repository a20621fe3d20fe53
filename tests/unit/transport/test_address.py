"""Where the server is, from an argument or the environment."""

from __future__ import annotations

from typing import Any

import pytest

from longwire.errors import InvalidArgumentError
from longwire.transport.address import resolve_address


@pytest.mark.parametrize(
    ("given", "resolved"),
    [
        ("localhost:1234", "localhost:1234"),
        ("lab.example", "lab.example:50051"),
        ("[::1]:7", "[::1]:7"),
        ("[::1]", "[::1]:50051"),
        ("10.0.0.1:65535", "10.0.0.1:65535"),
    ],
)
def test_address_is_completed_by_the_default_port(given: str, resolved: str) -> None:
    assert resolve_address(given) == resolved


@pytest.mark.parametrize(
    "given", ["http://lab:1", "a b", "lab:", "lab:0", "lab:65536", "lab:x", "::1", "lab/1", 50051]
)
def test_address_of_another_form_is_refused_with_the_right_one(given: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="write HOST:PORT"):
        resolve_address(given)


def test_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGWIRE_ADDRESS", "lab.example:9")
    assert resolve_address(None) == "lab.example:9"
    assert resolve_address("other:1") == "other:1"


def test_missing_address_is_refused_with_the_ways_to_give_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LONGWIRE_ADDRESS", raising=False)
    with pytest.raises(InvalidArgumentError, match="LONGWIRE_ADDRESS"):
        resolve_address(None)


def test_missing_address_is_refused_with_the_form_and_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LONGWIRE_ADDRESS", raising=False)
    with pytest.raises(
        InvalidArgumentError, match=r"HOST:PORT, .* or set LONGWIRE_ADDRESS, or .* longwire login$"
    ):
        resolve_address(None)
