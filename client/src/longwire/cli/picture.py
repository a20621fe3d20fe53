"""Counts as a picture, drawn with matplotlib (the extra ``plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longwire.cli.histogram import Selection, select_outcomes

if TYPE_CHECKING:
    from longwire.cli.outcome import CircuitOutcome

_MOST_CIRCUITS = 20
_DOTS_PER_INCH = 160
# All in inches. The layout is computed here: matplotlib's own measures every text,
# which takes longer than drawing it.
_BARS_WIDTH = 5.2
_CHARACTER_WIDTH = 0.078
_LEFT, _RIGHT = 0.2, 0.25
_BAR_HEIGHT = 0.24
_TITLE_HEIGHT = 0.42
_AXIS_HEIGHT = 0.38
_REST_HEIGHT = 0.2
_FONT_POINTS = 9
_BLUE, _GREY, _INK, _DIM = "#2a6f97", "#e3e6e8", "#33383d", "#6b7379"


def draw_histograms(outcomes: Sequence[CircuitOutcome], path: Path) -> None:
    """Draws a histogram for each circuit that has counts, one below the other.

    Of more than 20 circuits the first 20 are drawn, and the others counted.

    Args:
        outcomes: the job's, by circuit.
        path: where the picture goes; the ending chooses its format.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    counted = [circuit for circuit in outcomes if circuit.counts]
    circuits = counted[:_MOST_CIRCUITS]
    selections = [select_outcomes(circuit.counts or {}) for circuit in circuits]
    note = _note(len(counted))
    longest = max((len(label) for one in selections for label, _ in one.shown), default=0)
    left = _LEFT + _CHARACTER_WIDTH * longest
    width = left + _BARS_WIDTH + _RIGHT
    height = sum(map(_panel_height, selections)) + (_AXIS_HEIGHT if note else 0.0)
    figure = Figure(figsize=(width, height))
    bottom = height
    for circuit, selection in zip(circuits, selections, strict=True):
        bottom -= _panel_height(selection)
        bars_bottom = bottom + _AXIS_HEIGHT + (_REST_HEIGHT if selection.others else 0.0)
        bars_height = _BAR_HEIGHT * len(selection.shown)
        place = (left / width, bars_bottom / height, _BARS_WIDTH / width, bars_height / height)
        _draw(figure.add_axes(place), circuit, selection)
    if note:
        figure.text(left / width, 0.1 / height, note, fontsize=_FONT_POINTS, color=_DIM)
    figure.savefig(path, dpi=_DOTS_PER_INCH)


def _note(num_counted: int) -> str:
    if not num_counted:
        return "the result holds no counts"
    others = num_counted - _MOST_CIRCUITS
    return f"and {others:,} more circuit{'' if others == 1 else 's'}" if others > 0 else ""


def _panel_height(selection: Selection) -> float:
    rest = _REST_HEIGHT if selection.others else 0.0
    return _TITLE_HEIGHT + _BAR_HEIGHT * len(selection.shown) + rest + _AXIS_HEIGHT


def _draw(panel: Any, circuit: CircuitOutcome, selection: Selection) -> None:
    labels = [outcome for outcome, _ in selection.shown]
    numbers = [count for _, count in selection.shown]
    places = range(len(labels))
    bars = panel.barh(places, numbers, color=_BLUE, height=0.72)
    panel.bar_label(bars, [f"{number:,}" for number in numbers], padding=3, fontsize=8, color=_INK)
    panel.set_yticks(places, labels, family="monospace")
    panel.set_ylim(len(labels) - 0.5, -0.5)
    panel.set_xlim(0, max(numbers) * 1.1 or 1)
    panel.tick_params(length=0, labelsize=_FONT_POINTS, colors=_INK)
    panel.xaxis.set_major_formatter("{x:,.0f}")
    panel.locator_params(axis="x", nbins=6, integer=True)
    panel.grid(axis="x", color=_GREY, linewidth=0.8)
    panel.set_axisbelow(True)
    panel.spines[:].set_visible(False)
    if selection.others:
        plural = "" if selection.others == 1 else "s"
        # A bar for all others together would dwarf the rest.
        panel.set_xlabel(
            f"and {selection.others:,} more outcome{plural}, {selection.others_count:,} counts",
            loc="left",
            fontsize=_FONT_POINTS,
            color=_DIM,
        )
    shots = f"{selection.total if circuit.shots is None else circuit.shots:,} shots"
    title = f"{circuit.name}, {shots}" if circuit.name else shots
    panel.set_title(title, loc="left", fontsize=11, color=_INK, parse_math=False)
