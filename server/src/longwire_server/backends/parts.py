"""Runs in parts, for backends that take a limited number of circuits at once."""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from numbers import Real
from typing import Any, Final

from qiskit.result import Result

from longwire_server.backends.parameters import Sweep

# Aer gives the circuit of index i the seed of the run plus this times i, so that a
# run in parts gives what it gives in one (observed with qiskit-aer 0.18.2). Other
# backends get seeds that differ from part to part.
SEED_STRIDE: Final = 2113
_SEED_BOUND: Final = 2**63


class Progress:
    """Counts the circuits that are finished, and tells of them while some are not.

    Args:
        total: how many circuits there are.
        tell: called with how many are finished, and `total`, after each part but
            the last, whose result tells it.
    """

    def __init__(self, total: int, tell: Callable[[int, int], None] | None) -> None:
        self._total = total
        self._tell = tell
        self._finished = 0

    def advance(self, circuits: int) -> None:
        """Counts circuits as finished."""
        self._finished += circuits
        if self._tell is not None and self._finished < self._total:
            self._tell(self._finished, self._total)


def parts_of(sweeps: Sequence[Sweep], max_circuits: int | None) -> Iterator[list[Sweep]]:
    """Yields the sweeps in order, in parts of at most so many points together."""
    if max_circuits is None:
        yield list(sweeps)
        return
    part: list[Sweep] = []
    room = max_circuits
    for sweep in sweeps:
        start = 0
        while start < sweep.num_points:
            stop = min(start + room, sweep.num_points)
            part.append(sweep.part(start, stop))
            room -= stop - start
            start = stop
            if room == 0:
                yield part
                part, room = [], max_circuits
    if part:
        yield part


def run_starts(sweeps: Sequence[Sweep]) -> list[int]:
    """Which run of all is each sweep's first; at the end, how many there are."""
    return list(accumulate((sweep.num_points for sweep in sweeps), initial=0))


def runs_of(sweeps: Sequence[Sweep], starts: Sequence[int], first: int, count: int) -> list[Sweep]:
    """Some consecutive runs of those that sweeps stand for.

    Args:
        sweeps: the circuits, each with its points.
        starts: :func:`run_starts` of them.
        first: index of the first run.
        count: how many.
    """
    stop = first + count
    indices = range(bisect_right(starts, first) - 1, bisect_left(starts, stop))
    return [
        sweeps[index].part(
            max(first, starts[index]) - starts[index],
            min(stop, starts[index + 1]) - starts[index],
        )
        for index in indices
        if starts[index] < starts[index + 1]
    ]


def seed_of_part(seed: int, first_circuit: int) -> int:
    """The seed of a part, so that parts are not alike.

    Args:
        seed: the seed of the job.
        first_circuit: index of the part's first circuit among those of the job.
    """
    return (seed + SEED_STRIDE * first_circuit) % _SEED_BOUND


def joined(results: Sequence[Result]) -> Result:
    """One result for those of the parts.

    It holds the outcomes of all in order, and the sum of the times taken; for the
    rest it is like the first.
    """
    whole: Result = copy.copy(results[0])
    if len(results) == 1:
        return whole
    whole.results = [each for result in results for each in result.results]
    whole.date = results[-1].date
    whole._metadata = with_summed_times([result._metadata for result in results])
    return whole


def with_summed_times(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The first of the mappings, with the sums of the times in seconds that all have."""
    whole = dict(parts[0])
    for name, value in whole.items():
        others = [part.get(name) for part in parts]
        if name.startswith("time_taken") and all(isinstance(other, Real) for other in others):
            whole[name] = sum(others)
        elif isinstance(value, Mapping) and all(isinstance(other, Mapping) for other in others):
            whole[name] = with_summed_times(others)  # type: ignore[arg-type]
    return whole
