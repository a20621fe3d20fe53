"""Calls over one stream of CallService, as a program in any language makes them."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Iterator
from typing import Any

import grpc
from api_tokens import Metadata
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from service_calls import detail

from longwire.v1.call_service_pb2 import AbandonCall, Call, CallAnswer, CallError, MakeCallsRequest
from longwire.v1.call_service_pb2_grpc import CallServiceStub

CALL_SECONDS = 120.0


class CallFailedError(Exception):
    """How a call in a stream ended."""

    def __init__(self, error: CallError) -> None:
        super().__init__(error.message)
        self.code = error.code
        self.status = status_pb2.Status.FromString(error.status)
        self.info = error_details_pb2.ErrorInfo()
        assert detail(self.status, self.info)


class StreamedCalls:
    """One stream, open until the block ends.

    Args:
        channel: the channel.
        metadata: whose stream it is.
    """

    def __init__(self, channel: grpc.Channel, metadata: Metadata | None = None) -> None:
        self._sent: queue.SimpleQueue[MakeCallsRequest | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._read: list[CallAnswer] = []
        self.call: Any = CallServiceStub(channel).MakeCalls(
            iter(self._sent.get, None), metadata=metadata, timeout=CALL_SECONDS
        )

    def __enter__(self) -> StreamedCalls:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.finish()
        self.call.cancel()

    def send(self, *calls: Call) -> None:
        """Sends calls in one message."""
        self._sent.put(MakeCallsRequest(calls=calls))

    def begin(self, kind: str, request: Message) -> int:
        """Sends one call, and returns its number."""
        call_id = next(self._numbers)
        self.send(Call(call_id=call_id, **{kind: request}))
        return call_id

    def abandon(self, call_id: int) -> None:
        """Ends a call."""
        self.send(Call(call_id=call_id, abandon=AbandonCall()))

    def finish(self) -> None:
        """Sends no more."""
        self._sent.put(None)

    def answers(self, call_id: int) -> Iterator[Any]:
        """The responses to a call, as they come.

        Raises:
            CallFailedError: it failed.
        """
        while True:
            answer = self._next_of(call_id)
            if answer.HasField("error"):
                assert answer.is_last
                assert answer.WhichOneof("response") is None
                raise CallFailedError(answer.error)
            if (kind := answer.WhichOneof("response")) is not None:
                yield getattr(answer, kind)
            if answer.is_last:
                return

    def all(self, kind: str, request: Message) -> list[Any]:
        """Makes a call, and returns its responses."""
        return list(self.answers(self.begin(kind, request)))

    def rest(self) -> list[CallAnswer]:
        """All answers until the stream ends."""
        return self._read + [answer for response in self.call for answer in response.answers]

    def _next_of(self, call_id: int) -> CallAnswer:
        while True:
            for index, answer in enumerate(self._read):
                if answer.call_id == call_id:
                    return self._read.pop(index)
            self._read.extend(next(self.call).answers)
