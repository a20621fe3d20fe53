"""How the calls of one stream take turns with everything else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from longwire.v1.call_service_pb2 import Call, MakeCallsRequest
from longwire.v1.job_service_pb2 import GetJobRequest, GetJobResponse
from longwire_server.servicers.call_stream import CallStream, ConnectionCalls, Rpc

CALLS = 1000
MOST_AT_ONCE = 32


def _unguarded(behaviour: Any, *_: Any, **__: Any) -> Any:
    return behaviour


async def _turns_of_calls() -> list[int]:
    """The turns of the event loop in which the calls of one message were begun."""
    loop = asyncio.get_running_loop()
    turn = 0
    turns = []

    def count() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(count)

    async def answer(_request: GetJobRequest, _context: Any) -> GetJobResponse:
        turns.append(turn)
        return GetJobResponse()

    async def requests() -> AsyncIterator[MakeCallsRequest]:
        calls = [Call(call_id=number, get_job=GetJobRequest()) for number in range(CALLS)]
        yield MakeCallsRequest(calls=calls)

    count()
    rpcs = {"get_job": Rpc("/longwire.v1.JobService/GetJob", answer)}
    stream = CallStream(rpcs, _unguarded, None, ConnectionCalls(CALLS))
    responses = [response async for response in stream.responses(requests())]
    assert sum(len(response.answers) for response in responses) == CALLS
    return turns


def test_calls_of_one_message_let_others_have_their_turn() -> None:
    turns = asyncio.run(_turns_of_calls())
    assert len(turns) == CALLS
    assert max(Counter(turns).values()) <= MOST_AT_ONCE
