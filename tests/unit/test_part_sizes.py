"""How many runs of a shared job a worker is given at once."""

from __future__ import annotations

import pytest

from longwire_server.execution.part_sizes import PartSizes


def noted(count: int, seconds: float) -> PartSizes:
    sizes = PartSizes()
    sizes.note(count, seconds)
    return sizes


@pytest.mark.parametrize(("left", "count"), [(1000, 15), (64, 1), (1, 1)])
def test_first_part_is_small(left: int, count: int) -> None:
    assert PartSizes().next_count(left, 2) == count


@pytest.mark.parametrize(
    ("left", "count"),
    [(100_000, 250), (1000, 125), (400, 50), (30, 20), (5, 5)],
)
def test_parts_of_quick_runs_are_smaller_towards_the_end_and_not_too_small(
    left: int, count: int
) -> None:
    # A millisecond each: at most a quarter of a second, at least a fiftieth.
    assert noted(10, 0.01).next_count(left, 2) == count


def test_parts_of_slow_runs_are_single_runs() -> None:
    assert noted(1, 3.0).next_count(1000, 2) == 1


def test_how_long_runs_take_is_what_the_last_took() -> None:
    sizes = noted(1, 3.0)
    sizes.note(100, 0.1)
    assert sizes.next_count(100_000, 2) == 250


@pytest.mark.parametrize(
    ("left", "num_workers", "is_worth"),
    [(600, 1, True), (599, 1, False), (600, 2, False), (1200, 2, True)],
)
def test_help_is_worth_it_before_any_run_where_even_empty_circuits_take_long_enough(
    left: int, num_workers: int, is_worth: bool
) -> None:
    assert PartSizes().is_worth_help(left, num_workers) is is_worth


@pytest.mark.parametrize(("seconds", "is_worth"), [(0.004, True), (0.002, False)])
def test_help_is_worth_it_where_enough_is_left_for_each(seconds: float, is_worth: bool) -> None:
    assert noted(1, seconds).is_worth_help(100, 1) is is_worth
