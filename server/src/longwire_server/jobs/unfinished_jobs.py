"""How many unfinished jobs each tenant has, here and on the servers that share the store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping

from longwire_server.jobs.live_jobs import LiveJobs
from longwire_server.store.job_store import StoreError
from longwire_server.store.server_table import ServerTable

_logger = logging.getLogger(__name__)

# How often the other servers' jobs are counted: so long a tenant may exceed its quota
# there and here together.
_COUNT_EVERY_SECONDS = 2.0
# Of the time, counting takes at most one part in so many.
_PARTS_OF_TIME = 20


class UnfinishedJobs:
    """Counts a tenant's unfinished jobs from memory.

    Its own jobs a server has in memory. Those of others it counts in the database, from
    time to time, where there are others.

    Args:
        live: this server's unfinished jobs.
        servers: the servers that share its store.
        owner: this server's id.
    """

    def __init__(self, live: LiveJobs, servers: ServerTable, owner: Callable[[], str]) -> None:
        self._live = live
        self._servers = servers
        self._owner = owner
        self._elsewhere: Mapping[str, int] = {}
        self._counting: asyncio.Task[None] | None = None

    def of(self, tenant: str) -> int:
        """How many a tenant has."""
        return self._live.num_of(tenant) + self._elsewhere.get(tenant, 0)

    def start(self) -> None:
        """Begins to count the other servers' jobs."""
        self._counting = asyncio.create_task(self._keep_counting())

    async def stop(self) -> None:
        """Ends that."""
        if self._counting is not None:
            self._counting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._counting

    async def count(self) -> None:
        """Counts the other servers' jobs.

        Raises:
            StoreError: the store could not be read.
        """
        owner, servers = self._owner(), self._servers
        self._elsewhere = await servers.unfinished_elsewhere(owner) if servers.has_others else {}

    async def _keep_counting(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                await self.count()
            except StoreError as error:
                _logger.debug("the other servers' jobs cannot be counted: %s", error)
            taken = time.monotonic() - begun
            await asyncio.sleep(max(_COUNT_EVERY_SECONDS, _PARTS_OF_TIME * taken))
