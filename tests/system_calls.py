"""System calls of a running process that fail for a while, as of a broken disk."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

_ATTACH_SECONDS = 60.0
_CALLS = "write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,fallocate"


class SystemCallsMissingError(Exception):
    """System calls cannot be made to fail here; the message says why."""


@contextlib.contextmanager
def failing_writes(pid: int, paths: Iterable[Path], *, error: str) -> Iterator[None]:
    """Makes each write of a process to any of these files fail inside of the block.

    Files that are opened to be written meanwhile fail, too; reading goes on.

    Args:
        pid: the process.
        paths: the files; each is there.
        error: the name of the error, such as EROFS.

    Raises:
        SystemCallsMissingError: strace is not installed, or may not trace here.
    """
    if shutil.which("strace") is None:
        raise SystemCallsMissingError("strace is not installed (Debian: apt install strace)")
    command = ["strace", "-f", "-qq", "-p", str(pid), "-o", "/dev/null", "-e", "signal=none"]
    command += ["-e", f"trace={_CALLS}", "-e", f"inject={_CALLS}:error={error}"]
    for path in paths:
        command += ["-P", str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            _wait_until_traced(pid, tracer)
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(_ATTACH_SECONDS)


def _wait_until_traced(pid: int, tracer: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _ATTACH_SECONDS
    while not all(_is_traced(task) for task in Path(f"/proc/{pid}/task").iterdir()):
        if tracer.poll() is not None:
            assert tracer.stderr is not None
            raise SystemCallsMissingError(
                f"strace may not trace here: {tracer.stderr.read().strip()}"
            )
        assert time.monotonic() < deadline, "strace did not attach in time"
        time.sleep(0.01)


def _is_traced(task: Path) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return "TracerPid:\t0\n" not in (task / "status").read_text()
    return True
