"""What the worker process does to itself before it touches anything of a user's.

It comes under limits, gives up its rights to files (Landlock) and to system calls
(seccomp) that it does not need, and none of it can be taken back. All this holds for
threads that it starts afterwards: so it enters while it has only one.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
import tempfile
from pathlib import Path

from longwire_server.execution.frames_pb2 import WorkerSettings
from longwire_server.execution.worker.sandbox import landlock, limits, system_calls
from longwire_server.execution.worker.sandbox.allowed_paths import allowed_paths

__all__ = ["SandboxError", "enter"]

_PR_SET_NO_NEW_PRIVS = 38


class SandboxError(Exception):
    """The kernel cannot enforce what the pool requires."""


def enter(parent_pid: int, settings: WorkerSettings) -> list[str]:
    """Ties this process to its server and takes from it what it does not need.

    Args:
        parent_pid: the server's process id.
        settings: what the worker may load and use.

    Returns:
        What the kernel cannot enforce, in words; nothing where it can enforce all.

    Raises:
        SandboxError: there is such a thing, and the pool has ``sandbox = "required"``.
    """
    limits.tie_to_server(parent_pid)
    limits.set_limits(
        settings.memory_limit_mb,
        # What the operator has opened to writing may be large.
        limits_file_size=not settings.paths_write,
        is_sandboxed=settings.sandbox != "off",
    )
    if settings.sandbox == "off":
        return []
    _move_in(settings.private_directory)
    if sys.platform != "linux":
        unmet = [f"{sys.platform} has neither Landlock nor seccomp: there are limits alone"]
    else:
        unmet = _give_up_rights(settings)
    if unmet and settings.sandbox == "required":
        raise SandboxError(
            f'the pool has sandbox = "required", but {"; ".join(unmet)}: use a newer kernel, '
            'or write sandbox = "auto"'
        )
    return unmet


def _move_in(private_directory: str) -> None:
    """Makes the private directory the only one that relative and temporary paths name."""
    sys.path[:] = [str(Path(entry).absolute()) for entry in sys.path]
    if private_directory:
        os.chdir(private_directory)
        tempfile.tempdir = private_directory


def _give_up_rights(settings: WorkerSettings) -> list[str]:
    libc = ctypes.CDLL(None, use_errno=True)
    unmet: list[str] = []
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ["the kernel has no way to give up rights for good (no_new_privs)"]
    # The first question for it asks the compiler's configuration from a file.
    sysconfig.get_platform()
    paths = allowed_paths(settings)
    unmet += paths.complaints
    unmet += landlock.restrict(libc, paths, network=settings.network)
    if not settings.network:
        unmet += limits.drop_capabilities(libc)
    unmet += system_calls.restrict(
        libc, network=settings.network, subprocesses=settings.subprocesses
    )
    return unmet
