"""The calls of one stream: each in a task of its own, their answers in one queue."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

import grpc

from longwire.v1.call_service_pb2 import (
    Call,
    CallAnswer,
    CallError,
    MakeCallsRequest,
    MakeCallsResponse,
)
from longwire_server.refusals import argument_invalid, limit_exceeded
from longwire_server.servicers.status_table import status_of

# A client of gRPC takes messages of 4 MiB unless it says something else; a small
# result alone may have one.
_RESPONSE_BYTES: Final = 256 * 1024
# Where a client does not read, its calls wait rather than their answers.
_WAITING_BYTES: Final = 1024 * 1024
_WAITING_ANSWERS: Final = 1024
_RETRY_SECONDS: Final = 1.0
# Who is told to come again later is told so with others: to send takes longer than to
# refuse, and an overloaded server has no time for it.
_HOLD_SECONDS: Final = 0.01
_TOO_MUCH: Final = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
_BEGUN_AT_ONCE: Final = 32
_UNKNOWN: Final = CallError(
    code=grpc.StatusCode.UNIMPLEMENTED.value[0],
    message="The call has no request that this server knows: make it by its own RPC",
)

# Given a behaviour, the RPC's full name and the context of the stream, the same
# behaviour for the stream's caller.
Guard: TypeAlias = Callable[..., Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Rpc:
    """What answers one kind of call."""

    method: str
    """The RPC's full name as gRPC has it."""

    behaviour: Any
    """The servicer's method."""

    streams: bool = False
    """Whether it answers with a stream of responses."""


@dataclasses.dataclass(slots=True)
class ConnectionCalls:
    """The calls in all streams of one connection."""

    maximum: int
    """How many there may be at once."""

    num_calls: int = 0
    """How many there are."""

    num_streams: int = 0
    """In how many streams."""


