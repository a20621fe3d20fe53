"""Models as tables in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["html_table"]

# Longer values would push the rest of the notebook off the screen.
_LONGEST_TEXT = 300


def html_table(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """An HTML table of names and values, in which nothing is taken for markup.

    Args:
        title: stands above the table.
        rows: names and values; values longer than 300 characters are cut.
    """
    lines = [f"<b>{escape(title)}</b>", "<table>"]
    for name, value in rows:
        text = value if isinstance(value, str) else repr(value)
        if len(text) > _LONGEST_TEXT:
            text = text[:_LONGEST_TEXT] + "…"
        lines.append(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>")
    return "\n".join([*lines, "</table>"])
