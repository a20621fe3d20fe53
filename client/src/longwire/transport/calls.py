"""What every call has in common: a deadline, other attempts, and errors of Longwire's own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from longwire.transport.call_stream import StreamedCall, fits
from longwire.transport.connection import Connection
from longwire.transport.failures import (
    cause_of,
    error_info,
    error_of,
    is_away,
    is_passing,
    retry_seconds,
)
from longwire.transport.interruption import Interruption
from longwire.transport.retry import FIRST_CONTACT_SECONDS, Retry

StubT = TypeVar("StubT")

# What takes longer to be answered may wait on a connection that is dead.
SUSPECT_SECONDS = 5.0


class Calls:
    """The calls of one service over a connection.

    Args:
        connection: the connection.
        stub_class: the service's generated stub.
    """

    def __init__(self, connection: Connection, stub_class: Callable[[grpc.Channel], Any]) -> None:
        self._connection = connection
        self._stub_class = stub_class
        self._stub_and_channel: tuple[Any, grpc.Channel] | None = None

    @property
    def _stub(self) -> Any:
        channel = self._connection.channel
        if self._stub_and_channel is None or self._stub_and_channel[1] is not channel:
            self._stub_and_channel = self._stub_class(channel), channel
        return self._stub_and_channel[0]

    def _call(
        self,
        method: str,
        request: Any,
        *,
        timeout_seconds: float | None = None,
        repeats: bool = True,
    ) -> Any:
        """A unary call.

        A server that is away, or busy, is asked again until the time is over, and one
        that has never answered on this connection for a moment. What gets no answer for some
        seconds is asked once more on a connection of its own, since the present one may
        have died in silence.

        Args:
            method: the name of the RPC.
            request: its request.
            timeout_seconds: how long to wait for the answer; None for the connection's
                own limit.
            repeats: whether it changes nothing to make the call twice.

        Raises:
            LongwireError: the call failed.
        """
        if timeout_seconds is None:
            timeout_seconds = self._connection.timeout_seconds
        deadline = time.monotonic() + timeout_seconds
        outage = self._connection.outage
        retry = Retry(timeout_seconds if outage.has_answered else FIRST_CONTACT_SECONDS)
        patience_seconds = SUSPECT_SECONDS if repeats else math.inf
        is_first = True
        # Why the server did not do it, when it last said so.
        refusal: grpc.RpcError | None = None
        while True:
            channel = self._connection.channel
            left_seconds = max(0.0, deadline - time.monotonic())
            try:
                response = self._response(
                    method, request, min(left_seconds, patience_seconds), streams=repeats
                )
            except grpc.RpcError as error:
                if (
                    error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
                    and patience_seconds < left_seconds
                ):
                    self._connection.renew(channel)
                    patience_seconds = math.inf
                elif not (repeats and self._may_repeat(error, retry, deadline)):
                    is_late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
                    told = refusal if refusal is not None and is_late else error
                    raise self.error_of(told, getattr(request, "job_id", "")) from None
                elif is_first:
                    # Who asks learns what is so now: a channel that has failed for long tries
                    # every few seconds only.
                    self._connection.renew(channel)
                is_first = False
                if error_info(error) is not None:
                    refusal = error
            else:
                outage.answered()
                return response

    def _response(self, method: str, request: Any, timeout_seconds: float, *, streams: bool) -> Any:
        """The response to one attempt at a unary call.

        Raises:
            grpc.RpcError: it failed.
        """
        deadline = time.monotonic() + timeout_seconds

        def respond() -> Any:
            # A stream may have ended without an answer meanwhile.
            left_seconds = max(0.0, deadline - time.monotonic())
            return getattr(self._stub, method)(
                request, timeout=left_seconds, metadata=self._connection.metadata
            )

        call = self._streamed(request, lambda: iter((respond(),))) if streams else None
        return respond() if call is None else call.only(timeout_seconds)

    def _streamed(self, request: Any, make_plain: Callable[[], Any]) -> StreamedCall | None:
        """The same call over the connection's stream of calls; None where it is to be plain.

        Args:
            request: its request. It may be sent twice.
            make_plain: makes it by its own RPC.
        """
        stream = self._connection.call_stream() if fits(request) else None
        return None if stream is None else stream.call(request, make_plain)

    def _may_repeat(self, error: grpc.RpcError, retry: Retry, deadline: float) -> bool:
        """Whether to make a call again that failed; pauses before."""
        if not self.is_passing(error):
            if error_info(error) is not None:
                self._connection.outage.answered()
            return False
        outage = self._connection.outage
        if is_away(error):
            outage.failed(cause_of(error))
        else:
            outage.answered()
        is_paused = retry.pause(deadline, Interruption(), at_least=retry_seconds(error))
        return is_paused and time.monotonic() < deadline

    def is_passing(self, call: grpc.RpcError) -> bool:
        """Whether a call that failed may succeed later."""
        return is_passing(call) and not self._connection.tls_trouble(call)

    def error_of(self, call: grpc.RpcError, job_id: str = "") -> Exception:
        """What to raise for a call that failed; the command line has errors of its own.

        Args:
            call: the call.
            job_id: the job that it was about; empty where it was about none.
        """
        trouble = self._connection.tls_trouble(call)
        return error_of(call, self._connection.address, job_id, tls_trouble=trouble)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_stub_and_channel": None}
