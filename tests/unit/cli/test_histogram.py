"""Histograms of text: what they show, how wide they are, in which order."""

from __future__ import annotations

import pytest

from longwire.cli.histogram import render_histogram, select_outcomes
from longwire.cli.terminal import unstyle


def lines_of(counts: dict[str, int], width: int = 80, **how: object) -> list[str]:
    return [unstyle(line) for line in render_histogram(counts, width, **how)]  # type: ignore[arg-type]


def test_histogram_of_two_outcomes_shows_outcome_bar_count_and_percentage() -> None:
    assert lines_of({"11": 25, "00": 75}, width=40) == [
        "  00  █████████████████████  75   75.0 %",
        "  11  ███████                25   25.0 %",
    ]


def test_histogram_sorts_by_outcome_not_by_count() -> None:
    labels = [line.split()[0] for line in lines_of({"10": 9, "01": 5, "11": 1, "00": 2})]
    assert labels == ["00", "01", "10", "11"]


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_histogram_lines_fit_the_width_and_end_at_one_column(width: int) -> None:
    lines = lines_of({f"{value:06b}": 1000 * value + 1 for value in range(64)}, width)
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= width


def test_histogram_of_many_outcomes_shows_32_and_sums_up_the_rest() -> None:
    counts = {f"{value:06b}": 64 - value for value in range(64)}
    *bars, rest = lines_of(counts)
    assert len(bars) == 32
    assert bars[0].split()[0] == "000000"
    assert "and 32 more outcomes" in rest
    # 32 + 31 + ... + 1 of 64 + 63 + ... + 1.
    assert rest.split()[-3:] == ["528", "25.4", "%"]


def test_histogram_rest_of_one_outcome_is_singular() -> None:
    assert "and 1 more outcome " in lines_of({"0": 3, "1": 2}, most=1)[-1]


def test_histogram_outcome_seen_once_among_many_has_a_visible_bar() -> None:
    _, rare = lines_of({"0": 1_000_000, "1": 1})
    assert "▏" in rare
    assert "<0.1 %" in rare


def test_histogram_without_unicode_draws_with_ascii_alone() -> None:
    lines = lines_of({"0": 3, "1": 1}, unicode=False)
    assert all(line.isascii() for line in lines)
    assert lines[0].count("#") == 3 * lines[1].count("#")


def test_histogram_of_bit_strings_as_wide_as_the_terminal_puts_bars_below_them() -> None:
    label = "01" * 40
    first, second = lines_of({label: 10}, width=80)
    assert first.strip() == label
    assert "█" in second
    assert len(second) <= 80


def test_histogram_of_no_outcomes_says_so() -> None:
    assert lines_of({}) == ["  no outcome was counted"]


def test_histogram_replaces_control_characters_of_outcomes() -> None:
    assert "\x1b[2J" not in "".join(render_histogram({"\x1b[2J": 1}, 80))


def test_selected_outcomes_of_equal_counts_are_the_first_by_outcome() -> None:
    selection = select_outcomes({"11": 1, "10": 1, "01": 1, "00": 1}, most=2)
    assert selection.shown == (("00", 1), ("01", 1))
    assert (selection.others, selection.others_count, selection.total) == (2, 2, 4)


def test_histogram_of_outcomes_seen_once_says_so_and_shows_few() -> None:
    title, *bars, rest = lines_of({f"{value:010b}": 1 for value in range(1024)})
    assert title == "  1,024 outcomes, none more than once"
    assert [bar.split()[0] for bar in bars] == [f"{value:010b}" for value in range(8)]
    assert rest.startswith("  and 1,016 more outcomes")
