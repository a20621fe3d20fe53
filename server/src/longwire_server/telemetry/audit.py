"""The audit log: who did what, one JSON object a line.

Records are written when they are made, before the caller has its answer, and flushed to
the operating system: they survive the end of the process. They hold no programs, results
or secrets. JSON's own encoding keeps what callers wrote inside its quotes, so that no
text of theirs can look like a record.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_logger = logging.getLogger(__name__)

# Refusals of strangers, who could fill the disk: so many at once, and in a second.
_REFUSALS_AT_ONCE: Final = 100
_REFUSALS_PER_SECOND: Final = 10
_COMPLAIN_EVERY_SECONDS: Final = 60.0
_OWNER_ALONE: Final = 0o600


class AuditLog:
    """Adds records to a file.

    A file that was renamed or removed, as logrotate does, is begun anew. When records
    cannot be written, as with a full disk, the server says so in its own log and goes on.

    Args:
        path: the file, which only its owner may read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _OwnersFile(path)
        self._refusals = float(_REFUSALS_AT_ONCE)
        self._refused_at = time.monotonic()
        self._num_left_out = 0

    def open(self) -> None:
        """Opens the file, so that a server that cannot write it does not start.

        Raises:
            OSError: it cannot be opened; the message says so.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file.open()
            self._path.chmod(_OWNER_ALONE)
        except OSError as error:
            raise OSError(f"cannot write the audit log {self._path}: {error.strerror}") from error

    def record(self, facts: Mapping[str, object]) -> None:
        """Writes a record: the time, and these facts. Those that are empty are left out."""
        now = datetime.datetime.now(datetime.UTC)
        known = {name: fact for name, fact in facts.items() if fact not in ("", None)}
        text = json.dumps({"time": now.isoformat(timespec="microseconds"), **known})
        self._file.add(f"{text}\n".encode())

    def record_refusal(self, facts: Mapping[str, object]) -> None:
        """Writes a record of a caller that was refused, unless there are too many of late.

        Those that are left out are counted in the next one.
        """
        now = time.monotonic()
        earned = (now - self._refused_at) * _REFUSALS_PER_SECOND
        self._refusals = min(float(_REFUSALS_AT_ONCE), self._refusals + earned)
        self._refused_at = now
        if self._refusals < 1:
            self._num_left_out += 1
            return
        self._refusals -= 1
        left_out, self._num_left_out = self._num_left_out, 0
        self.record({**facts, "refusals_left_out": left_out or None})

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class _OwnersFile:
    """A file to which lines are added, which only its owner may read.

    It is opened anew where another file, or none, has its name: after it was rotated.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._descriptor: int | None = None
        self._identity = (0, 0)
        self._complained_at = -_COMPLAIN_EVERY_SECONDS

    def open(self) -> None:
        """Opens it. Raises OSError."""
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, _OWNER_ALONE)
        found = os.fstat(self._descriptor)
        self._identity = (found.st_dev, found.st_ino)

    def add(self, line: bytes) -> None:
        """Adds a line; where that fails, the server's log says so."""
        try:
            if self._descriptor is None or not self._is_in_place():
                self.open()
            assert self._descriptor is not None
            # In one piece: several processes may add to it.
            os.write(self._descriptor, line)
        except OSError as error:
            now = time.monotonic()
            if now - self._complained_at >= _COMPLAIN_EVERY_SECONDS:
                self._complained_at = now
                _logger.error("the audit log %s cannot be written: %s", self._path, error)

    def close(self) -> None:
        """Closes it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _is_in_place(self) -> bool:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - a Path's own takes thrice as long
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self._identity
