"""Jobs that another server has, on the same store: noticing that they change."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

# A change that was not told is found out after this time.
_LOOK_EVERY_SECONDS = 1.0


class Changes:
    """Changes of one job, for one who waits."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def next(self) -> None:
        """Waits until the job may have changed since the last call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                await self._event.wait()
        self._event.clear()


class DistantJobs:
    """Who waits here for jobs of other servers."""

    def __init__(self) -> None:
        self._changed: dict[str, set[asyncio.Event]] = defaultdict(set)

    def notice(self, job_id: str | None) -> None:
        """Wakes those who wait for a job; None: all, because notices may have been missed."""
        waiting = self._changed.values() if job_id is None else [self._changed.get(job_id, set())]
        for events in waiting:
            for event in events:
                event.set()

    @contextlib.contextmanager
    def changes(self, job_id: str) -> Iterator[Changes]:
        """Changes of a job from here on, so that none is missed between a look and a wait."""
        event = asyncio.Event()
        self._changed[job_id].add(event)
        try:
            yield Changes(event)
        finally:
            self._changed[job_id].discard(event)
            if not self._changed[job_id]:
                del self._changed[job_id]
