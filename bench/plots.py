"""``make plots``: a picture in docs/pictures/ of each file of results that there is.

A picture shows every figure that has an aim as a share of it: at 1 the aim is just met, to
the left of it well. The load tests have curves beside (load/curves.py).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aims
import matplotlib
import recording
from load.curves import CURVES

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
MET, MISSED = "#2a7f62", "#c8553d"
# A figure that misses its aim by far would flatten all others: the scale is logarithmic, and
# this is where it ends.
LEAST, MOST = 0.02, 50.0
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
TITLES = {
    "first_figures": "One call at a time",
    "throughput_figures": "Many submitters",
    "cold_start_figures": "Before the first job",
    "bulk_figures": "Many circuits, many jobs",
    "bytes_figures": "Bytes of results",
    "large_result_figures": "A statevector of 256 MiB",
    "watcher_figures": "1,000 watchers",
    "qiskit2_figures": "Qiskit 2",
    "start_figures": "Starts with many jobs",
    "overload": "Overload",
    "growth": "Growth",
    "memory": "Memory",
}


def share_of_aim(found: aims.Ratio) -> float | None:
    """How far a figure is from its aim: 1 at the aim, less where it is better; None without."""
    if "at_most" in found:
        share = found["value"] / found["at_most"]
    elif found.get("at_least") and found["value"]:
        share = found["at_least"] / found["value"]
    else:
        return None
    return float(min(max(share, LEAST), MOST))


def ratio_bars(name: str, recorded: dict[str, Any]) -> Figure | None:
    """A bar for each figure with an aim; None where there is none."""
    # Results that are older than the aims beside them have bare numbers.
    ratios = {k: v for k, v in recorded.get("ratios", {}).items() if isinstance(v, dict)}
    shares = {title: share for title, found in ratios.items()
              if (share := share_of_aim(found)) is not None}  # fmt: skip
    if not shares:
        return None
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.36 * len(shares)), layout="constrained")
    colours = [MET if aims.is_met(ratios[title]) else MISSED for title in shares]
    # From 1, so that a bar shows by how much.
    axes.barh(
        list(shares), [share - 1 for share in shares.values()], left=1, color=colours, height=0.6
    )
    for row, title in enumerate(shares):
        axes.text(1.02, row, _aim(ratios[title]), transform=axes.get_yaxis_transform(), va="center")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks(TICKS, map(str, TICKS))
    axes.minorticks_off()
    axes.set_xlim(min(0.2, *shares.values()) * 0.9, max(5.0, *shares.values()) * 1.1)
    axes.set_xlabel("share of the aim (1: just met; left: better)")
    axes.set_title(f"{TITLES.get(name, name)}   ({recorded['environment']['commit']})", loc="left")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _aim(found: aims.Ratio) -> str:
    """The figure and its aim."""
    sign, aim = ("≤", found["at_most"]) if "at_most" in found else ("≥", found["at_least"])
    return f"{found['value']}  (aim {sign} {aim})"


def pictures(name: str, recorded: dict[str, Any]) -> dict[str, Figure]:
    """All pictures of a file of results, by their names."""
    found = {title: draw(recorded) for title, draw in CURVES.get(name, {}).items()}
    bars = ratio_bars(name, recorded)
    return found if bars is None else {name: bars, **found}


def main() -> None:
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "longwire"
    # Text stays text.
    matplotlib.rcParams["svg.fonttype"] = "none"
    PICTURES.mkdir(exist_ok=True)
    for path in sorted(recording.RESULTS.glob("*.json")):
        recorded = json.loads(path.read_text())
        drawn = pictures(path.stem, recorded)
        if not drawn:
            print(f"{path.name}: has no figures with aims, so there is nothing to draw")
        for name, figure in drawn.items():
            save(figure, PICTURES / f"{name}.svg")
            print(f"docs/pictures/{name}.svg")


def save(figure: Figure, path: Path) -> None:
    """Writes a picture."""
    figure.savefig(path, metadata={"Date": None})
    # No line of it is to end with a space.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
    plt.close(figure)


if __name__ == "__main__":
    main()
