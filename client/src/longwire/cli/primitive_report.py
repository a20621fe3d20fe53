"""The result of a sampler or an estimator as text: a table of each pub."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy.typing as npt

from longwire.cli.documents import primitive_document, whole_primitive_document
from longwire.cli.histogram import render_histogram, select_outcomes
from longwire.cli.outcome import CircuitOutcome
from longwire.cli.primitive_outcome import (
    PubOutcome,
    RegisterOutcome,
    points,
    read_primitive_outcome,
)
from longwire.cli.table import Cell, Column, render_table
from longwire.cli.terminal import clean, is_unicode, style, table_width_columns, width_columns
from longwire.codecs.received_result import ResultAsSent
from longwire.v1.job_pb2 import Job

_MOST_POINTS = 32
_MOST_OUTCOMES = 4
# Outcomes of wider registers seldom repeat, and a row has no room for them.
_WIDEST_BITS = 16
_INDENT = "  "

# The name of some data, whether it is a number, and its text at a point.
_Column = tuple[str, bool, Callable[[int], str]]


class PrimitiveReport:
    """A :class:`~longwire.cli.report.ResultReport` of a sampler or an estimator.

    Args:
        job: the job.
        encoded: its result.

    Raises:
        CodecError: the result is not that which was sent, or is none.
        CommandError: its data cannot be read.
    """

    def __init__(self, job: Job, encoded: ResultAsSent) -> None:
        self._job = job
        self._outcome = read_primitive_outcome(encoded)

    def document(self) -> dict[str, Any]:
        """The job with the counts and the numbers of each pub."""
        return primitive_document(self._job, self._outcome)

    def whole_document(self) -> dict[str, Any]:
        """The same, with the outcome of every shot."""
        return whole_primitive_document(self._job, self._outcome)

    def pictured(self) -> Sequence[CircuitOutcome]:
        """The counts of each register at each point, as those of a circuit."""
        return [
            CircuitOutcome(
                name=f"pub {place}{f' {point}' if point else ''}, {name}",
                success=None,
                shots=register.num_shots,
                seed=None,
                counts=register.counts(number),
                memory=None,
                data_names=(),
            )
            for place, pub in enumerate(self._outcome.pubs)
            for name, register in pub.registers.items()
            for number, point in enumerate(points(register.shape))
        ]

    def lines(self) -> Iterator[str]:
        """The table of each pub, with an empty line after it."""
        for place, pub in enumerate(self._outcome.pubs):
            yield from _pub_lines(pub, place)
            yield ""


def format_value(value: float, deviation: float | None) -> str:
    """An expectation value with its standard error, to two digits of the latter.

    Args:
        value: what was estimated.
        deviation: its standard error; zero or None where it is exact or not known.
    """
    if not deviation or not math.isfinite(deviation):
        return f"{value:.10g}"
    digits = 1 - math.floor(math.log10(abs(deviation)))
    if not 0 <= digits <= 12:
        return f"{value:.10g} ± {deviation:.2g}"
    return f"{value:.{digits}f} ± {deviation:.{digits}f}"


def _pub_lines(pub: PubOutcome, place: int) -> Iterator[str]:
    facts = [f"shape {pub.shape}"] if pub.shape else []
    at_each = " a point" if pub.shape else ""
    shots = dict.fromkeys(register.num_shots for register in pub.registers.values())
    facts += [f"{number:,} shot{'' if number == 1 else 's'}{at_each}" for number in shots]
    yield _INDENT.join([style(f"pub {place}", "bold"), ", ".join(facts)]).rstrip()
    # Data may have dimensions beyond the pub's, for which a table has no place.
    registers = {
        name: register for name, register in pub.registers.items() if register.shape == pub.shape
    }
    numbers = {
        name: array.ravel()
        for name, array in pub.arrays.items()
        if array.shape == pub.shape and array.dtype.kind in "biuf"
    }
    if pub.shape:
        counts = [(name, False, _counts_text(register)) for name, register in registers.items()]
        yield from _point_table(pub.shape, [*counts, *_number_columns(numbers)])
    else:
        for name, register in registers.items():
            yield from _register_lines(name, register)
        for name, _, text_at in _number_columns(numbers):
            yield f"{_INDENT}{clean(name)}  {text_at(0)}"
    data = (*pub.registers, *pub.arrays, *pub.others)
    others = [name for name in data if name not in registers and name not in numbers]
    if others:
        names = ", ".join(map(clean, others))
        yield style(f"{_INDENT}also returned: {names} (--output FILE.json writes it)", "dim")
    elif not data:
        yield f"{_INDENT}no data was returned: does the circuit measure anything?"


def _register_lines(name: str, register: RegisterOutcome) -> Iterator[str]:
    plural = "" if register.num_bits == 1 else "s"
    yield f"{_INDENT}{clean(name)}, {register.num_bits} bit{plural}"
    yield from render_histogram(register.counts(0), width_columns(), unicode=is_unicode(sys.stdout))


def _number_columns(numbers: dict[str, npt.NDArray[Any]]) -> list[_Column]:
    """A column for each name; one for expectation values with their standard errors."""
    deviations = numbers.get("stds") if "evs" in numbers else None
    columns: list[_Column] = []
    for name, values in numbers.items():
        if name == "evs" and deviations is not None:
            columns.append(("evs ± stds", True, _number_text(values, deviations)))
        elif values is not deviations:
            columns.append((name, True, _number_text(values, None)))
    return columns


def _number_text(
    values: npt.NDArray[Any], deviations: npt.NDArray[Any] | None
) -> Callable[[int], str]:
    return lambda point: format_value(
        float(values[point]), None if deviations is None else float(deviations[point])
    )


def _counts_text(register: RegisterOutcome) -> Callable[[int], str]:
    def text_at(point: int) -> str:
        counts = register.counts(point)
        if register.num_bits > _WIDEST_BITS:
            return f"{len(counts):,} outcomes of {register.num_bits} bits"
        selection = select_outcomes(counts, _MOST_OUTCOMES)
        parts = [f"{outcome}: {number:,}" for outcome, number in selection.shown]
        if selection.others:
            parts.append(f"{selection.others:,} more: {selection.others_count:,}")
        return _INDENT.join(parts)

    return text_at


def _point_table(shape: tuple[int, ...], columns: list[_Column]) -> Iterator[str]:
    rows: list[list[Cell | str]] = []
    for place, point in enumerate(islice(points(shape), _MOST_POINTS)):
        label = ", ".join(map(str, point))
        rows.append([Cell(label, ("dim",)), *(text_at(place) for _, _, text_at in columns)])
    width = table_width_columns()
    headers = [Column("POINT"), *(Column(name, is_number) for name, is_number, _ in columns)]
    for line in render_table(headers, rows, width=width and width - len(_INDENT)):
        yield _INDENT + line
    others = math.prod(shape) - len(rows)
    if others:
        plural = "" if others == 1 else "s"
        text = f"{_INDENT}and {others:,} more point{plural} (--json writes all)"
        yield style(text, "dim")
