"""Leases of running attempts: proof in the store that a server still works on them.

An attempt carries the server that runs it and a time until which it does. The server
extends that time while the attempt's worker goes on, finds out in doing so whether the
attempt is still its own, and has a worker killed that has not gone on for as long as a
lease lasts. Other servers go by this one's signs of life (:mod:`presence
<longwire_server.jobs.presence>`), which no clock decides about. What a server writes
of an attempt that was taken over is refused, because the job has moved on by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable, Mapping

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.lifecycle import ERROR
from longwire_server.jobs.live_job import LiveJob, Stop
from longwire_server.store.job_store import JobStore, StoreError

_logger = logging.getLogger(__name__)

# Two renewals may fail before a lease runs out. Jobs that are shorter than the time
# between two cost nothing.
_RENEWALS_A_LEASE = 3
_US_PER_SECOND = 1_000_000

TAKEN_OVER = Stop(
    ERROR,
    ErrorReason.ERROR_REASON_WORKER_DIED,
    "Another server has taken over the job",
    lost=True,
)


@dataclasses.dataclass(slots=True)
class _Held:
    """One attempt's lease. Times are the event loop's, which nobody sets back."""

    live: LiveJob
    since: float
    heard: float


class Leases:
    """The leases that this server holds.

    Args:
        store: the durable record.
        lease_seconds: how long a lease lasts without renewal.
        stop: has a running attempt killed.

    Attributes:
        owner: this server's id; empty before the start.
        lease_seconds: as given.
    """

    def __init__(
        self,
        store: JobStore,
        *,
        lease_seconds: float,
        stop: Callable[[LiveJob, Stop], None],
    ) -> None:
        self._store = store
        self.owner = ""
        self.lease_seconds = lease_seconds
        self._stop = stop
        self._held: dict[str, _Held] = {}
        self._keeper: asyncio.Task[None] | None = None

    def expires_us(self) -> int:
        """When a lease ends that begins now, in microseconds since 1970 UTC."""
        return now_us() + round(self.lease_seconds * _US_PER_SECOND)

    def start(self, owner: str) -> None:
        """Begins to renew, for the server of this id."""
        self.owner = owner
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends that."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper

    def hold(self, live: LiveJob) -> None:
        """Keeps the lease of an attempt that begins."""
        now = asyncio.get_running_loop().time()
        self._held[live.job.job_id] = _Held(live, now, now)

    def release(self, live: LiveJob) -> None:
        """Lets it go: the attempt has ended."""
        self._held.pop(live.job.job_id, None)

    async def _keep(self) -> None:
        interval = self.lease_seconds / _RENEWALS_A_LEASE
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(interval)
            now = loop.time()
            self._look_after_workers(now, blind_seconds=now - began - interval)
            due = {
                job_id: held.live.job.attempt
                for job_id, held in self._held.items()
                if held.heard == now and now - held.since >= interval
            }
            if due:
                await self._renew(due)

    def _look_after_workers(self, now: float, *, blind_seconds: float) -> None:
        for held in list(self._held.values()):
            worker = held.live.worker
            # Where all of a machine stood still, the server may go on before its workers.
            held.heard += blind_seconds
            if worker is None or worker.goes_on():
                held.heard = now
            elif now - held.heard >= self.lease_seconds:
                _logger.warning("job %s: its worker stands still", held.live.job.job_id)
                self._stop(held.live, _stands_still(self.lease_seconds))

    async def _renew(self, due: Mapping[str, int]) -> None:
        try:
            renewed = await self._store.renew_leases(self.owner, due, expires_us=self.expires_us())
        except StoreError as error:
            _logger.warning("%d leases cannot be renewed: %s", len(due), error)
            return
        for job_id in due.keys() - renewed:
            held = self._held.get(job_id)
            # It may have ended meanwhile, and even have begun again.
            if held is not None and held.live.job.attempt == due[job_id]:
                self._stop(held.live, TAKEN_OVER)


def _stands_still(lease_seconds: float) -> Stop:
    return Stop(
        ERROR,
        ErrorReason.ERROR_REASON_WORKER_DIED,
        f"The worker process stood still for {lease_seconds:g} s (lease_seconds), as if by SIGSTOP",
        lost=True,
    )
