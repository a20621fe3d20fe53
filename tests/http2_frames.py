"""HTTP/2 as somebody sends it who means no good: frames written by hand (RFC 9113)."""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from collections.abc import Sequence

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
_END_STREAM, _END_HEADERS = 1, 4
_MOST_FRAME_BYTES = 16_000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LIST_BACKENDS = "/longwire.v1.BackendService/ListBackends"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    )


def opening() -> bytes:
    """What a client sends first."""
    return PREFACE + frame(SETTINGS, 0, 0)


def ping() -> bytes:
    """A ping."""
    return frame(PING, 0, 0, b"12345678")


def reset(stream: int) -> bytes:
    """The cancelling of a call."""
    return frame(RST_STREAM, 0, stream, (8).to_bytes(4, "big"))


def call(
    stream: int, path: str, metadata: Sequence[tuple[str, str]] = (), *, ends: bool = False
) -> bytes:
    """The beginning of a call, and with an empty message all of it where it ends."""
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        *metadata,
    ]
    block = b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)
    parts = [block[at : at + _MOST_FRAME_BYTES] for at in range(0, len(block), _MOST_FRAME_BYTES)]
    frames = [
        frame(
            CONTINUATION if place else HEADERS,
            _END_HEADERS if place == len(parts) - 1 else 0,
            stream,
            part,
        )
        for place, part in enumerate(parts)
    ]
    if ends:
        frames.append(frame(DATA, _END_STREAM, stream, bytes(5)))
    return b"".join(frames)


def read_frames(connection: socket.socket, seconds: float) -> tuple[Counter[int], bool]:
    """How many frames of each kind come, and whether the other side has hung up.

    Args:
        connection: the connection.
        seconds: how long to wait for each further one.
    """
    connection.settimeout(seconds)
    received, is_over = b"", False
    with contextlib.suppress(TimeoutError):
        while not is_over:
            try:
                part = connection.recv(1 << 16)
            except ConnectionError:
                part = b""
            received, is_over = received + part, not part
    kinds: Counter[int] = Counter()
    while len(received) >= 9:
        kinds[received[3]] += 1
        received = received[9 + int.from_bytes(received[:3], "big") :]
    return kinds, is_over


def _text(text: str) -> bytes:
    """A string of HPACK (RFC 7541), without Huffman's code."""
    data = text.encode()
    length = len(data)
    if length < 127:
        return bytes([length]) + data
    prefix, rest = bytearray([127]), length - 127
    while rest >= 128:
        prefix.append(rest % 128 + 128)
        rest //= 128
    return bytes([*prefix, rest]) + data
