"""Landlock: only the files that are named can be opened.

See the kernel's documentation, userspace-api/landlock.rst. What a kernel knows is told
by its ABI: 1 (Linux 5.13) files, 2 links across directories, 3 truncation, 4 TCP,
5 ioctl on devices, 6 signals and abstract Unix sockets.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
from pathlib import Path
from typing import Final

from longwire_server.execution.worker.sandbox.allowed_paths import AllowedPaths

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG: Final = 1
_RULE_PATH_BENEATH: Final = 1

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_IOCTL_DEV: Final = 1 << 15
_TRUNCATE: Final = 1 << 14
_ABI_1: Final = (1 << 13) - 1
# From which ABI on a kernel knows the right.
_LATER: Final = {2: 1 << 13, 3: _TRUNCATE, 5: _IOCTL_DEV}
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_TCP: Final = 0b11
_TCP_ABI: Final = 4
_SCOPES: Final = 0b11
_SCOPES_ABI: Final = 6


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def restrict(libc: ctypes.CDLL, paths: AllowedPaths, *, network: bool) -> list[str]:
    """Takes the rights to all files but those named, and where possible to more.

    Args:
        libc: the C library, which keeps errno.
        paths: what may be opened.
        network: whether TCP stays.

    Returns:
        What the kernel cannot enforce, in words.
    """
    abi = kernel_abi(libc)
    if abi < 1:
        return ["the kernel has no Landlock: every file of the server's user can be opened"]
    handled = _ABI_1
    for since, right in _LATER.items():
        handled |= right if abi >= since else 0
    ruleset = _Ruleset(handled, 0, 0)
    size = 8
    if abi >= _TCP_ABI:
        ruleset.handled_access_net = 0 if network else _TCP
        size = 16
    if abi >= _SCOPES_ABI:
        ruleset.scoped = _SCOPES if not network else 0b10
        size = 24
    descriptor = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)
    if descriptor < 0:
        return [_failed("is there, but refuses a ruleset")]
    try:
        _add_rules(libc, descriptor, paths, handled)
        if libc.syscall(_RESTRICT_SELF, descriptor, 0):
            return [_failed("cannot be entered")]
    finally:
        os.close(descriptor)
    if abi < _SCOPES_ABI and network:
        return ["the kernel's Landlock is older than ABI 6: the server can be sent signals"]
    return []


def kernel_abi(libc: ctypes.CDLL) -> int:
    """Which Landlock the kernel has; less than 1 where it has none."""
    abi: int = libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    return abi


def _add_rules(libc: ctypes.CDLL, ruleset: int, paths: AllowedPaths, handled: int) -> None:
    read = _READ_FILE | _READ_DIR | (_EXECUTE if paths.executable else 0)
    for path in paths.names:
        _allow(libc, ruleset, path, _READ_DIR & handled)
    for path in paths.read:
        _allow(libc, ruleset, path, read & handled)
    for path in paths.devices:
        _allow(libc, ruleset, path, (read | _WRITE_FILE | _IOCTL_DEV) & handled)
    for path in paths.write:
        _allow(libc, ruleset, path, handled if paths.executable else handled & ~_EXECUTE)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    # What is not there cannot be allowed, and needs not be.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                rights &= _OF_FILES
            rule = _PathBeneath(rights, descriptor)
            if rights:
                libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(descriptor)


def _failed(what: str) -> str:
    return f"Landlock {what} ({os.strerror(ctypes.get_errno())}): every file can be opened"
