"""Counts as a picture, drawn with matplotlib (the extra ``plot``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from longwire.cli.histogram import Selection, select_outcomes

if TYPE_CHECKING:
    from longwire.cli.outcome import CircuitOutcome, Outcome

# So many of the largest fit into the 65,536 pixels that matplotlib can draw.
_MOST_CIRCUITS = 40
_BARS_WIDTH_INCHES = 5.5
_CHARACTER_INCHES = 0.076
_BAR_INCHES = 0.24
_FRAME_INCHES = 0.8
_REST_INCHES = 0.2
_MARGIN_INCHES = 0.08
_FONT_POINTS = 9
_BLUE, _GREY, _INK, _DIM = "#2a6f97", "#e3e6e8", "#33383d", "#6b7379"


def draw_histograms(outcome: Outcome, path: Path) -> None:
    """Draws a histogram for each circuit that has counts, one below the other.

    Of more than 40 circuits the first 40 are drawn, and the others counted.

    Args:
        outcome: the job's.
        path: where the picture goes; the ending chooses its format.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    counted = [circuit for circuit in outcome.circuits if circuit.counts]
    circuits = counted[:_MOST_CIRCUITS]
    selections = [select_outcomes(circuit.counts or {}) for circuit in circuits]
    heights = [_height_inches(selection) for selection in selections] or [1.0]
    longest = max((len(label) for one in selections for label, _ in one.shown), default=0)
    width = _BARS_WIDTH_INCHES + _CHARACTER_INCHES * longest
    layout = ConstrainedLayoutEngine(w_pad=_MARGIN_INCHES, h_pad=_MARGIN_INCHES)
    figure = Figure(figsize=(width, sum(heights)), layout=layout)
    if not circuits:
        figure.text(0.5, 0.5, "the result holds no counts", ha="center", color=_INK)
    else:
        panels = figure.subplots(len(circuits), squeeze=False, height_ratios=heights)[:, 0]
        for panel, circuit, selection in zip(panels, circuits, selections, strict=True):
            _draw(panel, circuit, selection)
    if len(counted) > len(circuits):
        figure.supxlabel(f"and {len(counted) - len(circuits):,} more circuits", color=_DIM)
    figure.savefig(path, dpi=160)


def _height_inches(selection: Selection) -> float:
    rest = _REST_INCHES if selection.others else 0.0
    return _FRAME_INCHES + _BAR_INCHES * len(selection.shown) + rest


def _draw(panel: Any, circuit: CircuitOutcome, selection: Selection) -> None:
    labels = [outcome for outcome, _ in selection.shown]
    numbers = [count for _, count in selection.shown]
    places = range(len(labels))
    bars = panel.barh(places, numbers, color=_BLUE, height=0.72)
    panel.bar_label(bars, [f"{number:,}" for number in numbers], padding=3, fontsize=8, color=_INK)
    panel.set_yticks(places, labels, family="monospace")
    panel.set_ylim(len(labels) - 0.4, -0.6)
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
