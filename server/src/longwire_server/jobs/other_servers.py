"""The servers that share this one's store: whose jobs are whose, and what they change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

from longwire_server.jobs.attempts import AttemptRunner
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.distant_jobs import Changes, DistantJobs
from longwire_server.jobs.leases import TAKEN_OVER
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.live_jobs import LiveJobs
from longwire_server.jobs.presence import Presence
from longwire_server.jobs.recovery import Recovery
from longwire_server.store.job_query import Cursor
from longwire_server.store.job_store import JobStore, StoreError
from longwire_server.store.server_table import ServerTable

_logger = logging.getLogger(__name__)

_PAGE_SIZE = 1000


class OtherServers:
    """Gives signs of life, takes over the jobs of the dead, and heeds what others ask for.

    Args:
        store: the durable record.
        servers: its table of servers.
        live: the unfinished jobs that this server has.
        dispatcher: its queue.
        attempts: runs them, and writes what becomes of them.
        recovery: takes up jobs.
        cancel: cancels one of them.
    """

    def __init__(
        self,
        store: JobStore,
        servers: ServerTable,
        *,
        live: LiveJobs,
        dispatcher: Dispatcher,
        attempts: AttemptRunner,
        recovery: Recovery,
        cancel: Callable[[LiveJob], Coroutine[Any, Any, None]],
    ) -> None:
        self._store = store
        self._servers = servers
        self._live = live
        self._dispatcher = dispatcher
        self._attempts = attempts
        self._recovery = recovery
        self._cancel = cancel
        self._distant = DistantJobs()
        self._presence = Presence(
            servers,
            lease_seconds=attempts.leases.lease_seconds,
            on_life=self._go_by,
            on_dead=recovery.take_over,
            on_lost=self._come_back,
        )
        self._heeding: set[asyncio.Task[None]] = set()

    async def start(self, server_id: str) -> None:
        """Begins this server's life among them.

        Raises:
            StoreError: that could not be recorded.
        """
        await self._presence.start(server_id)
        self._attempts.leases.start(self._presence.server_id)
        self._servers.listen(self._notice)

    async def stop(self) -> None:
        """Ends it: the others take what is left."""
        await self._servers.stop()
        for task in self._heeding:
            task.cancel()
        await asyncio.gather(*self._heeding, return_exceptions=True)
        await self._presence.stop()

    def changes(self, job_id: str) -> AbstractContextManager[Changes]:
        """Tells of changes to a job that another server has."""
        return self._distant.changes(job_id)

    async def ask_to_cancel(self, tenant: str, job_id: str) -> None:
        """Asks the server that has a job to cancel it.

        Raises:
            StoreError: that could not be written.
        """
        await self._servers.ask_to_cancel(tenant, job_id)

    def _notice(self, job_id: str | None) -> None:
        self._distant.notice(job_id)
        if job_id is None:
            self._heed(self._heed_requests())
        elif (live := self._live.get(job_id)) is not None:
            self._heed(self._look_at(live))

    def _heed(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._log_trouble(work))
        self._heeding.add(task)
        task.add_done_callback(self._heeding.discard)

    async def _log_trouble(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StoreError as error:
            _logger.warning("what another server has changed cannot be read: %s", error)

    async def _heed_requests(self) -> None:
        for job_id in await self._servers.cancel_requests(self._attempts.leases.owner):
            if (live := self._live.get(job_id)) is not None:
                await self._cancel(live)

    async def _look_at(self, live: LiveJob) -> None:
        """Does what another server has written into a job of this one."""
        job = await self._store.get(live.job.tenant, live.job.job_id)
        if job is None or live.is_over:
            return
        if job.lease_owner != self._attempts.leases.owner:
            self._drop(live)
            return
        live.relabel(job)
        self._dispatcher.reorder(live)
        if job.cancel_requested:
            await self._cancel(live)

    def _go_by(self, server_id: str) -> None:
        self._attempts.leases.owner = server_id

    async def _come_back(self) -> None:
        """Lets go of what others have taken over while this server showed no sign of life."""
        owner = self._attempts.leases.owner
        had = [live for live in self._live if live.committed.done()]
        owned: set[str] = set()
        last: Cursor | None = None
        while page := await self._servers.owned(owner, queued=None, after=last, limit=_PAGE_SIZE):
            owned.update(job.job_id for job in page)
            last = Cursor(page[-1].create_time_us, page[-1].job_id)
        for live in had:
            if live.job.job_id not in owned and not live.is_over:
                await self._look_at(live)

    def _drop(self, live: LiveJob) -> None:
        if self._dispatcher.remove(live):
            self._attempts.abandon(live)
        else:
            self._attempts.stop(live, TAKEN_OVER)
