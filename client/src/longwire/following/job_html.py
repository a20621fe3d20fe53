"""A job as it is shown in a notebook."""

from __future__ import annotations

import datetime
from html import escape
from typing import TYPE_CHECKING

from longwire.following.job_state import job_state
from longwire.v1.job_pb2 import Job

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

_COLORS = {
    "QUEUED": "#8a6d00",
    "VALIDATING": "#006d8a",
    "RUNNING": "#006d8a",
    "DONE": "#1a7f37",
    "CANCELLED": "#8250df",
    "ERROR": "#cf222e",
}
# Longer texts would push the rest of the notebook off the screen.
_LONGEST_TEXT = 2000


def job_html(job: Job, warning: str = "") -> str:
    """A table of what is known of a job, in which nothing is taken for markup.

    Args:
        job: the server's record.
        warning: why the record may be out of date; empty where it is not.
    """
    rows = [
        ("Backend", escape(job.backend_name)),
        ("Status", _status(job)),
        ("Position in queue", str(job.queue_position) if job.HasField("queue_position") else ""),
        ("May begin", _start(job)),
        ("Progress", _progress(job)),
        ("Name", escape(job.name)),
        ("Tags", escape(", ".join(job.tags))),
        ("Accepted", _time(job, "create_time")),
        ("Started", _time(job, "start_time")),
        ("Ended", _time(job, "end_time")),
        ("Error", _text(job.error.message)),
        ("Warning", _text(warning)),
    ]
    cells = "".join(
        f'<tr><th style="text-align:left">{name}</th><td style="text-align:left">{value}</td></tr>'
        for name, value in rows
        if value
    )
    return f"<b>Job</b> <code>{escape(job.job_id)}</code><table>{cells}</table>"


def job_text(job: Job) -> str:
    """The job's state in a line: ``RUNNING  3/10``, ``QUEUED  position 2``."""
    parts = [job_state(job.status).name]
    if job.HasField("queue_position"):
        parts.append(f"position {job.queue_position}")
    if job.HasField("progress"):
        parts.append(f"{job.progress.finished}/{job.progress.total}")
    return "  ".join(parts)


def _status(job: Job) -> str:
    name = job_state(job.status).name
    return f'<b style="color:{_COLORS.get(name, "inherit")}">{name}</b>'


def _start(job: Job) -> str:
    """When it may begin; an estimate that is over is no time to tell."""
    if not job.HasField("estimated_start_time"):
        return ""
    start = job.estimated_start_time.ToDatetime(tzinfo=datetime.UTC)
    is_over = start <= datetime.datetime.now(datetime.UTC)
    return "soon" if is_over else _time(job, "estimated_start_time")


def _progress(job: Job) -> str:
    if not job.HasField("progress"):
        return ""
    finished, total = job.progress.finished, job.progress.total
    return f'<progress value="{finished}" max="{total}"></progress> {finished}/{total}'


def _text(text: str) -> str:
    cut = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
    return escape(cut).replace("\n", "<br>")


def _time(job: Job, name: str) -> str:
    """A time of the record in this machine's zone; nothing where it has none."""
    if not job.HasField(name):  # type: ignore[arg-type]
        return ""
    timestamp: Timestamp = getattr(job, name)
    moment: datetime.datetime = timestamp.ToDatetime(tzinfo=datetime.UTC)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
