"""Limits that every Unix knows, and the tie between a worker and its server."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import platform
import resource
import signal
import sys
from typing import Final

# Qiskit, Aer and their libraries have some tens of files open.
OPEN_FILES: Final = 1024
# The largest file that a worker can write to its private directory.
FILE_BYTES: Final = 1 << 30

_PR_SET_PDEATHSIG: Final = 1
_CAPABILITY_VERSION: Final = 0x20080522
_CAPSET: Final = {"x86_64": 126, "aarch64": 91}


def tie_to_server(parent_pid: int) -> None:
    """Lets the process live as long as its server, and no signal but its own end it.

    Raises:
        SystemExit: the server is gone already.
    """
    # Ctrl-C and a service manager's SIGTERM reach the whole group: the server
    # decides when a worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # A worker inside a simulation reads no socket: only the kernel can tell it.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        raise SystemExit("the server ended before its worker began")
    _prefer_as_victim()
    _give_way()


def set_limits(memory_limit_mb: int, *, limits_file_size: bool, is_sandboxed: bool) -> None:
    """Puts the process under its limits.

    Args:
        memory_limit_mb: address space of the process in MiB; 0 for no limit.
        limits_file_size: whether no file may become larger than ``FILE_BYTES``.
        is_sandboxed: whether the limits on files hold at all.
    """
    if memory_limit_mb:
        limit_bytes = memory_limit_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    # A crash is reported by the server; a core file would fill the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not is_sandboxed:
        return
    _lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    if limits_file_size:
        _lower(resource.RLIMIT_FSIZE, FILE_BYTES)


def allow_processor_time(seconds: float) -> None:
    """Ends this process when it has used so much more processor time, by SIGXCPU.

    Args:
        seconds: over all threads, from now on; 0 for no limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = resource.RLIM_INFINITY
    if seconds:
        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = math.ceil(used.ru_utime + used.ru_stime + seconds)
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def drop_capabilities(libc: ctypes.CDLL) -> list[str]:
    """Takes from a process of root's what makes it mightier than others.

    Returns:
        What could not be done, in words.
    """
    if os.geteuid() != 0:
        return []
    number = _CAPSET.get(platform.machine())
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    if number is None or libc.syscall(number, ctypes.byref(header), ctypes.byref(none)):
        return ["the process keeps root's capabilities"]
    return []


def _lower(which: int, limit: int) -> None:
    _, hard = resource.getrlimit(which)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(which, (limit, limit))


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
