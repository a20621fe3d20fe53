"""What this kernel knows of all that a sandbox needs, without entering one."""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import Final

from longwire_server.execution.worker.sandbox.landlock import kernel_abi
from longwire_server.execution.worker.sandbox.system_call_numbers import ARCHITECTURES

_PR_GET_SECCOMP: Final = 21


def missing() -> list[str]:
    """What is missing, in words; nothing where the kernel has everything."""
    if sys.platform != "linux":
        return [f"{sys.platform} has neither Landlock nor seccomp"]
    libc = ctypes.CDLL(None, use_errno=True)
    found = []
    if kernel_abi(libc) < 1:
        found.append("the kernel has no Landlock, or it is switched off (CONFIG_LSM, lsm=)")
    if platform.machine() not in ARCHITECTURES:
        found.append(f"system calls are not filtered on {platform.machine()}")
    elif libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        found.append("the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)")
    return found
