"""Processor time of this process and of all that it has started, or of another one alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def processor_seconds() -> float:
    """The seconds that this process, its children and theirs have computed so far.

    A busy machine changes them less than the time on the clock. They come from
    ``/proc``, in steps of a hundredth of a second; 0 where there is none.
    """
    if not Path("/proc/self/stat").exists():
        return 0.0
    pids = [str(os.getpid())]
    # The list grows while it is read: children, and their children.
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError):  # it has ended meanwhile
                pids += (thread / "children").read_text().split()
    return sum(map(_ticks, pids)) / os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    """The seconds that one process has computed so far, without its children."""
    return _ticks(str(pid)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: str) -> int:
    # The name in front may hold anything, so it is cut off by its bracket.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
