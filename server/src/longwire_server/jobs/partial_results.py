"""What a running attempt has told of its work: how far it is, and which pubs are finished."""

from __future__ import annotations

from longwire.v1.job_event_pb2 import PubFinished
from longwire.v1.job_pb2 import JobProgress
from longwire.v1.result_pb2 import EncodedResult

# The results of one attempt's pubs that are kept in memory, all together. Later
# ones are told without their result, which comes with the job's.
_KEPT_BYTES = 64 << 20


class PartialResults:
    """Progress and finished pubs of one attempt.

    Args:
        attempt: which attempt it is, counted from 1.
        inline_result_bytes: a pub's result up to this size is told.

    Attributes:
        progress: how far the attempt is; None until it has said so.
    """

    def __init__(self, attempt: int, *, inline_result_bytes: int) -> None:
        self.progress: JobProgress | None = None
        self._attempt = attempt
        self._inline_result_bytes = inline_result_bytes
        self._kept_bytes = 0
        self._pubs: list[PubFinished] = []

    @property
    def num_pubs(self) -> int:
        """How many pubs are finished."""
        return len(self._pubs)

    def add_pub(self, result: bytes) -> None:
        """Takes over that the next pub is finished, with its serialised EncodedResult."""
        pub = PubFinished(pub_index=len(self._pubs), attempt=self._attempt)
        fits = self._kept_bytes + len(result) <= _KEPT_BYTES
        if fits and len(result) <= self._inline_result_bytes:
            pub.result.CopyFrom(EncodedResult.FromString(result))
            self._kept_bytes += len(result)
        self._pubs.append(pub)

    def pubs(self, begin: int, end: int) -> list[PubFinished]:
        """The finished pubs from one place to another, as many as one message holds."""
        chosen: list[PubFinished] = []
        size_bytes = 0
        for pub in self._pubs[begin:end]:
            size_bytes += pub.ByteSize()
            if chosen and size_bytes > self._inline_result_bytes:
                break
            chosen.append(pub)
        return chosen
