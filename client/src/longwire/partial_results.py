"""The results of a primitive's pubs, as they are done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from longwire.events import Finished, JobEvent, JobEvents, PubFinished
from longwire.following.feed import Feed
from longwire.transport.interruption import Interruption

if TYPE_CHECKING:
    from qiskit.primitives import PrimitiveResult, PubResult


class PartialResults(Feed["PubResult"]):
    """The results of a job's pubs, in the order in which they were submitted.

    Each comes once, as soon as it is known. One that is too large to be told
    apart, and those behind it, come with the job's result. Where an attempt at
    the job is lost and repeated, what was given before stays given; with a seed
    the repetition gives the same, and without one only ``job.result()`` is of one
    attempt throughout.

    It is made by ``job.partial_results()``, and can be iterated once, with
    ``for`` or ``async for``.

    Args:
        events: the job's events with the results of its pubs.
        whole_result: waits for the job's result, and raises where it has none.
    """

    def __init__(
        self,
        events: JobEvents,
        whole_result: Callable[[Interruption], PrimitiveResult[PubResult]],
    ) -> None:
        super().__init__()
        self._events = events
        self._whole_result = whole_result
        self._next_index = 0
        self._is_final = False

    def _read(self, interruption: Interruption) -> None:
        if not self._is_final:
            for event in self._events.take_ready(interruption):
                self._take(event)
        if self._is_final:
            self._ready.extend(list(self._whole_result(interruption))[self._next_index :])
            self._is_ended = True

    def _take(self, event: JobEvent) -> None:
        match event:
            case PubFinished(index, result) if index == self._next_index and result is not None:
                self._next_index += 1
                self._ready.append(result)
            case Finished():
                self._is_final = True

    def _end_call(self) -> None:
        self._events.close()
