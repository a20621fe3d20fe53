"""The memory of another process, from ``/proc``."""

from __future__ import annotations

from pathlib import Path


def resident_bytes(pid: int) -> int:
    """What the process holds in memory now."""
    return _status(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The most that it has held since :func:`forget_peak`, or since it began."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Has the peak begin again from what the process holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/{pid}/status has no {name}")
