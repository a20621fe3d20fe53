"""How the calls of one stream take turns with everything else."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from longwire.v1.call_service_pb2 import Call, MakeCallsRequest, MakeCallsResponse
from longwire.v1.job_service_pb2 import GetJobRequest, GetJobResponse
from longwire_server.refusals import limit_exceeded
from longwire_server.servicers.call_stream import CallStream, ConnectionCalls, Rpc

CALLS = 1000
MOST_AT_ONCE = 32
REFUSED_CALLS = 40


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


async def _responses_to_refused_calls() -> list[MakeCallsResponse]:
    """The responses where one call after another is told to come again later."""

    async def refuse(_request: GetJobRequest, _context: Any) -> GetJobResponse:
        raise limit_exceeded("limits.queued_jobs", 1, "1 job is queued", retry_after_seconds=1.0)

    async def requests() -> AsyncIterator[MakeCallsRequest]:
        for number in range(REFUSED_CALLS):
            yield MakeCallsRequest(calls=[Call(call_id=number, get_job=GetJobRequest())])
            await asyncio.sleep(0)
        # The stream is not over: nothing is sent for that reason.
        await asyncio.Event().wait()

    rpcs = {"get_job": Rpc("/longwire.v1.JobService/GetJob", refuse)}
    stream = CallStream(rpcs, _unguarded, None, ConnectionCalls(CALLS))
    responses: list[MakeCallsResponse] = []
    async with contextlib.aclosing(stream.responses(requests())) as answering:
        async for response in answering:
            responses.append(response)
            if sum(len(each.answers) for each in responses) == REFUSED_CALLS:
                break
    return responses


def test_refusals_that_say_when_to_come_again_travel_together() -> None:
    responses = asyncio.run(_responses_to_refused_calls())
    answers = [answer for response in responses for answer in response.answers]
    assert [answer.call_id for answer in answers] == list(range(REFUSED_CALLS))
    assert all(answer.is_last and answer.HasField("error") for answer in answers)
    assert len(responses) < REFUSED_CALLS / 2
