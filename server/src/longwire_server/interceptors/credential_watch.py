"""Ends a stream when the credential of its caller is revoked or expires."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TypeVar

from longwire_server.accounts.access_refusals import credential_expired, credential_revoked
from longwire_server.accounts.authenticator import Authenticator, is_expired
from longwire_server.accounts.caller import Caller

T = TypeVar("T")

# Timers far ahead count from the clock of the machine's uptime, which is not that of
# the day: they look again now and then.
_LOOK_EVERY_SECONDS = 3600.0


async def while_good(
    responses: AsyncIterator[T], caller: Caller, authenticator: Authenticator
) -> AsyncIterator[T]:
    """Passes on responses as long as the caller's credential is good.

    Raises:
        RequestRefusedError: it is good no longer.
    """
    watch = _Watch(caller)
    authenticator.watch(caller, watch.revoke)
    watch.start()
    try:
        while True:
            try:
                response = await watch.next(responses)
            except StopAsyncIteration:
                return
            yield response
    finally:
        watch.stop()
        authenticator.unwatch(caller, watch.revoke)
        close = getattr(responses, "aclose", None)
        if close is not None:
            await close()


class _Watch:
    """The credential of one call, which ends the wait for a response."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        task = asyncio.current_task()
        assert task is not None, "gRPC runs each call in a task"
        self._task = task
        self._is_waiting = False
        self._refusal: BaseException | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Has the watch end when the credential expires."""
        expires = self._caller.expire_time_us
        if expires is None:
            return
        if is_expired(self._caller):
            self._end(credential_expired("credential"))
            return
        seconds = min(expires / 1e6 - time.time(), _LOOK_EVERY_SECONDS)
        self._timer = asyncio.get_running_loop().call_later(seconds, self.start)

    def stop(self) -> None:
        """Ends the watch."""
        if self._timer is not None:
            self._timer.cancel()

    def revoke(self) -> None:
        """Ends the call, since the credential was revoked."""
        self._end(credential_revoked())

    async def next(self, responses: AsyncIterator[T]) -> T:
        """The next response.

        Raises:
            StopAsyncIteration: there is none.
            RequestRefusedError: the credential is good no longer.
        """
        if self._refusal is not None:
            raise self._refusal
        self._is_waiting = True
        try:
            return await anext(responses)
        except asyncio.CancelledError:
            refusal = self._given_refusal()
            if refusal is None:
                raise
            self._task.uncancel()
            raise refusal from None
        finally:
            self._is_waiting = False

    def _end(self, refusal: BaseException) -> None:
        if self._refusal is None:
            self._refusal = refusal
            # While a response is sent there is nothing to interrupt: the next wait asks.
            if self._is_waiting:
                self._task.cancel()

    def _given_refusal(self) -> BaseException | None:
        return self._refusal
