"""Tables of plain columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longwire.cli.terminal import clean, style

_GAP = "  "


@dataclass(frozen=True)
class Cell:
    """A text with its weight and colour, as :func:`longwire.cli.terminal.style` names them."""

    text: str
    looks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column: its header, and whether its cells are numbers, set to the right."""

    header: str
    is_number: bool = False


def render_table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]], *, width: int | None = None
) -> list[str]:
    """The lines of a table, the headers first.

    Args:
        columns: its columns.
        rows: for each row a cell for each column.
        width: the columns of the terminal, to which the last column is cut;
            None leaves it whole.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [
        max(len(column.header), *(len(row[place].text) for row in cells), 0)
        for place, column in enumerate(columns)
    ]
    if width is not None:
        taken = sum(widths[:-1]) + len(_GAP) * (len(columns) - 1)
        widths[-1] = min(widths[-1], max(width - taken, 8))
    header = [Cell(column.header, ("dim",)) for column in columns]
    return [_line(columns, row, widths) for row in [header, *cells]]


def render_fields(fields: Sequence[tuple[str, Cell | str]]) -> list[str]:
    """Lines of names and values, aligned."""
    width = max(len(name) for name, _ in fields)
    lines = []
    for name, value in fields:
        cell = _cell(value)
        indented = cell.text.replace("\n", "\n" + " " * (width + len(_GAP)))
        lines.append(f"{style(name.ljust(width), 'dim')}{_GAP}{style(indented, *cell.looks)}")
    return lines


def _cell(value: Cell | str) -> Cell:
    return Cell(clean(value)) if isinstance(value, str) else Cell(clean(value.text), value.looks)


def _line(columns: Sequence[Column], cells: Sequence[Cell], widths: Sequence[int]) -> str:
    parts = []
    for place, (column, cell, width) in enumerate(zip(columns, cells, widths, strict=True)):
        text = cell.text.replace("\n", " ")
        if len(text) > width:
            text = text[: width - 1] + "…"
        is_last = place == len(columns) - 1
        padding = " " * (width - len(text))
        shown = style(text, *cell.looks)
        if column.is_number:
            parts.append(padding + shown)
        else:
            parts.append(shown if is_last else shown + padding)
    return _GAP.join(parts).rstrip()
