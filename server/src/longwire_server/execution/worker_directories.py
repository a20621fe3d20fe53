"""The private directory of each worker: all that it may write to."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from pathlib import Path

_logger = logging.getLogger(__name__)

_PREFIX = "longwire-workers-"
_LOCK = "lock"


class WorkerDirectories:
    """Makes a directory for each worker, and removes them.

    They lie together in one directory of this server's, in the system's place for
    temporary files. A lock in it tells others that the server is alive: what one left
    that was killed is removed by the next that starts.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock: int | None = None

    def make(self) -> Path:
        """A new directory that only this user can enter.

        Raises:
            OSError: it cannot be made.
        """
        return Path(tempfile.mkdtemp(prefix="worker-", dir=self._own()))

    def remove(self, directory: Path) -> None:
        """Removes a worker's directory and all that the worker left in it.

        Links in it are removed, not followed.
        """
        shutil.rmtree(directory, ignore_errors=True)

    def close(self) -> None:
        """Removes the directory of this server's."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _own(self) -> Path:
        if self._folder is None:
            self._remove_left_behind()
            self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self._folder

    def _remove_left_behind(self) -> None:
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            try:
                if _is_left_behind(folder):
                    shutil.rmtree(folder)
            except OSError as error:
                _logger.info("%s was left by a server that is gone, and stays: %s", folder, error)


def _is_left_behind(folder: Path) -> bool:
    """Whether this is a directory of this user's whose server is gone."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return False
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        # Its server is about to make it.
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
