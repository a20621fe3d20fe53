"""The calls of a load: bytes out, and of what comes back only the end is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2

from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2 import RunJobResponse, WatchJobRequest

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


async def _first_job_id(stream: Any) -> str:
    """The job of the first event of a stream, which is then cancelled."""
    async for response in stream:
        stream.cancel()
        return RunJobResponse.FromString(response).events[0].job_id
    raise RuntimeError("a stream of events ended without any")


def _final_state(last: bytes) -> str:
    event = RunJobResponse.FromString(last).events[-1]
    state = event.finished.job.status.status
    return OK if state == JobState.JOB_STATE_DONE else f"JOB_{JobState.Name(state)}"


def has_retry_info(error: grpc.aio.AioRpcError) -> bool:
    """Whether a refusal says when to come again."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            retry = error_details_pb2.RetryInfo()
            status = status_pb2.Status.FromString(value)
            return any(detail.Unpack(retry) for detail in status.details)
    return False
