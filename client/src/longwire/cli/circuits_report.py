"""The result of circuits as the commands show it: a histogram of each."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from longwire.cli.documents import outcome_document
from longwire.cli.histogram import render_histogram
from longwire.cli.jsonable import jsonable
from longwire.cli.outcome import CircuitOutcome, read_outcome
from longwire.cli.terminal import clean, is_unicode, style, width_columns
from longwire.codecs.received_result import ResultAsSent
from longwire.v1.job_pb2 import Job


class CircuitsReport:
    """A :class:`~longwire.cli.report.ResultReport` of circuits.

    Args:
        job: the job.
        encoded: its result.

    Raises:
        CodecError: the result is not that which was sent, or is none.
        CommandError: its counts cannot be read.
    """

    def __init__(self, job: Job, encoded: ResultAsSent) -> None:
        self._job = job
        self._encoded = encoded
        self._outcome = read_outcome(encoded)

    def document(self) -> dict[str, Any]:
        """The job with its counts."""
        return outcome_document(self._job, self._outcome)

    def whole_document(self) -> Any:
        """The result as ``to_dict()`` of Qiskit's gives it."""
        from longwire.codecs.result import decode_result

        return jsonable(decode_result(self._encoded).to_dict())

    def pictured(self) -> Sequence[CircuitOutcome]:
        """The circuits."""
        return self._outcome.circuits

    def lines(self) -> Iterator[str]:
        """A histogram of each circuit, with an empty line after it."""
        for place, circuit in enumerate(self._outcome.circuits):
            yield from _circuit_lines(circuit, place)
            yield ""


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
