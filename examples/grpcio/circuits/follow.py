"""The events of a job to its end, over as many streams as it takes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from circuits.errors import CallError, call_error
from circuits.retry import Retries
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_service_pb2_grpc import JobServiceStub

# The server sends a heartbeat after 15 s: a stream that is silent for so long is dead.
SILENCE_SECONDS = 50.0


def run(
    jobs: JobServiceStub, request: messages.RunJobRequest, retries: Retries, metadata: Any
) -> Iterator[JobEvent]:
    """Runs a job and yields its events; the request needs a ``request_id`` of its own.

    Raises:
        CallError: it is refused, or the connection is broken for too long.
    """
    yield from _follow(
        lambda left: jobs.RunJob(request, timeout=left, metadata=metadata),
        jobs,
        retries,
        metadata,
        owns_job=request.cancel_with_call,
    )


def watch(jobs: JobServiceStub, job_id: str, retries: Retries, metadata: Any) -> Iterator[JobEvent]:
    """Yields the events of a job from its beginning.

    Raises:
        CallError: there is no such job, or the connection is broken for too long.
    """
    request = messages.WatchJobRequest(job_id=job_id)
    yield from _follow(
        lambda left: jobs.WatchJob(request, timeout=left, metadata=metadata),
        jobs,
        retries,
        metadata,
    )


def _follow(
    begin: Callable[[float | None], Any],
    jobs: JobServiceStub,
    retries: Retries,
    metadata: Any,
    *,
    owns_job: bool = False,
) -> Iterator[JobEvent]:
    job_id, sequence = "", 0
    while True:
        if job_id:
            request = messages.WatchJobRequest(
                job_id=job_id, resume_after=sequence, cancel_with_call=owns_job
            )
            call = jobs.WatchJob(request, timeout=retries.left_seconds(), metadata=metadata)
        else:
            # As long as no event has come it is not known whether the job was accepted: the
            # same request_id makes the repetition safe.
            call = begin(retries.left_seconds())
        try:
            for response in _unless_silent(call):
                retries.answered()
                for event in response.events:
                    job_id, sequence = event.job_id, max(sequence, event.sequence)
                    yield event
                    if event.HasField("finished"):
                        return
            error = CallError(grpc.StatusCode.UNAVAILABLE, "the stream ended before the job")
        except grpc.RpcError as broken:
            error = call_error(broken)
        retries.wait(error, sequence)


def _unless_silent(call: Any) -> Iterator[Any]:
    """The responses of a stream, which ends as cancelled once it has been silent for too long."""
    responses: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        try:
            for response in call:
                responses.put(response)
            responses.put(None)
        except grpc.RpcError as error:
            responses.put(error)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            response = responses.get(timeout=SILENCE_SECONDS)
        except queue.Empty:
            call.cancel()
            response = responses.get()
        if response is None:
            return
        if isinstance(response, grpc.RpcError):
            raise response
        yield response
