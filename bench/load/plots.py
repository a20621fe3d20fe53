"""Draws the recorded figures of the load tests: ``plots.py``, into ``docs/pictures``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results"
PICTURES = ROOT / "docs" / "pictures"
_COLOURS = {"quiet": "tab:blue", "loud": "tab:orange"}


def latency_against_rate(figures: dict[str, Any]) -> Figure:
    """Of both groups: what is done, and what is refused."""
    figure, axes = _axes("offered, of capacity", "latency from when it was due, ms")
    for group, colour in _COLOURS.items():
        for percentile, style in (("p50_ms", "-"), ("p99_ms", "--")):
            label = f"{group}, {percentile.removesuffix('_ms')}"
            _line(axes, _latencies(figures, group, "done", percentile), label, colour, style)
    refused = _latencies(figures, "loud", "refused", "p99_ms")
    if refused:
        _line(axes, refused, "loud, refused, p99", "tab:red", ":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend()
    return figure


def _latencies(
    figures: dict[str, Any], group: str, outcome: str, percentile: str
) -> list[tuple[float, float]]:
    return [
        (point["multiple"], point["groups"][group][outcome][percentile])
        for point in figures["points"]
        if point["groups"][group][outcome]["calls"]
    ]


def goodput_against_rate(figures: dict[str, Any]) -> Figure:
    """Jobs that are done, of both groups and of all."""
    figure, axes = _axes("offered, of capacity", "jobs done a second")
    points = figures["points"]
    _line(axes, [(p["multiple"], p["goodput_per_second"]) for p in points], "all", "black", "-")
    for group, colour in _COLOURS.items():
        values = [(p["multiple"], p["groups"][group]["goodput_per_second"]) for p in points]
        _line(axes, values, group, colour, "-")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def growth_curves(figures: dict[str, Any]) -> Figure:
    """Each figure's ratio to that of the first point, and where it is to stay below."""
    figure, axes = _axes("how many there are", "ratio to the first point")
    colours = dict(zip(figures, ("tab:blue", "tab:orange", "tab:green"), strict=False))
    for kind, points in figures.items():
        for name, style in (("p50_ratio", "-"), ("seconds_per_job_ratio", "--")):
            values = [(point["size"], point[f"{name} (aim 1.1)"]) for point in points]
            label = f"{kind.replace('_', ' ')}, {name.removesuffix('_ratio').replace('_', ' ')}"
            _line(axes, values, label, colours[kind], style)
    axes.axhline(1.1, color="gray", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def _axes(along: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(along)
    axes.set_ylabel(up)
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _line(
    axes: Axes, points: list[tuple[float, float]], label: str, colour: str, style: str
) -> None:
    axes.plot(
        [x for x, _ in points], [y for _, y in points], style, color=colour, label=label, marker="."
    )


def draw(folder: Path) -> list[Path]:
    """Draws what has been recorded.

    Args:
        folder: where the pictures go.

    Returns:
        Those that were drawn.
    """
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "longwire"
    drawn = []
    for result, name, picture in (
        ("overload", "overload-latency", latency_against_rate),
        ("overload", "overload-goodput", goodput_against_rate),
        ("growth", "growth", growth_curves),
    ):
        recorded = RESULTS / f"{result}.json"
        if not recorded.exists():
            continue
        figures = json.loads(recorded.read_text())
        figures.pop("environment")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.svg"
        picture(figures).savefig(path, metadata={"Date": None})
        # No line of it is to end with a space.
        path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
        drawn.append(path)
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--folder", type=Path, default=PICTURES)
    for path in draw(parser.parse_args().folder):
        print(path)


if __name__ == "__main__":
    main()
