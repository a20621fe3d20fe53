"""The results of jobs that are done, as long as they are kept."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator

from longwire.v1.result_pb2 import EncodedResult
from longwire_server.jobs.deliveries import Deliveries
from longwire_server.jobs.lifecycle import DONE, state_name
from longwire_server.jobs.retention import RetentionLimits
from longwire_server.refusals import result_damaged, result_not_available, result_removed
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, PayloadDamagedError

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class FetchedResult:
    """A result in memory, once."""

    header: EncodedResult
    """What is to be known of the data, without it."""

    data: bytes
    """The data, as EncodedResult has it."""


class Results:
    """Reads results from the store.

    Args:
        store: the durable record.
        retention: how long results are kept.
        inline_bytes: results up to this size travel in the final event.
        fetched_bytes: of one tenant's larger ones, as much is sent at once.
    """

    def __init__(
        self,
        store: JobStore,
        retention: RetentionLimits,
        *,
        inline_bytes: int,
        fetched_bytes: int,
    ) -> None:
        self._store = store
        self._retention = retention
        self._inline_bytes = inline_bytes
        self._deliveries = Deliveries(fetched_bytes)

    @contextlib.asynccontextmanager
    async def fetched(self, job: Job) -> AsyncIterator[FetchedResult]:
        """The result of a job in a final state, once there is room for it in memory.

        Raises:
            RequestRefusedError: it has none, or none any more, or a damaged one.
            StoreError: the store could not be read.
        """
        if job.state != DONE:
            raise result_not_available(job.job_id, state_name(job.state), job.error_message)
        async with self._deliveries.turn(job.tenant, job.result_bytes):
            yield await self._read(job)

    async def _read(self, job: Job) -> FetchedResult:
        try:
            stored = await self._store.result(job.job_id)
        except PayloadDamagedError as error:
            _logger.warning("job %s: its result is lost: %s", job.job_id, error)
            raise result_damaged(job.job_id, str(error)) from error
        if stored is None:
            raise result_removed(job.job_id, self._retention.results_in_words)
        result = EncodedResult.FromString(stored)
        header = EncodedResult(compression=result.compression, sha256=result.sha256)
        # Of the three copies that there are by now, one is kept while it is sent.
        return FetchedResult(header, result.data)

    async def inline(self, job: Job) -> EncodedResult | None:
        """The result for a job's final event; None where it is too large, or there is none.

        Raises:
            StoreError: the store could not be read.
        """
        if job.state != DONE or job.result_bytes > self._inline_bytes:
            return None
        try:
            result = await self._store.result(job.job_id)
        except PayloadDamagedError:
            # Whoever fetches it is told.
            return None
        return None if result is None else EncodedResult.FromString(result)
