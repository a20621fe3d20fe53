"""Counts as bars of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from longwire.cli.terminal import clean, style

MOST_BARS = 32

_EIGHTHS = " ▏▎▍▌▋▊▉"
# Outcomes to show where each was seen once, and none tells more than another.
_MOST_SINGLE = 8
_NARROWEST_BAR = 12
# Longer bars make no difference easier to see.
_WIDEST_BAR = 60
_INDENT = "  "


@dataclass(frozen=True)
class Selection:
    """The outcomes to show, by outcome, and what the others come to."""

    shown: tuple[tuple[str, int], ...]
    others: int
    others_count: int
    total: int


def select_outcomes(counts: Mapping[str, int], most: int = MOST_BARS) -> Selection:
    """The most frequent outcomes, sorted by outcome; of equally frequent ones the first."""
    by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = by_count[most:]
    return Selection(
        shown=tuple(sorted(by_count[:most])),
        others=len(rest),
        others_count=sum(count for _, count in rest),
        total=sum(counts.values()),
    )


def render_histogram(
    counts: Mapping[str, int], width: int, *, unicode: bool = True, most: int = MOST_BARS
) -> list[str]:
    """The lines of a histogram, sorted by outcome.

    Args:
        counts: how often each outcome was seen.
        width: the columns of the terminal.
        unicode: whether block characters can be written; else bars are of ``#``.
        most: how many bars to draw at most; a last line tells of the rest.
    """
    if len(counts) > _MOST_SINGLE and max(counts.values()) == 1:
        title = f"{_INDENT}{len(counts):,} outcomes, none more than once"
        counted = _bars(select_outcomes(counts, min(most, _MOST_SINGLE)), width, unicode=unicode)
        return [title, *counted]
    return _bars(select_outcomes(counts, most), width, unicode=unicode)


def _bars(selection: Selection, width: int, *, unicode: bool) -> list[str]:
    if not selection.shown:
        return [f"{_INDENT}no outcome was counted"]
    labels = [clean(outcome) for outcome, _ in selection.shown]
    label_width = max(map(len, labels))
    numbers = [f"{count:,}" for _, count in selection.shown]
    number_width = max(map(len, [*numbers, f"{selection.others_count:,}"]))
    largest = max(count for _, count in selection.shown)
    # Indent, label, bar, count and percentage with two blanks between.
    bar_width = width - len(_INDENT) - label_width - number_width - 3 * 2 - len("100.0 %")
    on_one_line = bar_width >= _NARROWEST_BAR
    if not on_one_line:
        bar_width += label_width
    bar_width = max(_NARROWEST_BAR, min(bar_width, _WIDEST_BAR))
    lines = []
    for label, number, (_, count) in zip(labels, numbers, selection.shown, strict=True):
        bar = style(_bar(count / largest if largest else 0.0, bar_width, unicode), "cyan")
        share = style(f"{_percent(count, selection.total):>7}", "dim")
        figures = f"{number:>{number_width}}  {share}"
        if on_one_line:
            lines.append(f"{_INDENT}{label:<{label_width}}  {bar}  {figures}")
        else:
            lines += [f"{_INDENT}{label}", f"{_INDENT}  {bar}  {figures}"]
    if selection.others:
        lines.append(_rest_line(selection, bar_width, label_width * on_one_line, number_width))
    return lines


def _bar(part: float, width: int, unicode: bool) -> str:
    """A bar over a part of the width, to an eighth of a column; never empty for what was seen."""
    if not unicode:
        filled = max(round(part * width), 1 if part > 0 else 0)
        return ("#" * filled).ljust(width)
    eighths = max(round(part * width * 8), 1 if part > 0 else 0)
    bar = "█" * (eighths // 8)
    if eighths % 8:
        bar += _EIGHTHS[eighths % 8]
    return bar.ljust(width)


def _rest_line(selection: Selection, bar_width: int, label_width: int, number_width: int) -> str:
    plural = "" if selection.others == 1 else "s"
    text = f"and {selection.others:,} more outcome{plural}"
    text = text.ljust(label_width + 2 + bar_width)
    share = f"{_percent(selection.others_count, selection.total):>7}"
    return style(f"{_INDENT}{text}  {selection.others_count:>{number_width},}  {share}", "dim")


def _percent(count: int, total: int) -> str:
    if not total:
        return "0.0 %"
    percent = 100 * count / total
    return "<0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"
