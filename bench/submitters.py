"""Many submitters in other processes, which take turns with those of other servers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

from processes import HERE

PROCESSES = 2


class Submitters:
    """Processes that were started and wait for their turn."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes
        for process in processes:
            line = _pipe(process.stdout).readline().strip()
            if line != "ready":
                raise RuntimeError(f"{process.args!r} did not start: {line!r}")

    def turn(self, submitters: int, seconds: float) -> tuple[int, float]:
        """Calls from so many at once, shared among the processes.

        Returns:
            How many calls were finished, and how many a second.
        """
        for process in self._processes:
            _pipe(process.stdin).write(f"{submitters // len(self._processes)} {seconds}\n")
            _pipe(process.stdin).flush()
        answers = [_pipe(process.stdout).readline().split() for process in self._processes]
        calls = sum(int(answer[0]) for answer in answers)
        return calls, calls / max(float(answer[1]) for answer in answers)


@contextlib.contextmanager
def submitters(script: str, *arguments: str, processes: int = PROCESSES) -> Iterator[Submitters]:
    """Starts ``python bench/SCRIPT ARGUMENTS``, and ends it with the block."""
    command = [sys.executable, str(HERE / script), *arguments]
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(processes):
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.callback(_end, process)
            started.append(process)
        yield Submitters(started)


def _end(process: subprocess.Popen[str]) -> None:
    _pipe(process.stdin).close()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
