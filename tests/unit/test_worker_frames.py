"""What a worker sends, cut into frames again, over a real socket pair."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from longwire.v1.job_pb2 import JobProgress
from longwire_server.execution.frames_pb2 import JobRunning, WorkerFrame
from longwire_server.execution.worker_frames import FrameProtocol

LIMIT_BYTES = 1 << 20
SECONDS = 60.0
RESULT = bytes(range(256)) * 1000

RUNNING = WorkerFrame(running=JobRunning()).SerializeToString()
PROGRESS = WorkerFrame(progress=JobProgress(finished=1, total=2)).SerializeToString()
EXECUTED = WorkerFrame(executed=RESULT, shots=7).SerializeToString()
SHOTS = WorkerFrame(shots=7).SerializeToString()


class Heard:
    """What the server's end was told."""

    def __init__(self) -> None:
        self.frames: list[tuple[str | None, int, bytes]] = []
        self.misbehaviour: list[str] = []

    def frame(self, frame: WorkerFrame, executed: bytes) -> None:
        assert not frame.executed
        self.frames.append((frame.WhichOneof("frame"), frame.shots, executed))


def heard(*bodies: bytes, piece_bytes: int = 1 << 16) -> Heard:
    """What is told of frames that come in pieces of some size."""
    sent = b"".join(struct.pack("<Q", len(body)) + body for body in bodies)
    told = Heard()

    async def receive() -> None:
        theirs, ours = socket.socketpair()
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            lambda: FrameProtocol(told.frame, told.misbehaviour.append, LIMIT_BYTES), sock=ours
        )
        with theirs:
            for begin in range(0, len(sent), piece_bytes):
                try:
                    await loop.sock_sendall(theirs, sent[begin : begin + piece_bytes])
                except ConnectionError:
                    # The server's end has heard enough.
                    break
        async with asyncio.timeout(SECONDS):
            await protocol.closed

    asyncio.run(receive())
    return told


@pytest.mark.parametrize("piece_bytes", [97, 1 << 16, 1 << 20])
def test_frames_are_told_in_turn_however_they_are_cut(piece_bytes: int) -> None:
    told = heard(RUNNING, PROGRESS, EXECUTED, RUNNING, piece_bytes=piece_bytes)
    assert told.frames == [
        ("running", 0, b""),
        ("progress", 0, b""),
        ("executed", 7, RESULT),
        ("running", 0, b""),
    ]
    assert told.misbehaviour == []


@pytest.mark.parametrize(
    ("body", "frame"),
    [
        (SHOTS + EXECUTED, ("executed", 7, RESULT)),
        (b"\x2a\x00" + SHOTS, ("executed", 7, b"")),
        # Of several the last one counts, as in any message.
        (EXECUTED + WorkerFrame(executed=b"last").SerializeToString(), ("executed", 7, b"last")),
        (EXECUTED + RUNNING, ("running", 7, b"")),
        (RUNNING + EXECUTED, ("executed", 7, RESULT)),
        (b"", (None, 0, b"")),
    ],
    ids=["shots-first", "empty", "twice", "running-last", "running-first", "nothing"],
)
def test_frame_is_what_protobuf_reads(body: bytes, frame: tuple[str, int, bytes]) -> None:
    assert heard(body).frames == [frame]
    read = WorkerFrame.FromString(body)
    assert (read.WhichOneof("frame"), read.shots, read.executed) == frame


@pytest.mark.parametrize(
    "body",
    [EXECUTED[:-2000], EXECUTED + b"\xff", b"\x2a" + b"\xff" * 10, b"\xff\xff\xff"],
    ids=["cut", "trailing", "endless-length", "garbage"],
)
def test_frame_that_is_no_message_is_misbehaviour_and_the_last(body: bytes) -> None:
    told = heard(RUNNING, body, RUNNING)
    assert told.frames == [("running", 0, b"")]
    assert told.misbehaviour == ["it sent what is no message"]


def test_frame_that_is_too_long_is_misbehaviour_before_it_has_come() -> None:
    told = heard(bytes(LIMIT_BYTES + 1))
    assert told.frames == []
    assert told.misbehaviour == [
        f"it sent {LIMIT_BYTES + 1} bytes at once, where {LIMIT_BYTES} are the most"
    ]
