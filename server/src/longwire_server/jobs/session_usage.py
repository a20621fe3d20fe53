"""Metering what sessions take of a worker beside their jobs, which are metered themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from longwire_server.jobs.clock import now_us
from longwire_server.jobs.session import Session
from longwire_server.store.job_store import StoreError
from longwire_server.store.usage import Usage, day_of

_logger = logging.getLogger(__name__)

_US_PER_SECOND = 1_000_000


class SessionUsage:
    """Adds the time in which a session's worker was kept and had nothing to do.

    Args:
        add: adds to what is recorded of a tenant.
    """

    def __init__(self, add: Callable[[Usage], Awaitable[None]]) -> None:
        self._add = add
        self._adding: set[asyncio.Task[None]] = set()

    def note(self, session: Session, seconds: float) -> None:
        """A session is over that has had a worker for so long."""
        idle_seconds = max(0.0, seconds - session.job_seconds)
        used = Usage(
            session.tenant,
            day_of(now_us()),
            session.backend_name,
            worker_us=round(idle_seconds * _US_PER_SECOND),
        )
        task = asyncio.create_task(self._write(session, used))
        self._adding.add(task)
        task.add_done_callback(self._adding.discard)

    async def stop(self) -> None:
        """Waits until all is recorded."""
        await asyncio.gather(*self._adding)

    async def _write(self, session: Session, used: Usage) -> None:
        try:
            await self._add(used)
        except StoreError as error:
            _logger.error(
                "session %s: %.3f s of a worker are not metered: %s",
                session.session_id,
                used.worker_us / _US_PER_SECOND,
                error,
            )
