"""What the machine offers to this process: processors and memory.

A container's share counts, not the machine around it.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_processors() -> int:
    """Returns the number of processors that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _cgroup_words("cpu.max")
    if len(quota) == 2 and quota[0].isdigit():
        count = min(count, math.ceil(int(quota[0]) / int(quota[1])))
    return max(1, count)


def physical_memory_mb() -> int:
    """Returns the memory that this process may fill, in MiB."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _cgroup_words("memory.max")
    if len(limit) == 1 and limit[0].isdigit():
        memory_bytes = min(memory_bytes, int(limit[0]))
    return max(1, memory_bytes >> 20)


def _cgroup_words(name: str) -> list[str]:
    """Returns the words of a control file of cgroup v2; none where there is no such file."""
    try:
        return (_CGROUP / name).read_text(encoding="ascii").split()
    except OSError:
        return []
