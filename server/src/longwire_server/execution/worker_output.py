"""What workers print, in the server's log."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import Final

# A worker that prints more in a minute than this is cut short: it may print what a
# user sent, and the log is on a disk.
_BYTES_PER_MINUTE: Final = 256 << 10
_CHUNK_BYTES: Final = 8192
# What would steer a terminal on which somebody reads the log.
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


async def forward_output(output: asyncio.StreamReader, pid: int) -> None:
    """Writes what a worker prints to standard error, until it has closed its end.

    Args:
        output: its standard output and error.
        pid: its process id.
    """
    minute, budget = time.monotonic(), _BYTES_PER_MINUTE
    while chunk := await output.read(_CHUNK_BYTES):
        now = time.monotonic()
        if now - minute > 60:
            minute, budget = now, _BYTES_PER_MINUTE
        if budget <= 0:
            continue
        budget -= len(chunk)
        _write(_CONTROL.sub(b"?", chunk))
        if budget <= 0:
            _write(b"\nworker %d prints too much: the rest of this minute is left out\n" % pid)


def _write(text: bytes) -> None:
    sys.stderr.buffer.write(text)
    sys.stderr.buffer.flush()
