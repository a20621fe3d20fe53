"""seccomp: system calls that no simulation needs fail with EPERM.

See the kernel's documentation, userspace-api/seccomp_filter.rst. The filter is a
program of the classic Berkeley Packet Filter, which reads one ``struct seccomp_data``:
the call's number, the architecture, and six arguments of 64 bits.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from typing import Final

from longwire_server.execution.worker.sandbox.system_call_numbers import (
    ALWAYS_DENIED,
    ARCHITECTURES,
    NETWORK,
    NUMBERS,
    OTHERS_FILES,
    OTHERS_PROCESSES,
    PROCESSES,
)

_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2

# Instructions of BPF.
_LOAD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_AT_LEAST: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_AND: Final = 0x54
_RETURN: Final = 0x06

_ALLOW: Final = 0x7FFF0000
_FAIL: Final = 0x00050000
_EPERM: Final = _FAIL | errno.EPERM
_ENOSYS: Final = _FAIL | errno.ENOSYS

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
# The second set of x86's call numbers, which nothing of ours uses.
_X32: Final = 0x40000000
_CLONE_THREAD: Final = 0x10000
_SOCK_TYPE_MASK: Final = 0xF
_SOCK_STREAM: Final = 1

_Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict(libc: ctypes.CDLL, *, network: bool, subprocesses: bool) -> list[str]:
    """Takes system calls from this process for good; needs no_new_privs.

    Args:
        libc: the C library, which keeps errno.
        network: whether sockets stay.
        subprocesses: whether starting processes, and dealing with them, stays.

    Returns:
        What the kernel cannot enforce, in words.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES or sys.byteorder != "little":
        return [f"system calls are not filtered on {machine}: sockets and signals stay open"]
    program = filter_program(machine, os.getpid(), network=network, subprocesses=subprocesses)
    packed = b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
    whole = _Program(len(program), packed)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(whole), 0, 0):
        return [
            f"the kernel does not filter system calls ({os.strerror(ctypes.get_errno())}): "
            "sockets and signals stay open"
        ]
    return []


def filter_program(
    machine: str, pid: int, *, network: bool, subprocesses: bool
) -> list[_Instruction]:
    """The filter's instructions.

    Args:
        machine: the processor's architecture, as ``platform.machine`` names it.
        pid: the process to which signals may still be sent.
        network: whether sockets stay.
        subprocesses: whether starting processes, and dealing with them, stays.
    """
    numbers = NUMBERS[machine]
    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _EPERM),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_JUMP_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _EPERM)]
    program += _denied(numbers, ALWAYS_DENIED)
    if not network:
        program += _denied(numbers, NETWORK)
        # A pair of connected sockets reaches nobody else; one of datagrams could.
        stream = [*_argument(1), (_AND, 0, 0, _SOCK_TYPE_MASK), (_JUMP_EQUAL, 0, 1, _SOCK_STREAM)]
        program += _where(numbers["socketpair"], stream)
        program += _denied(numbers, OTHERS_FILES)
    if not subprocesses:
        program += _denied(numbers, PROCESSES)
        program += _denied(numbers, OTHERS_PROCESSES)
        thread = [*_argument(0), (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD)]
        program += _where(numbers["clone"], thread)
        # Its flags lie in memory, which no filter can read; the C library then uses clone.
        program += [(_JUMP_EQUAL, 0, 1, numbers["clone3"]), (_RETURN, 0, 0, _ENOSYS)]
        for name in ("kill", "tgkill"):
            program += _where(numbers[name], _is_one_of(pid))
        for name in ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setattr"):
            program += _where(numbers[name], _is_one_of(0, pid))
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _denied(numbers: dict[str, int], names: Iterable[str]) -> list[_Instruction]:
    program: list[_Instruction] = []
    for name in names:
        # Not every architecture has every call.
        if name in numbers:
            program += [(_JUMP_EQUAL, 0, 1, numbers[name]), (_RETURN, 0, 0, _EPERM)]
    return program


def _where(number: int, condition: list[_Instruction]) -> list[_Instruction]:
    """A call that is allowed where a condition holds.

    The condition's last instruction goes on where it holds, and skips one otherwise.
    """
    body = [*condition, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]
    return [(_JUMP_EQUAL, 0, len(body), number), *body]


def _argument(index: int) -> list[_Instruction]:
    """Loads the lower half of an argument: all of what the kernel takes for an int."""
    return [(_LOAD, 0, 0, _ARGUMENTS + 8 * index)]


def _is_one_of(*values: int) -> list[_Instruction]:
    *first, last = values
    condition = _argument(0)
    for place, value in enumerate(first):
        condition.append((_JUMP_EQUAL, len(values) - 1 - place, 0, value))
    return [*condition, (_JUMP_EQUAL, 0, 1, last)]
