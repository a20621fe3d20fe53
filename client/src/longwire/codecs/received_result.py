"""A result as it came from a server, before it is read."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from longwire.v1.array_pb2 import Compression


class ResultAsSent(Protocol):
    """What an EncodedResult has, whether it is a message or came in chunks."""

    @property
    def data(self) -> bytes:
        """The bytes of the message, compressed as ``compression`` says."""

    @property
    def compression(self) -> Compression.ValueType:
        """How they are compressed."""

    @property
    def sha256(self) -> bytes:
        """SHA-256 over the data, 32 bytes."""


@dataclasses.dataclass(frozen=True, slots=True)
class ReceivedResult:
    """A result that came in chunks.

    A message would copy the data when it is set, and again whenever it is asked for.
    """

    data: bytes
    """See :class:`ResultAsSent`, as for the others."""

    compression: Compression.ValueType
    sha256: bytes
