"""What the worker process does to itself before it touches anything of a user's."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def enter(parent_pid: int, memory_limit_mb: int) -> None:
    """Ties this process to its server and puts it under its limits.

    Args:
        parent_pid: the server's process id.
        memory_limit_mb: address space of the process in MiB; 0 for no limit.
    """
    # Ctrl-C and a service manager's SIGTERM reach the whole group: the server
    # decides when a worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with_parent(parent_pid)
    if memory_limit_mb:
        limit_bytes = memory_limit_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    # A crash is reported by the server; a core file would fill the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prefer_as_victim()
    _give_way()


def _die_with_parent(parent_pid: int) -> None:
    # A worker inside a simulation reads no socket: only the kernel can tell it.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        raise SystemExit("the server ended before its worker began")


def _prefer_as_victim() -> None:
    # Where the kernel runs out of memory, a worker goes rather than the server.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("500")


def _give_way() -> None:
    # A worker that is woken by a job would take the processor from the server in
    # the middle of its work: batch processes wait for their turn.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
