"""Jobs that belong to a call: cancelled when it ends before they do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, TypeAlias, TypeVar

from longwire_server.jobs.submissions import Submission
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.job_store import StoreError

T = TypeVar("T")

_logger = logging.getLogger(__name__)

# A call whose connection broke, or came of age, is made again within moments: its job is
# to be there still.
RETURN_SECONDS: Final = 5.0

_Key: TypeAlias = "tuple[str, str]"


class OwningCalls:
    """Cancels jobs whose calls have gone.

    Args:
        cancel: cancels a job, of a tenant and an id.
    """

    def __init__(self, cancel: Callable[[str, str], Awaitable[object]]) -> None:
        self._cancel = cancel
        # How many calls own a job now.
        self._calls: Counter[_Key] = Counter()
        self._waiting: dict[_Key, asyncio.TimerHandle] = {}
        self._cancelling: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def submitted(
        self, tenant: str, submitting: Awaitable[Submission], context: Any
    ) -> Submission:
        """The submission of a job that is to belong to its call.

        Where the call ends meanwhile, the job may be recorded all the same: then it is
        cancelled.
        """
        task = asyncio.ensure_future(submitting)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            is_late = _is_late(context)

            def release(done: asyncio.Future[Submission]) -> None:
                if not done.cancelled() and done.exception() is None:
                    self._leave((tenant, done.result().job.job_id), is_late=is_late)

            task.add_done_callback(release)
            raise

    async def owned(
        self, tenant: str, job_id: str, responses: AsyncGenerator[T, None], context: Any
    ) -> AsyncGenerator[T, None]:
        """The same responses, whose end is the job's.

        Args:
            tenant: who owns the job.
            job_id: its id.
            responses: what the call is answered with; it ends by itself once the job is
                final, and with a refusal where the server ends it.
            context: the call's.
        """
        key = tenant, job_id
        self._calls[key] += 1
        if (handle := self._waiting.pop(key, None)) is not None:
            handle.cancel()
        is_gone = True
        try:
            async with contextlib.aclosing(responses):
                async for response in responses:
                    yield response
            is_gone = False
        except (RequestRefusedError, StoreError):
            # The server's doing.
            is_gone = False
            raise
        finally:
            self._calls[key] -= 1
            if not self._calls[key]:
                del self._calls[key]
            if is_gone:
                self._leave(key, is_late=_is_late(context))

    def stop(self) -> None:
        """Cancels nothing from now on: that calls end is the server's doing."""
        self._stopped = True
        for handle in self._waiting.values():
            handle.cancel()
        self._waiting.clear()

    def _leave(self, key: _Key, *, is_late: bool) -> None:
        if self._stopped or key in self._calls or key in self._waiting:
            return
        if is_late:
            self._begin_to_cancel(key)
        else:
            loop = asyncio.get_running_loop()
            self._waiting[key] = loop.call_later(RETURN_SECONDS, self._begin_to_cancel, key)

    def _begin_to_cancel(self, key: _Key) -> None:
        self._waiting.pop(key, None)
        task = asyncio.create_task(self._end(*key))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _end(self, tenant: str, job_id: str) -> None:
        _logger.info("job %s is cancelled: the call that it belongs to has ended", job_id)
        try:
            with contextlib.suppress(RequestRefusedError):
                # Refused where it was deleted, or the server drains.
                await self._cancel(tenant, job_id)
        except StoreError as error:
            _logger.warning("job %s, whose call has ended, goes on: %s", job_id, error)


def _is_late(context: Any) -> bool:
    """Whether a call has ended because its deadline is over."""
    seconds = context.time_remaining()
    return seconds is not None and seconds <= 0
