"""Runs pubs, some at a time, and tells of those that are finished."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, Final

from qiskit.primitives import BitArray, PubResult

from longwire.codecs.encoded_result import pack_result
from longwire.codecs.primitive_result import join_pub_results, pub_result_to_proto
from longwire.codecs.pubs import pub_place
from longwire.errors import JobFailedError, LongwireError
from longwire.v1 import primitive_result_pb2
from longwire_server.execution.worker.hosted_primitive import HostedPrimitive, Pub
from longwire_server.execution.worker.listener import AttemptListener

# Pubs are run together for about so long: many small ones cost no more than all at
# once, and of large ones each is told as it is finished.
_BATCH_SECONDS: Final = 0.35
# So many times as many pubs as before are run next at most: the first may tell
# little of the others.
_GROWTH: Final = 8


class PubRunner:
    """One job's pubs on one primitive.

    Args:
        primitive: the sampler or the estimator.
        pubs: the pubs, checked.
        listener: is told of pubs that are finished while others are not. The last
            ones come with the job's result.

    Attributes:
        sampled_shots: how many shots the results hold, of all points together; those of
            an estimator hold none.
    """

    def __init__(
        self, primitive: HostedPrimitive, pubs: Sequence[Pub], listener: AttemptListener
    ) -> None:
        self._primitive = primitive
        self._pubs = pubs
        self._listener = listener
        self._messages: list[primitive_result_pb2.PubResult] = []
        self._metadata: dict[str, Any] = {}
        self.sampled_shots = 0

    def run(self) -> primitive_result_pb2.PrimitiveResult:
        """Runs all pubs.

        Raises:
            LongwireError: one cannot be run, or its result cannot be sent; the
                message names it.
        """
        first, size = 0, len(self._pubs) if self._primitive.seeds is None else 1
        while True:
            began = time.perf_counter()
            results = self._results_of(first, size)
            seconds = time.perf_counter() - began
            for index, result in enumerate(results, first):
                self._take(index, result)
            if len(self._messages) == len(self._pubs):
                return join_pub_results(self._messages, self._metadata)
            self._tell(first)
            first, size = first + size, self._next_size(first, size, seconds)

    def _results_of(self, first: int, size: int) -> list[PubResult]:
        """Runs some pubs together; where that fails, one by one, to name the one at fault."""
        pubs, seeds = self._pubs[first : first + size], self._primitive.seeds
        mark = None if seeds is None else seeds.mark()
        try:
            result = self._primitive.run(pubs)
        except Exception as error:
            if size == 1 or seeds is None or mark is None or _is_memory_error(error):
                raise self._failure(error, first, size) from error
            seeds.return_to(mark)
            return [each for index in range(size) for each in self._results_of(first + index, 1)]
        if len(result) != len(pubs):
            raise JobFailedError(
                f"the backend's primitive returned {len(result)} results for {len(pubs)} pubs; it "
                "must be corrected"
            )
        self._metadata = self._metadata or dict(result.metadata)
        return list(result)

    def _take(self, index: int, result: PubResult) -> None:
        try:
            self._messages.append(pub_result_to_proto(result))
            self.sampled_shots += _sampled_shots(result)
        except LongwireError as error:
            raise self._failure(error, index, 1) from error

    def _tell(self, first: int) -> None:
        for message in self._messages[first:]:
            self._listener.pub_finished(pack_result(message).SerializeToString())
        self._listener.progress(len(self._messages), len(self._pubs))

    def _next_size(self, first: int, size: int, seconds: float) -> int:
        """How many pubs are run next, by how long the last ones took."""
        points = sum(math.prod(pub.shape) for pub in self._pubs[first : first + size])
        room = _BATCH_SECONDS * points / max(seconds, 1e-6)
        following = self._pubs[first + size : first + size + _GROWTH * size]
        chosen = 0
        for pub in following:
            room -= math.prod(pub.shape)
            if room < 0:
                break
            chosen += 1
        return max(chosen, 1)

    def _failure(self, error: Exception, first: int, size: int) -> Exception:
        if _is_memory_error(error):
            return error if isinstance(error, MemoryError) else MemoryError(str(error))
        if size == 1:
            return pub_error(first, self._pubs[first], error)
        return _error_at(f"pubs {first} to {first + size - 1}", error)


def _sampled_shots(result: PubResult) -> int:
    """The shots at all points of a pub: its registers were measured in the same ones."""
    arrays = [each for each in result.data.values() if isinstance(each, BitArray)]
    return max((each.num_shots * each.size for each in arrays), default=0)


def pub_error(index: int, pub: Pub, error: Exception) -> LongwireError:
    """An error for the user that begins with the pub.

    Args:
        index: the pub's number.
        pub: the pub.
        error: what was raised; its words are kept, and its class where it is ours.
    """
    # The place names the circuit already.
    return _error_at(pub_place(index, pub.circuit), error, f"circuit {pub.circuit.name!r}")


def _error_at(place: str, error: Exception, known: str = "") -> LongwireError:
    if isinstance(error, LongwireError):
        words = str(error).removeprefix(known).removeprefix(":").strip()
        return type(error)(f"{place}: {words}", reason=error.reason, details=error.details)
    words = getattr(error, "message", None) or " ".join(map(str, error.args)) or "no message"
    return JobFailedError(f"{place}: {type(error).__name__}: {words}")


def _is_memory_error(error: Exception) -> bool:
    # A thread needs address space for its stack, of which a worker has not any amount.
    no_thread = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    # What a backend says of its own memory names the pub, as everything that it says.
    is_told = isinstance(error, LongwireError)
    return (isinstance(error, MemoryError) and not is_told) or no_thread
