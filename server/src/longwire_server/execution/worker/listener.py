"""What an attempt tells while it runs."""

from __future__ import annotations

from typing import Protocol


class AttemptListener(Protocol):
    """Hears how far an attempt is."""

    def running(self) -> None:
        """The program is read, and the backend begins to run it."""

    def progress(self, finished: int, total: int) -> None:
        """So many pubs (of a primitive) or circuits (of another job) are finished."""

    def pub_finished(self, result: bytes) -> None:
        """The next pub is finished; its PubResult as a serialised EncodedResult."""
