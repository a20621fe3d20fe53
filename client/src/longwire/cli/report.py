"""The end of a job, as the commands that wait for it show it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from longwire.cli.documents import outcome_document, queued_seconds, running_seconds
from longwire.cli.following import FollowedJob
from longwire.cli.histogram import render_histogram
from longwire.cli.output_file import write_output
from longwire.cli.terminal import clean, is_unicode, style, width_columns, write, write_error
from longwire.cli.times import format_duration
from longwire.v1.job_pb2 import Job

if TYPE_CHECKING:
    from longwire.cli.outcome import CircuitOutcome


def report_result(followed: FollowedJob, output: Path | None) -> None:
    """Shows the result of a job that has ended, and writes it where asked to.

    Args:
        followed: the job.
        output: the file of ``--output``, checked before.

    Raises:
        CommandError: the job has no result, or the file cannot be written.
        LongwireError: the result cannot be fetched or read.
    """
    from longwire.cli.outcome import read_outcome

    encoded = followed.encoded_result()
    outcome = read_outcome(encoded)
    if output is not None:
        write_output(output, encoded, outcome)
    session = followed.session
    if session.as_json:
        session.write_json(outcome_document(followed.job, outcome))
        return
    for place, circuit in enumerate(outcome.circuits):
        for line in _circuit_lines(circuit, place):
            write(line)
        write()
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


def _circuit_lines(circuit: CircuitOutcome, place: int) -> list[str]:
    title = style(clean(circuit.name or f"circuit {place}"), "bold")
    if circuit.shots is not None:
        title += f"  {circuit.shots:,} shot{'' if circuit.shots == 1 else 's'}"
    lines = [title]
    if circuit.success is False:
        lines.append(style("  the backend says that this circuit did not succeed", "red"))
    if circuit.counts is not None:
        lines += render_histogram(circuit.counts, width_columns(), unicode=is_unicode(sys.stdout))
    others = [name for name in circuit.data_names if name != "counts"]
    if others:
        names = ", ".join(map(clean, others))
        lines.append(style(f"  also returned: {names} (--output FILE.json writes it)", "dim"))
    elif circuit.counts is None:
        lines.append("  no data was returned: does the circuit measure or save anything?")
    return lines
