"""How a job's way to its end is shown to who waits for it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TextIO

from longwire.following.job_html import job_text
from longwire.following.job_state import is_final, job_state
from longwire.following.live import JobPicture, is_notebook
from longwire.v1.job_pb2 import Job

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLORS = {
    "QUEUED": "yellow",
    "VALIDATING": "cyan",
    "RUNNING": "cyan",
    "DONE": "green",
    "CANCELLED": "magenta",
    "ERROR": "red",
}


def shown_progress(stream: TextIO | None = None) -> AbstractContextManager[Callable[[Job], None]]:
    """A context that gives a function, which shows a job as it is now.

    In a notebook it is displayed and kept up to date. On a terminal it is a line
    with the state, the place in the queue or how much is finished, and the time
    since the wait began; elsewhere it is a line for each change.

    Args:
        stream: where to, where this is no notebook; None for the standard error.
    """
    if stream is None and is_notebook():
        return _in_notebook()
    stream = stream or sys.stderr
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return _on_terminal(stream)
    return _in_lines(stream)


@contextmanager
def _in_notebook() -> Iterator[Callable[[Job], None]]:
    yield JobPicture().show


@contextmanager
def _in_lines(stream: TextIO) -> Iterator[Callable[[Job], None]]:
    last = ""

    def show(job: Job) -> None:
        nonlocal last
        text = job_text(job)
        if text != last:
            last = text
            print(f"{time.strftime('%H:%M:%S')}  {text}", file=stream, flush=True)

    yield show


@contextmanager
def _on_terminal(stream: TextIO) -> Iterator[Callable[[Job], None]]:
    from rich.console import Console
    from rich.live import Live

    line = _Line()
    live = Live(
        console=Console(file=stream),
        get_renderable=line.render,
        refresh_per_second=10,
        # What is printed meanwhile goes above the line, but never from a file to here.
        redirect_stdout=sys.stdout.isatty(),
    )
    with live:
        yield line.show
        live.refresh()


class _Line:
    """A line of a terminal; the time in it goes on without news of the job."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._job: Job | None = None

    def show(self, job: Job) -> None:
        """Takes the job as it is now; the line follows at its next refresh."""
        self._job = job

    def render(self) -> RenderableType:
        """The line at this moment."""
        from rich.text import Text

        text = Text(no_wrap=True, overflow="ellipsis")
        if self._job is None:
            return text
        state = job_state(self._job.status).name
        text.append(state, style=f"bold {_COLORS.get(state, 'white')}")
        text.append(job_text(self._job).removeprefix(state))
        seconds = time.monotonic() - self._begun
        precise = is_final(self._job) or seconds < 10
        text.append(f"  {seconds:.{1 if precise else 0}f} s", style="dim")
        return text
