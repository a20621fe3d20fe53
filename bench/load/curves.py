"""The curves of the load tests: figures against what is offered, or against how many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLOURS = {"quiet": "tab:blue", "loud": "tab:orange"}
_KINDS = ("tab:blue", "tab:orange", "tab:green")


def latency_against_rate(figures: dict[str, Any]) -> Figure:
    """Of both groups: what is done, and what is refused."""
    figure, axes = _axes("offered, times the capacity", "latency from when it was due, ms")
    for group, colour in _COLOURS.items():
        for percentile, style in (("p50_ms", "-"), ("p99_ms", "--")):
            label = f"{group}, {percentile.removesuffix('_ms')}"
            _line(axes, _latencies(figures, group, "done", percentile), label, colour, style)
    refused = _latencies(figures, "loud", "refused", "p99_ms")
    if refused:
        _line(axes, refused, "loud, refused, p99", "tab:red", ":")
    _along_multiples(axes, figures)
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
    figure, axes = _axes("offered, times the capacity", "jobs done a second")
    points = figures["points"]
    _line(axes, [(p["multiple"], p["goodput_per_second"]) for p in points], "all", "black", "-")
    for group, colour in _COLOURS.items():
        values = [(p["multiple"], p["groups"][group]["goodput_per_second"]) for p in points]
        _line(axes, values, group, colour, "-")
    _along_multiples(axes, figures)
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def growth_curves(figures: dict[str, Any]) -> Figure:
    """What a job takes beside the first point, and where that is to stay below."""
    figure, axes = _axes("how many there are", "ratio to the first point")
    for (kind, points), colour in zip(figures["points"].items(), _KINDS, strict=False):
        label, first = kind.replace("_", " "), points[0]
        p50 = [(each["size"], each["p50_ms"] / first["p50_ms"]) for each in points]
        _line(axes, p50, f"{label}, p50", colour, "-")
        time = [
            (each["size"], first["jobs_per_second"] / each["jobs_per_second"]) for each in points
        ]
        _line(axes, time, f"{label}, 16 in flight", colour, "--")
    axes.axhline(1.1, color="gray", linewidth=0.8)
    axes.set_xscale("log")
    # The line of the aim is to be seen, however far below it all points are.
    axes.set_ylim(0, max(1.5, axes.get_ylim()[1]))
    axes.legend()
    return figure


def _along_multiples(axes: Axes, figures: dict[str, Any]) -> None:
    multiples = [point["multiple"] for point in figures["points"]]
    axes.set_xscale("log")
    axes.set_xticks(multiples, [f"{multiple:g}" for multiple in multiples])
    axes.minorticks_off()


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


# By the file of results: pictures, by their names.
CURVES: dict[str, dict[str, Callable[[dict[str, Any]], Figure]]] = {
    "overload": {
        "overload-latency": latency_against_rate,
        "overload-goodput": goodput_against_rate,
    },
    "growth": {"growth-curves": growth_curves},
}
