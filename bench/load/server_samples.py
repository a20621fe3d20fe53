"""What a server takes of the machine while time passes, and by how much it grows."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

_PAGE_MB = 4096 / 2**20


class ServerSamples:
    """Samples of a server's process in a thread, for the length of a block.

    Args:
        pid: of the server.
        seconds: between two samples.
    """

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.samples: list[dict[str, float]] = []

    def __enter__(self) -> ServerSamples:
        self._start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                elapsed = round(time.monotonic() - self._start, 1)
                self.samples.append({"seconds": elapsed, **sample(self._pid)})
            if self._over.wait(self._seconds):
                return


def sample(pid: int) -> dict[str, float]:
    """The memory that a server has in use, its open files, its threads and its workers."""
    process = Path(f"/proc/{pid}")
    resident_pages = int((process / "statm").read_text().split()[1])
    tasks = list((process / "task").iterdir())
    workers = [task / "children" for task in tasks]
    return {
        "resident_mb": round(resident_pages * _PAGE_MB, 2),
        "file_descriptors": sum(1 for _ in (process / "fd").iterdir()),
        "threads": len(tasks),
        "workers": sum(len(path.read_text().split()) for path in workers if path.exists()),
    }


def growth(
    samples: list[dict[str, float]], *, against: str = "seconds", skipped: float = 0.2
) -> dict[str, Any]:
    """By how much each figure grows, by least squares over what follows the warm-up.

    Args:
        samples: of a run.
        against: the figure that counts the passing: seconds, or jobs.
        skipped: the part of the samples that is warm-up.
    """
    kept = samples[int(len(samples) * skipped) :]
    if len(kept) < 3:
        return {}
    passed = np.array([each[against] for each in kept])
    figures = [name for name in kept[0] if name not in ("seconds", "jobs")]
    return {
        name: {
            "first": kept[0][name],
            "last": kept[-1][name],
            f"slope_per_1000_{against}": round(
                1000 * float(np.polyfit(passed, [each[name] for each in kept], 1)[0]), 4
            ),
        }
        for name in figures
    }