class CallStream:
    """Answers the calls of one stream.

    Args:
        rpcs: what answers a call, by the field of its request.
        guard: stands in front of each.
        context: the stream's.
        connection: the calls of the connection that the stream is on.
    """

    def __init__(
        self, rpcs: Mapping[str, Rpc], guard: Guard, context: Any, connection: ConnectionCalls
    ) -> None:
        self._rpcs = rpcs
        self._guard = guard
        self._context = context
        self._connection = connection
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._answers: deque[tuple[CallAnswer, int]] = deque()
        self._waiting_bytes = 0
        self._drains = False
        # Something to send, or a reason to end.
        self._news = asyncio.Event()
        # Whether what waits is to be sent now; if not, a timer says when.
        self._is_due = False
        self._hold: asyncio.TimerHandle | None = None
        # Answers wait for room in a line: were all woken at once, each answer that is
        # sent would cost as much as there are calls.
        self._line = asyncio.Lock()
        self._sent = asyncio.Event()

    async def responses(
        self, requests: AsyncIterator[MakeCallsRequest]
    ) -> AsyncIterator[MakeCallsResponse]:
        """The answers to all calls, until there will be no more.

        Args:
            requests: the calls, as they come.

        Raises:
            RequestRefusedError: a request is none, or a number stands for two calls.
        """
        reading = asyncio.create_task(self._read(requests))
        reading.add_done_callback(self._notice)
        try:
            while True:
                has_failed = reading.done() and reading.exception() is not None
                is_last = has_failed or (not self._calls and (self._drains or reading.done()))
                if self._answers and (self._is_due or is_last):
                    yield self._next_response()
                elif is_last:
                    if has_failed:
                        reading.result()
                    return
                else:
                    self._news.clear()
                    await self._news.wait()
        finally:
            if self._hold is not None:
                self._hold.cancel()
            left = [reading, *self._calls.values()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def drain(self) -> None:
        """Ends the stream when the calls are answered that it has now."""
        self._drains = True
        self._news.set()

    async def _read(self, requests: AsyncIterator[MakeCallsRequest]) -> None:
        async for request in requests:
            # The message of a request is gone before the next one comes. A variable of this
            # frame that held a part of it would keep all of it.
            await self._begin_all(request)
            del request

    async def _begin_all(self, request: MakeCallsRequest) -> None:
        for number, call in enumerate(request.calls):
            if number and number % _BEGUN_AT_ONCE == 0:
                # A message has room for thousands. Others are served in between.
                await asyncio.sleep(0)
            await self._begin(call)

    async def _begin(self, call: Call) -> None:
        call_id, kind = call.call_id, call.WhichOneof("request")
        if kind == "abandon":
            if (task := self._calls.get(call_id)) is not None:
                task.cancel()
            return
        if call_id in self._calls:
            raise argument_invalid(
                "call_id", f"{call_id} stands for a call that is not over; take another number"
            )
        rpc = self._rpcs.get(kind or "")
        if kind is None or rpc is None:
            await self._put(CallAnswer(call_id=call_id, is_last=True, error=_UNKNOWN))
        elif self._connection.num_calls >= self._connection.maximum:
            await self._put(_failed(call_id, self._too_many()))
        else:
            # A copy: a part would keep all of its message for as long as the job takes.
            request = type(getattr(call, kind))()
            request.CopyFrom(getattr(call, kind))
            task = asyncio.create_task(self._answer(call_id, kind, rpc, request))
            self._calls[call_id] = task
            self._connection.num_calls += 1
            task.add_done_callback(partial(self._end, call_id))

    def _end(self, call_id: int, _task: asyncio.Task[None]) -> None:
        del self._calls[call_id]
        self._connection.num_calls -= 1
        self._news.set()

    async def _answer(self, call_id: int, kind: str, rpc: Rpc, request: Any) -> None:
        try:
            behaviour = self._guard(rpc.behaviour, rpc.method, self._context, streams=rpc.streams)
            if rpc.streams:
                responses = behaviour(request, self._context)
                # It may be a program, and the job's end is far away.
                del request
                async with contextlib.aclosing(responses):
                    async for response in responses:
                        await self._put(CallAnswer(call_id=call_id, **{kind: response}))
                last = CallAnswer(call_id=call_id, is_last=True)
            else:
                response = await behaviour(request, self._context)
                last = CallAnswer(call_id=call_id, is_last=True, **{kind: response})
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - the outermost layer of a call
            last = _failed(call_id, error)
        await self._put(last)

    async def _put(self, answer: CallAnswer) -> None:
        # Room comes first: whoever abandons its calls must not leave their answers behind.
        if self._is_full or self._line.locked():
            async with self._line:
                while self._is_full:
                    self._sent.clear()
                    await self._sent.wait()
        size_bytes = answer.ByteSize()
        self._answers.append((answer, size_bytes))
        self._waiting_bytes += size_bytes
        if answer.error.code != _TOO_MUCH or self._is_full:
            self._be_due()
        elif self._hold is None:
            self._hold = asyncio.get_running_loop().call_later(_HOLD_SECONDS, self._be_due)

    def _be_due(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        self._is_due = True
        self._news.set()

    @property
    def _is_full(self) -> bool:
        return self._waiting_bytes > _WAITING_BYTES or len(self._answers) >= _WAITING_ANSWERS

    def _next_response(self) -> MakeCallsResponse:
        """What waits, as much as fits in one message."""
        answers: list[CallAnswer] = []
        taken_bytes = 0
        while self._answers and (
            not answers or taken_bytes + self._answers[0][1] <= _RESPONSE_BYTES
        ):
            answer, size_bytes = self._answers.popleft()
            answers.append(answer)
            taken_bytes += size_bytes
        self._waiting_bytes -= taken_bytes
        self._is_due = bool(self._answers)
        self._sent.set()
        return MakeCallsResponse(answers=answers)

    def _notice(self, _reading: asyncio.Task[None]) -> None:
        self._news.set()

    def _too_many(self) -> Exception:
        return limit_exceeded(
            "connections.max_calls",
            self._connection.maximum,
            f"The connection's streams have {self._connection.num_calls} calls that are not over: "
            "wait for one of them",
            retry_after_seconds=_RETRY_SECONDS,
            passes=True,
        )


def _failed(call_id: int, error: BaseException) -> CallAnswer:
    """How a call ends that raised ``error``: as its RPC would."""
    status: Any = status_of(error)
    [(_, packed)] = status.trailing_metadata
    told = CallError(code=status.code.value[0], message=status.details, status=packed)
    return CallAnswer(call_id=call_id, is_last=True, error=told)
