"""How the demo looks: at most 80 columns, in colour where the terminal has any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from longwire.providers.models import BackendStatus

_console = Console(highlight=False)
_console.width = min(80, _console.width)

_BAR_COLUMNS = 24
_COLOURS = ("cyan", "magenta")


def title(name: str, sentence: str) -> None:
    """The first line."""
    _print(Text.assemble((name, "bold"), "  ", (sentence, "dim")), indent=0)


def heading(text: str, note: str = "") -> None:
    """Begins a part."""
    _console.print()
    _print(Text.assemble((text, "bold cyan"), (f"  {note}" if note else "", "dim")), indent=0)


def line(text: str) -> None:
    """A line of a part."""
    _print(Text(text))


def state(name: str, seconds: float) -> None:
    """A job's new state, and when it was told."""
    colour = {"DONE": "green", "ERROR": "red", "CANCELLED": "red"}.get(name, "default")
    _print(Text.assemble((f"{name:<12}", colour), (f"{seconds * 1000:8.1f} ms", "dim")))


def check(text: str, holds: bool) -> None:
    """A claim, with whether it holds."""
    mark = ("✓ ", "green") if holds else ("✗ not ", "red")
    _print(Text.assemble(mark, text))


def statuses(backend_statuses: Iterable[BackendStatus]) -> None:
    """One line for each backend."""
    table = Table(box=None, padding=(0, 3, 0, 0), show_header=False)
    for status in backend_statuses:
        mark = Text("●", "green" if status.operational else "red")
        waiting = f"{status.pending_jobs} waiting"
        table.add_row(mark, status.backend_name, status.backend_version, status.status_msg, waiting)
    _print(table)


def histogram(counts_by_backend: Mapping[str, Mapping[str, int]]) -> None:
    """Outcomes and how often each backend gave them, side by side."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for name in counts_by_backend:
        table.add_column(name, width=_BAR_COLUMNS + 7)
    most = max(max(counts.values()) for counts in counts_by_backend.values())
    for outcome in sorted(set().union(*counts_by_backend.values())):
        cells = [
            _bar(counts.get(outcome, 0), most, colour)
            for counts, colour in zip(counts_by_backend.values(), _COLOURS, strict=False)
        ]
        table.add_row(Text(outcome, "bold"), *cells)
    _print(table)


def _bar(count: int, most: int, colour: str) -> Text:
    eighths = round(count / most * _BAR_COLUMNS * 8)
    tip = " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    bar = "█" * (eighths // 8) + tip or "▏" * (count > 0)
    return Text.assemble((bar, colour), (f" {count}" if bar else f"{count}", "dim"))


def _print(renderable: Text | Table, indent: int = 2) -> None:
    _console.print(Padding(renderable, (0, 0, 0, indent), expand=False))
