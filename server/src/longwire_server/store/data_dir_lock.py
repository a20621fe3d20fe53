"""One server at a time on a data directory, or on that of its database.

A second one would take the first one's running jobs for interrupted, and run
its queued jobs again.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from longwire_server.store.job_store import StoreError

_FILE_NAME = "longwire.lock"


class DataDirLock:
    """A lock that the kernel releases when the process ends, however it ends.

    Args:
        data_dir: the directory.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / _FILE_NAME
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Takes the lock.

        Raises:
            StoreError: another process has it, or it cannot be written.
        """
        try:
            self._file = self._path.open("ab")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise StoreError(
                f"another server uses the directory {self._path.parent}: stop it, or choose "
                "another --data-dir or store.url"
            ) from error
        except OSError as error:
            self.release()
            raise StoreError(f"cannot lock {self._path}: {error}") from error

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None
