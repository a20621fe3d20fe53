"""The end of a job, as the commands that wait for it show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from longwire.cli.documents import is_primitive, queued_seconds, running_seconds
from longwire.cli.following import WatchedJob
from longwire.cli.output_file import write_output
from longwire.cli.terminal import style, write, write_error
from longwire.cli.times import format_duration
from longwire.v1.job_pb2 import Job

if TYPE_CHECKING:
    from longwire.cli.outcome import CircuitOutcome


class ResultReport(Protocol):
    """A result that was read, in the forms in which it is asked for."""

    def document(self) -> dict[str, Any]:
        """What ``--json`` writes."""

    def whole_document(self) -> Any:
        """What ``--output FILE.json`` writes: all that the result holds, in JSON's types."""

    def pictured(self) -> Sequence[CircuitOutcome]:
        """The counts that a picture shows."""

    def lines(self) -> Iterator[str]:
        """What a terminal shows."""


def report_result(followed: WatchedJob, output: Path | None) -> None:
    """Shows the result of a job that has ended, and writes it where asked to.

    Args:
        followed: the job.
        output: the file of ``--output``, checked before.

    Raises:
        CommandError: the job has no result, or the file cannot be written.
        LongwireError: the result cannot be fetched or read.
    """
    report = _read(followed)
    if output is not None:
        write_output(output, report)
    session = followed.session
    if session.as_json:
        session.write_json(report.document())
        return
    for line in report.lines():
        write(line)
    write(style(elapsed(followed.job), "dim"))
    if output is not None:
        write_error(style(f"written to {output}", "dim"))


def elapsed(job: Job) -> str:
    """How long a job that has ended waited and ran."""
    parts = []
    queued, running = queued_seconds(job), running_seconds(job)
    if queued is not None:
        parts.append(f"queued {format_duration(queued)}")
    if running is not None:
        parts.append(f"ran {format_duration(running)}")
    return ", ".join(parts)


def _read(followed: WatchedJob) -> ResultReport:
    encoded = followed.encoded_result()
    if is_primitive(followed.job):
        from longwire.cli.primitive_report import PrimitiveReport

        return PrimitiveReport(followed.job, encoded)
    from longwire.cli.circuits_report import CircuitsReport

    return CircuitsReport(followed.job, encoded)
