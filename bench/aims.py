"""A ratio, and the aim beside it. Nothing is gated on whether it is met."""

from __future__ import annotations

from typing import Any

Ratio = dict[str, Any]
"""``value`` with ``at_most`` or ``at_least``, the aim; without one it is for comparison alone."""


def ratio(value: float, *, at_most: float | None = None, at_least: float | None = None) -> Ratio:
    """A ratio, or a figure with an aim of its own, as it is recorded."""
    found: Ratio = {"value": float(f"{value:.3g}")}
    if at_most is not None:
        found["at_most"] = at_most
    if at_least is not None:
        found["at_least"] = at_least
    return found


def is_met(found: Ratio) -> bool | None:
    """Whether the aim is met; None where there is none."""
    if "at_most" in found:
        return bool(found["value"] <= found["at_most"])
    if "at_least" in found:
        return bool(found["value"] >= found["at_least"])
    return None


def line(name: str, found: Ratio) -> str:
    """What is printed of a ratio."""
    aims = [f"{word.replace('_', ' ')} {found[word]}" for word in ("at_most", "at_least")
            if word in found]  # fmt: skip
    aim = f"   (aim: {aims[0]}{'' if is_met(found) else ', not met'})" if aims else ""
    return f"{name}: {found['value']}{aim}"
