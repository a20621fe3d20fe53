"""What a job could leave behind in its worker, put back before the next one begins."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import contextlib
import gc
import os
import random
import shutil
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np

# Signals whose handlers can be set.
_CHANGEABLE: Final = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
# Words of 32 bits. NumPy's own way to a seed from the system takes a tenth of a millisecond.
_SEED_WORDS: Final = 4


class CleanSlate:
    """Remembers the state of the process as it is when its backends are loaded.

    No program runs code of its own in a worker: what changes this state is a driver, or
    a defect of a library that a program has found. Threads that a driver has started
    stay, and so does what it keeps in modules of its own.

    Args:
        private_directory: the worker's own directory; "" where it has none.
        ends_children: whether processes that were started meanwhile are ended.
    """

    def __init__(self, private_directory: str, *, ends_children: bool) -> None:
        self._directory = Path(private_directory) if private_directory else None
        self._ends_children = ends_children
        self.note()

    def note(self) -> None:
        """Takes the present state for what it is to be: a backend has been loaded."""
        self._environment = dict(_environment())
        self._filters = list(warnings.filters)
        self._working_directory = Path.cwd()
        self._handlers = _handlers()
        self._umask = _umask()
        self._print_options = np.get_printoptions()
        self._float_errors = np.geterr()
        self._recursion_limit = sys.getrecursionlimit()
        self._children = _children() if self._ends_children else set()

    def restore(self) -> None:
        """Puts everything back; called after a job's answer is sent.

        Raises:
            OSError: the working directory or a child cannot be reached.
        """
        self._restore_python()
        # A seed that a driver has set would make the next job's numbers known.
        random.seed()
        np.random.seed(np.frombuffer(os.urandom(4 * _SEED_WORDS), np.uint32))
        if self._ends_children:
            self._end_children()
        if Path.cwd() != self._working_directory:
            os.chdir(self._working_directory)
        if self._directory is not None:
            _empty(self._directory)

    def _restore_python(self) -> None:
        if _environment() != self._environment:
            os.environb.clear()
            os.environb.update(self._environment)
        if warnings.filters != self._filters:
            # The list of filters is the only way to change all of them at once.
            warnings.filters[:] = self._filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
        for number, handler in _handlers().items():
            wanted = self._handlers.get(number)
            if handler is not wanted and wanted is not None:
                signal.signal(number, wanted)
        if sys.getrecursionlimit() != self._recursion_limit:
            sys.setrecursionlimit(self._recursion_limit)
        os.umask(self._umask)
        if np.get_printoptions() != self._print_options:
            np.set_printoptions(**self._print_options)
        if np.geterr() != self._float_errors:
            np.seterr(**self._float_errors)
        if not gc.isenabled():
            gc.enable()

    def _end_children(self) -> None:
        for pid in _children() - self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _environment() -> dict[bytes, bytes]:
    # As Python keeps it: to decode it all takes 60 µs, after every job.
    environment: dict[bytes, bytes] = os.environb._data  # type: ignore[attr-defined]
    return environment


def _handlers() -> dict[int, Any]:
    # The module behind `signal`, which makes an enum of each default: 4 instead of 94 µs.
    return {number: _signal.getsignal(number) for number in _CHANGEABLE}


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _children() -> set[int]:
    """The processes that this one has started, by any of its threads."""
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, path.read_text().split()))
    return found


def _empty(directory: Path) -> None:
    """Removes all that is in a directory; links are removed, not followed."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)
