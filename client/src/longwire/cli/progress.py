"""How a job's way to its end is shown while a command waits for it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from longwire.cli.documents import FINAL_STATES, state_name
from longwire.cli.terminal import is_terminal, is_unicode
from longwire.cli.times import format_clock, format_waited, is_soon, to_datetime
from longwire.v1.job_pb2 import Job

if TYPE_CHECKING:
    from rich.live import Live
    from rich.spinner import Spinner

_WIDEST_BAR = 30
_COLORS = {
    "QUEUED": "yellow",
    "VALIDATING": "cyan",
    "RUNNING": "cyan",
    "DONE": "green",
    "CANCELLED": "magenta",
    "ERROR": "red",
}


def state_color(state: str) -> str:
    """The colour in which a state is written."""
    return _COLORS.get(state, "white")


class Progress(Protocol):
    """Somebody who is told of every change of a job."""

    def show(self, job: Job, moment: datetime.datetime) -> None:
        """Takes the job as it is since ``moment``."""

    def note(self, text: str) -> None:
        """Takes something to say that changes nothing about the job."""


class SilentProgress:
    """Shows nothing."""

    def show(self, job: Job, moment: datetime.datetime) -> None:
        """Does nothing."""

    def note(self, text: str) -> None:
        """Does nothing."""


class LineProgress:
    """Writes a line for each change: the time of day, the state, and how far the job is.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = ""

    def show(self, job: Job, moment: datetime.datetime) -> None:
        """Writes a line where something has changed."""
        text = describe(job)
        if text != self._last:
            self._last = text
            print(f"{format_clock(moment)}  {text}", file=self._stream, flush=True)

    def note(self, text: str) -> None:
        """Writes a line."""
        now = datetime.datetime.now(datetime.UTC)
        print(f"{format_clock(now)}  {text}", file=self._stream, flush=True)


class LiveProgress:
    """Keeps one line of a terminal up to date: the state, how far the job is, for how long.

    Args:
        live: the region of the terminal.
        spinner: what it shows.
        keeps_changes: whether a line for each change of state stays above.
        is_replay: whether changes are told later than they happened, so that this
            machine's clock must say how long ago.
    """

    def __init__(
        self, live: Live, spinner: Spinner, *, keeps_changes: bool, is_replay: bool
    ) -> None:
        self._live = live
        self._spinner = spinner
        self._keeps_changes = keeps_changes
        self._is_replay = is_replay
        self._state = ""
        self._since = time.monotonic()
        self._job: Job | None = None

    def show(self, job: Job, moment: datetime.datetime) -> None:
        """Takes the job as it is now; the line follows at its next refresh."""
        state = state_name(job)
        if state != self._state:
            self._state, self._since = state, time.monotonic()
            if self._is_replay:
                age = datetime.datetime.now(datetime.UTC) - moment
                self._since -= max(0.0, age.total_seconds())
            if self._keeps_changes:
                self._live.console.print(
                    f"[dim]{format_clock(moment)}[/dim]  [{state_color(state)}]{state}[/]",
                    highlight=False,
                )
        self._job = job

    def note(self, text: str) -> None:
        """Writes a line, which stays above the live one."""
        self._live.console.print(text, style="dim", highlight=False)

    def line(self) -> Any:
        """What the line shows at this moment."""
        from rich.table import Column, Table
        from rich.text import Text

        if self._job is None or self._job.status.status in FINAL_STATES:
            return Text()
        state = Text(self._state, style=f"bold {state_color(self._state)}")
        line = Table.grid(Column(no_wrap=True), padding=(0, 1))
        cells: list[Any] = [state]
        if self._job.HasField("progress"):
            line.add_column(max_width=_WIDEST_BAR)
            cells.append(_bar(self._job))
        if how_far := _how_far(self._job):
            line.add_column(no_wrap=True)
            cells.append(Text(how_far))
        line.add_column(no_wrap=True)
        cells.append(Text(format_waited(time.monotonic() - self._since), style="dim"))
        line.add_row(*cells)
        self._spinner.update(text=line)
        return self._spinner


def _bar(job: Job) -> Any:
    from rich.progress_bar import ProgressBar

    color = state_color(state_name(job))
    return ProgressBar(
        total=max(job.progress.total, 1),
        completed=job.progress.finished,
        style="dim",
        complete_style=color,
        finished_style=color,
    )


def describe(job: Job) -> str:
    """The state, with the place in the queue or the progress where there is one."""
    return "  ".join(filter(None, (state_name(job), _how_far(job))))


def _how_far(job: Job) -> str:
    if job.HasField("progress"):
        return f"{job.progress.finished}/{job.progress.total}"
    if not job.HasField("queue_position"):
        return ""
    position = f"position {job.queue_position}"
    if not job.HasField("estimated_start_time"):
        return position
    start = to_datetime(job.estimated_start_time)
    return f"{position}, may begin {'soon' if is_soon(start) else f'at {format_clock(start)}'}"


def progress_on(
    stream: TextIO, *, silent: bool, keeps_changes: bool = False, is_replay: bool = False
) -> AbstractContextManager[Progress]:
    """The progress that suits a stream: a live line on a terminal, else plain lines.

    Args:
        stream: the standard output or error.
        silent: for a program, which reads neither.
        keeps_changes: whether each change of state stays on a terminal, too.
        is_replay: whether the job was submitted before.
    """
    if silent:
        return _plain(SilentProgress())
    if is_terminal(stream):
        return _live_on(stream, keeps_changes=keeps_changes, is_replay=is_replay)
    return _plain(LineProgress(stream))


@contextmanager
def _plain(progress: Progress) -> Iterator[Progress]:
    yield progress


@contextmanager
def _live_on(stream: TextIO, *, keeps_changes: bool, is_replay: bool) -> Iterator[Progress]:
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    spinner = Spinner("dots" if is_unicode(stream) else "line", style="dim")
    live = Live(console=Console(file=stream), refresh_per_second=10, transient=True)
    progress = LiveProgress(live, spinner, keeps_changes=keeps_changes, is_replay=is_replay)
    live.get_renderable = progress.line  # type: ignore[method-assign]
    with live:
        yield progress


def event_moment(message: Any, name: str) -> datetime.datetime:
    """A time of a message; the present where it has none."""
    if message.HasField(name):
        return to_datetime(getattr(message, name))
    return datetime.datetime.now(datetime.UTC)
