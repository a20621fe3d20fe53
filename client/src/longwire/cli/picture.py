"""Counts as a picture, drawn with matplotlib (the extra ``plot``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from longwire.cli.histogram import select_outcomes

if TYPE_CHECKING:
    from longwire.cli.outcome import CircuitOutcome, Outcome

_WIDTH_INCHES = 7.0
_BAR_INCHES = 0.24
_FRAME_INCHES = 0.85
_FONT_POINTS = 9
_BLUE, _GREY, _INK = "#2a6f97", "#b8bec4", "#33383d"


def draw_histograms(outcome: Outcome, path: Path) -> None:
    """Draws a histogram for each circuit that has counts, one below the other.

    Args:
        outcome: the job's.
        path: where the picture goes; the ending chooses its format.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    circuits = [circuit for circuit in outcome.circuits if circuit.counts]
    heights = [_height_inches(circuit) for circuit in circuits] or [1.5]
    figure = Figure(figsize=(_WIDTH_INCHES, sum(heights)), layout="constrained")
    if not circuits:
        figure.text(0.5, 0.5, "the result holds no counts", ha="center", color=_INK)
    else:
        panels = figure.subplots(len(circuits), squeeze=False, height_ratios=heights)[:, 0]
        for panel, circuit in zip(panels, circuits, strict=True):
            _draw(panel, circuit)
    figure.savefig(path, dpi=160)


def _height_inches(circuit: CircuitOutcome) -> float:
    selection = select_outcomes(circuit.counts or {})
    return _FRAME_INCHES + _BAR_INCHES * (len(selection.shown) + bool(selection.others))


def _draw(panel: Any, circuit: CircuitOutcome) -> None:
    selection = select_outcomes(circuit.counts or {})
    labels = [outcome for outcome, _ in selection.shown]
    numbers = [count for _, count in selection.shown]
    colors = [_BLUE] * len(labels)
    if selection.others:
        labels.append(f"{selection.others:,} more")
        numbers.append(selection.others_count)
        colors.append(_GREY)
    places = range(len(labels))
    bars = panel.barh(places, numbers, color=colors, height=0.72)
    panel.bar_label(bars, [f"{number:,}" for number in numbers], padding=3, fontsize=8, color=_INK)
    panel.set_yticks(places, labels, family="monospace", fontsize=_FONT_POINTS, color=_INK)
    panel.set_ylim(len(labels) - 0.4, -0.6)
    panel.set_xlim(0, max(numbers) * 1.1 or 1)
    panel.tick_params(length=0, labelsize=_FONT_POINTS, colors=_INK)
    panel.xaxis.set_major_formatter("{x:,.0f}")
    panel.locator_params(axis="x", nbins=6, integer=True)
    panel.grid(axis="x", color="#e3e6e8", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.spines[:].set_visible(False)
    shots = f"{selection.total:,} shots" if circuit.shots is None else f"{circuit.shots:,} shots"
    title = f"{circuit.name}, {shots}" if circuit.name else shots
    panel.set_title(title, loc="left", fontsize=11, color=_INK, parse_math=False)
