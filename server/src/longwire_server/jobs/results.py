"""The results of jobs that are done, as long as they are kept."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from longwire.v1.result_pb2 import EncodedResult
from longwire_server.jobs.deliveries import Deliveries
from longwire_server.jobs.encoded_payload import EncodedPayload, open_encoded
from longwire_server.jobs.lifecycle import DONE, state_name
from longwire_server.jobs.retention import RetentionLimits
from longwire_server.refusals import (
    RequestRefusedError,
    result_damaged,
    result_not_available,
    result_removed,
)
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore, PayloadDamagedError

_logger = logging.getLogger(__name__)


class FetchedResult:
    """A result that is read while it is sent.

    Args:
        encoded: the result.
        refusal: what to tell of damage that was found.

    Attributes:
        header: what is to be known of the data, without it.
        size_bytes: how large the data is.
    """

    def __init__(
        self,
        encoded: EncodedPayload,
        refusal: Callable[[PayloadDamagedError], Awaitable[RequestRefusedError]],
    ) -> None:
        self.header = encoded.header
        self.size_bytes = encoded.size_bytes
        self._encoded = encoded
        self._refusal = refusal

    async def read_into(self, target: memoryview) -> None:
        """Fills the target with the next of the data, as EncodedResult has it.

        The call that reaches its end returns only where the whole result is as it was
        stored.

        Args:
            target: not empty, and at most as large as what is left.

        Raises:
            RequestRefusedError: it is not, or the result was removed meanwhile.
            StoreError: it cannot be read.
        """
        try:
            await self._encoded.read_into(target)
        except PayloadDamagedError as error:
            raise await self._refusal(error) from error


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
        """The result of a job in a final state, once its tenant may fetch it.

        Raises:
            RequestRefusedError: it has none, or none any more, or a damaged one.
            StoreError: it cannot be read.
        """
        if job.state != DONE:
            raise result_not_available(job.job_id, state_name(job.state), job.error_message)
        async with (
            self._deliveries.turn(job.tenant, job.result_bytes),
            contextlib.AsyncExitStack() as stack,
        ):
            try:
                reader = await stack.enter_async_context(self._store.result_reader(job.job_id))
                encoded = None if reader is None else await open_encoded(reader)
            except PayloadDamagedError as error:
                raise await self._refusal(job, error) from error
            if encoded is None:
                raise result_removed(job.job_id, self._retention.results_in_words)
            yield FetchedResult(encoded, partial(self._refusal, job))

    async def _refusal(self, job: Job, error: PayloadDamagedError) -> RequestRefusedError:
        """What to tell of a result whose file is not as it was."""
        recorded = await self._store.get(job.tenant, job.job_id)
        if recorded is None or not recorded.result_bytes:
            # A file that is gone because its job is, or what it returned, is no damage.
            return result_removed(job.job_id, self._retention.results_in_words)
        _logger.warning("job %s: its result is lost: %s", job.job_id, error)
        return result_damaged(job.job_id, str(error))

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
