"""What refusals repeat of what was asked for."""

from __future__ import annotations

import pytest

from longwire_server.refusals import backend_not_found, quoted


@pytest.mark.parametrize("text", ["", "aer_simulator", "n" * 128])
def test_text_as_long_as_a_name_is_repeated_whole(text: str) -> None:
    assert quoted(text) == f"'{text}'"


def test_long_text_is_repeated_in_part() -> None:
    assert quoted("n" * 129) == f"'{'n' * 128}...' (129 characters)"


def test_nearest_names_are_told_of_what_is_like_a_name() -> None:
    assert backend_not_found("aer_simulatr", ["aer_simulator"]).details["near"] == "aer_simulator"
    # Longer than any name, it is not compared: that would take as long as both are.
    long = backend_not_found("aer_simulator" * 10, ["aer_simulator" * 9])
    assert long.details["near"] == ""
