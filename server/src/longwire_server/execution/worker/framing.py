"""Frames over a blocking socket: eight bytes of length, little-endian, then a message."""

from __future__ import annotations

import socket
import struct

from longwire_server.execution.frames_pb2 import ServerFrame, WorkerFrame

LENGTH = struct.Struct("<Q")


def pack(frame: ServerFrame | WorkerFrame) -> bytes:
    """A frame as it goes over the wire."""
    body = frame.SerializeToString()
    return LENGTH.pack(len(body)) + body


class FrameSocket:
    """The worker's end of its socket pair."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, frame: WorkerFrame) -> None:
        """Sends one frame."""
        self._connection.sendall(pack(frame))

    def receive(self) -> ServerFrame | None:
        """The next frame, or None when the server has closed its end."""
        head = self._receive_exactly(LENGTH.size)
        if head is None:
            return None
        body = self._receive_exactly(LENGTH.unpack(head)[0])
        return None if body is None else ServerFrame.FromString(bytes(body))

    def _receive_exactly(self, size: int) -> bytearray | None:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            count = self._connection.recv_into(view)
            if count == 0:
                return None
            view = view[count:]
        return buffer
