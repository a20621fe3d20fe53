"""A job's way to its end: a line for each change in a pipe, a live line on a terminal."""

from __future__ import annotations

import datetime
import io

import pytest
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from longwire.cli.progress import LineProgress, LiveProgress
from longwire.v1.job_pb2 import Job, JobProgress, JobState, JobStatus

NOW = datetime.datetime.now(datetime.UTC)
CLOCK = NOW.astimezone().strftime("%H:%M:%S")
QUEUED = Job(status=JobStatus(status=JobState.JOB_STATE_QUEUED), queue_position=2)
RUNNING = Job(status=JobStatus(status=JobState.JOB_STATE_RUNNING))
HALFWAY = Job(
    status=JobStatus(status=JobState.JOB_STATE_RUNNING), progress=JobProgress(finished=5, total=10)
)
DONE = Job(status=JobStatus(status=JobState.JOB_STATE_DONE))


def test_line_progress_writes_each_change_once() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    for job in (QUEUED, QUEUED, RUNNING, HALFWAY, HALFWAY, DONE):
        progress.show(job, NOW)
    assert stream.getvalue().splitlines() == [
        f"{CLOCK}  QUEUED  position 2",
        f"{CLOCK}  RUNNING",
        f"{CLOCK}  RUNNING  5/10",
        f"{CLOCK}  DONE",
    ]


def test_line_progress_tells_when_a_queued_job_may_begin() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    waiting = Job()
    waiting.CopyFrom(QUEUED)
    tomorrow = NOW + datetime.timedelta(days=1)
    waiting.estimated_start_time.FromDatetime(tomorrow)
    progress.show(waiting, NOW)
    at = tomorrow.astimezone().strftime("%H:%M:%S")
    assert stream.getvalue() == f"{CLOCK}  QUEUED  position 2, may begin at {at}\n"


def test_line_progress_tells_no_time_that_is_over() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    waiting = Job()
    waiting.CopyFrom(QUEUED)
    waiting.estimated_start_time.FromDatetime(NOW - datetime.timedelta(minutes=1))
    progress.show(waiting, NOW)
    assert stream.getvalue() == f"{CLOCK}  QUEUED  position 2, may begin soon\n"


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)


def live_line(console: Console, job: Job, *, moment: datetime.datetime = NOW) -> str:
    """What a terminal shows after a change."""
    progress = LiveProgress(
        Live(console=console), Spinner("line"), keeps_changes=False, is_replay=True
    )
    progress.show(job, moment)
    with console.capture() as captured:
        console.print(progress.line())
    return captured.get().rstrip("\n")


def test_live_line_of_a_queued_job_has_its_position_and_the_time_it_waits(
    console: Console,
) -> None:
    an_hour_ago = NOW - datetime.timedelta(hours=1)
    words = live_line(console, QUEUED, moment=an_hour_ago).split()
    assert words[1:6] == ["QUEUED", "position", "2", "1", "h"]


def test_live_line_of_a_running_job_has_a_bar_as_long_as_what_is_finished(
    console: Console,
) -> None:
    line = live_line(console, HALFWAY)
    assert "RUNNING" in line
    assert "5/10" in line
    assert line.count("━") == 15
    finished = Job(status=RUNNING.status, progress=JobProgress(finished=10, total=10))
    assert live_line(console, finished).count("━") == 30


def test_live_line_fits_into_a_narrow_terminal(console: Console) -> None:
    console.width = 30
    line = live_line(console, HALFWAY)
    assert "\n" not in line
    assert "5/10" in line
    assert "━" in line


def test_live_line_of_a_running_job_of_unknown_progress_has_no_bar(console: Console) -> None:
    line = live_line(console, RUNNING)
    assert "RUNNING" in line
    assert "━" not in line
    assert "/" not in line.replace("/ RUNNING", "")


def test_live_line_of_a_job_that_has_ended_is_empty(console: Console) -> None:
    assert live_line(console, DONE) == ""


def test_note_is_written_between_changes(console: Console) -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    for job in (RUNNING, RUNNING, DONE):
        progress.show(job, NOW)
        progress.note("still waiting")
    assert [line.split("  ")[1] for line in stream.getvalue().splitlines()] == [
        *["RUNNING", "still waiting", "still waiting", "DONE", "still waiting"]
    ]
    live = LiveProgress(Live(console=console), Spinner("line"), keeps_changes=True, is_replay=True)
    with console.capture() as captured:
        live.note("still waiting")
    assert captured.get() == "still waiting\n"
