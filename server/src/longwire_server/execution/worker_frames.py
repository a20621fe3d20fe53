"""What a worker sends, cut into frames: a worker may have been taken over by what it ran."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from google.protobuf.message import DecodeError

from longwire_server.execution.frames_pb2 import WorkerFrame
from longwire_server.execution.wire_format import HEAD_BYTES, find_field
from longwire_server.execution.worker.framing import LENGTH

__all__ = ["FrameProtocol", "MisbehaviourError", "largest_frame_bytes"]

# What a frame may have beside a result, and one without a result at all: the
# description of a backend, or words.
_MARGIN_BYTES = 64 << 20


class MisbehaviourError(Exception):
    """A worker sent what no worker sends; the message says what."""


def largest_frame_bytes(result_bytes: int) -> int:
    """How large a frame of a worker may be whose results are that large at most."""
    return result_bytes + _MARGIN_BYTES


class FrameProtocol(asyncio.Protocol):
    """Cuts a stream of bytes into frames, until one is none.

    Args:
        on_frame: called for each frame, and with the bytes of ``executed``, which is set and
            empty there; raises MisbehaviourError where it is out of turn.
        on_misbehaviour: called once with what was wrong. Nothing is read any more.
        max_frame_bytes: the longest frame. Of a longer one nothing is kept.
    """

    def __init__(
        self,
        on_frame: Callable[[WorkerFrame, bytes], None],
        on_misbehaviour: Callable[[str], None],
        max_frame_bytes: int,
    ) -> None:
        self._on_frame = on_frame
        self._on_misbehaviour = on_misbehaviour
        self._max_frame_bytes = max_frame_bytes
        self._buffer = bytearray()
        self._has_misbehaved = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def send(self, parts: Sequence[bytes]) -> None:
        """Sends a frame, in one or more parts."""
        self._transport.writelines(parts)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        if self._has_misbehaved:
            return
        self._buffer += data
        try:
            while (end := self._end_of_frame()) is not None:
                with memoryview(self._buffer) as view, view[LENGTH.size : end] as body:
                    frame, executed = _parsed(body)
                # Before it is told: a result may be as large again.
                del self._buffer[:end]
                self._on_frame(frame, executed)
        except MisbehaviourError as error:
            self._has_misbehaved = True
            self._buffer.clear()
            self._on_misbehaviour(str(error))
            self._transport.abort()

    def _end_of_frame(self) -> int | None:
        """Where the first frame ends; None where not all of it has come."""
        if len(self._buffer) < LENGTH.size:
            return None
        size: int = LENGTH.unpack_from(self._buffer)[0]
        if size > self._max_frame_bytes:
            raise MisbehaviourError(
                f"it sent {size} bytes at once, where {self._max_frame_bytes} are the most"
            )
        end = LENGTH.size + size
        return end if len(self._buffer) >= end else None

    def connection_lost(self, _error: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        if not self.closed.done():
            self.closed.set_result(None)


def _parsed(body: memoryview) -> tuple[WorkerFrame, bytes]:
    """A frame, and the bytes of ``executed``, copied once: protobuf would do it three times."""
    begin, size = find_field(bytes(body[:HEAD_BYTES]), WorkerFrame.EXECUTED_FIELD_NUMBER)
    end = begin + size
    if end > len(body):
        begin = end = 0
    try:
        frame = WorkerFrame.FromString(bytes(body[end:]))
    except DecodeError as error:
        raise MisbehaviourError("it sent what is no message") from error
    if end and frame.WhichOneof("frame") is None:
        frame.executed = b""
        return frame, bytes(body[begin:end])
    executed = frame.executed
    if executed:
        frame.executed = b""
    return frame, executed
