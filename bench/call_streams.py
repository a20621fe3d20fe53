"""Many calls over one stream of CallService, from one event loop, without Qiskit."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import grpc
import grpc.aio

from longwire.v1.call_service_pb2 import Call, CallAnswer, CallError, MakeCallsRequest
from longwire.v1.call_service_pb2_grpc import CallServiceStub

# Far below what a request may have: programs of a load are small.
_CALLS_PER_MESSAGE = 64


class StreamedCallError(Exception):
    """A call that failed."""

    def __init__(self, error: CallError) -> None:
        super().__init__(error.message)
        self.error = error


class CallStream:
    """One stream, which opens with its first call, and again after it broke.

    Args:
        channel: the channel.
        metadata: what it shows.
    """

    def __init__(self, channel: grpc.aio.Channel, metadata: Any = None) -> None:
        self._stub = CallServiceStub(channel)
        self._metadata = metadata
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[CallAnswer]] = {}
        self._outgoing: asyncio.Queue[Call] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def call(self, kind: str, request: Any) -> CallAnswer:
        """Makes a call, and returns its last answer with a response.

        Raises:
            StreamedCallError: the call failed.
            grpc.aio.AioRpcError: the stream did.
        """
        if not self._tasks:
            stream = self._stub.MakeCalls(metadata=self._metadata)
            self._tasks = [
                asyncio.create_task(self._write(stream)),
                asyncio.create_task(self._read(stream)),
            ]
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._outgoing.put_nowait(Call(call_id=number, **{kind: request}))
        return await future

    async def close(self) -> None:
        """Ends the stream."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, stream: Any) -> None:
        while True:
            calls = [await self._outgoing.get()]
            while len(calls) < _CALLS_PER_MESSAGE and not self._outgoing.empty():
                calls.append(self._outgoing.get_nowait())
            await stream.write(MakeCallsRequest(calls=calls))

    async def _read(self, stream: Any) -> None:
        before: dict[int, CallAnswer] = {}
        try:
            async for response in stream:
                for answer in response.answers:
                    if answer.is_last:
                        last = before.pop(answer.call_id, answer)
                        self._end(answer if answer.WhichOneof("response") else last, answer)
                    else:
                        before[answer.call_id] = answer
        except grpc.aio.AioRpcError as error:
            answers, self._answers = self._answers, {}
            # The next call opens another stream.
            self._tasks[0].cancel()
            self._tasks = []
            for future in answers.values():
                if not future.done():
                    future.set_exception(error)

    def _end(self, told: CallAnswer, last: CallAnswer) -> None:
        future = self._answers.pop(last.call_id)
        if future.done():
            # Whoever waited has given up.
            return
        if last.HasField("error"):
            future.set_exception(StreamedCallError(last.error))
        else:
            future.set_result(told)
