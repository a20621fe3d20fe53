"""Which programs a server is known to have."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

_MOST_DIGESTS = 1024


class SentPrograms:
    """The digests of payloads that were sent over a connection, the latest ones.

    Only a hint: the server forgets programs after a while, and says so when it is
    asked for one. Safe for use by several threads; a copy begins empty, since its
    connection may go to another server by then.

    Args:
        most_digests: how many are remembered; the least recently used goes.
    """

    def __init__(self, most_digests: int = _MOST_DIGESTS) -> None:
        self._most_digests = most_digests
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def add(self, digest: bytes) -> None:
        """Remembers that the server has these payloads."""
        with self._lock:
            self._digests[digest] = None
            self._digests.move_to_end(digest)
            if len(self._digests) > self._most_digests:
                self._digests.popitem(last=False)

    def discard(self, digest: bytes) -> None:
        """Forgets them: the server has them no more."""
        with self._lock:
            self._digests.pop(digest, None)

    def __contains__(self, digest: bytes) -> bool:
        with self._lock:
            return digest in self._digests

    def __getstate__(self) -> dict[str, Any]:
        return {"_most_digests": self._most_digests}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()
