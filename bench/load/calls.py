"""The calls of a load: bytes out, and of what comes back only the end is read."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.rpc import code_pb2, error_details_pb2, status_pb2

sys.path.append(str(Path(__file__).parents[1]))
from call_streams import CallStream, StreamedCallError

from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2 import RunJobRequest, RunJobResponse, WatchJobRequest

Metadata = tuple[tuple[str, str], ...]
# Sends the request, and says whether its stream is to be cancelled; returns an outcome.
Caller = Callable[[bytes, bool], Awaitable[str]]

_JOBS = "/longwire.v1.JobService/"
_STATUS = "/longwire.v1.BackendService/GetBackendStatus"
OK = "OK"
# The client cancelled the streams of a job, which goes on.
CANCELLED = "CANCELLED_BY_CLIENT"


def metadata_of(token: str) -> Metadata:
    """What shows a token."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def caller(channel: grpc.aio.Channel, call: str, token: str, seconds: float) -> Caller:
    """A call over a channel, by the name that a plan gives it."""
    metadata = metadata_of(token)
    if call in ("status", "submit"):
        unary: Any = channel.unary_unary(_STATUS if call == "status" else f"{_JOBS}SubmitJob")

        async def once(request: bytes, _cancelled: bool) -> str:
            await unary(request, metadata=metadata, timeout=seconds)
            return OK

        return once
    if call == "streamed":
        return _streamed(CallStream(channel, metadata), seconds)
    run: Any = channel.unary_stream(f"{_JOBS}RunJob")
    watch: Any = channel.unary_stream(f"{_JOBS}WatchJob")

    async def job(request: bytes, cancelled: bool) -> str:
        stream = run(request, metadata=metadata, timeout=seconds)
        if cancelled:
            job_id = await _first_job_id(stream)
            wanted = WatchJobRequest(job_id=job_id).SerializeToString()
            await _first_job_id(watch(wanted, metadata=metadata, timeout=seconds))
            return CANCELLED
        last = b""
        async for response in stream:
            last = response
        return _final_state(last)

    return job


def _streamed(stream: CallStream, seconds: float) -> Caller:
    """Jobs over one stream, each with an id of its request, as a client of ours runs them."""

    async def job(request: bytes, _cancelled: bool) -> str:
        message = RunJobRequest.FromString(request)
        message.request_id = uuid.uuid4().hex
        async with asyncio.timeout(seconds):
            answer = await stream.call("run_job", message)
        return _state(answer.run_job)

    return job


async def _first_job_id(stream: Any) -> str:
    """The job of the first event of a stream, which is then cancelled."""
    async for response in stream:
        stream.cancel()
        return RunJobResponse.FromString(response).events[0].job_id
    raise RuntimeError("a stream of events ended without any")


def _final_state(last: bytes) -> str:
    return _state(RunJobResponse.FromString(last))


def _state(last: RunJobResponse) -> str:
    event = last.events[-1]
    state = event.finished.job.status.status
    return OK if state == JobState.JOB_STATE_DONE else f"JOB_{JobState.Name(state)}"


def code_of(error: grpc.aio.AioRpcError | StreamedCallError) -> str:
    """The name of the status with which a call failed."""
    if isinstance(error, StreamedCallError):
        return code_pb2.Code.Name(error.error.code)
    return error.code().name


def has_retry_info(error: grpc.aio.AioRpcError | StreamedCallError) -> bool:
    """Whether a refusal says when to come again."""
    if isinstance(error, StreamedCallError):
        packed = [error.error.status]
    else:
        metadata = error.trailing_metadata() or ()
        packed = [value for key, value in metadata if key == "grpc-status-details-bin"]
    retry = error_details_pb2.RetryInfo()
    return any(
        detail.Unpack(retry)
        for each in packed
        for detail in status_pb2.Status.FromString(each).details
    )
