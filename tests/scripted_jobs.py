"""A JobService whose one job does what a test has written down.

For what a real server does seldom or too fast to be looked at: calls that break,
attempts that are lost, the moment at which a call is ended.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.call_service_pb2 import MakeCallsRequest, MakeCallsResponse
from longwire.v1.call_service_pb2_grpc import (
    CallServiceServicer,
    add_CallServiceServicer_to_server,
)
from longwire.v1.job_event_pb2 import JobEvent, JobFinished, PubFinished
from longwire.v1.job_pb2 import Job, JobError, JobKind, JobProgress, JobState, JobStatus
from longwire.v1.job_service_pb2_grpc import JobServiceServicer, add_JobServiceServicer_to_server
from longwire.v1.result_pb2 import EncodedResult

JOB_ID = "0123456789abcdef0123456789abcdef"

# Steps of a call beside the events that it tells.
BREAK = "break"
STAY = "stay"
Step = JobEvent | list[JobEvent] | str | Callable[[], object]


def job(state: str = "RUNNING", sequence: int = 3, **fields: Any) -> Job:
    """The job's record."""
    return Job(
        job_id=JOB_ID,
        backend_name="scripted",
        status=JobStatus(job_id=JOB_ID, status=JobState.Value(f"JOB_STATE_{state}")),
        sequence=sequence,
        **{"kind": JobKind.JOB_KIND_SAMPLER, **fields},
    )


def moved(state: str, sequence: int) -> JobEvent:
    """The job moves to a state that is not final."""
    return JobEvent(job_id=JOB_ID, sequence=sequence, status_changed=job(state).status)


def queued(position: int, sequence: int = 1) -> JobEvent:
    """The job has a place in the queue."""
    return JobEvent(job_id=JOB_ID, sequence=sequence, queue_position=position)


def progressed(finished: int, total: int, sequence: int = 3) -> JobEvent:
    """The job is so far."""
    progress = JobProgress(finished=finished, total=total)
    return JobEvent(job_id=JOB_ID, sequence=sequence, progress=progress)


def pub_finished(
    index: int, result: EncodedResult | None, attempt: int = 1, sequence: int = 3
) -> JobEvent:
    """A pub is finished."""
    told = PubFinished(pub_index=index, attempt=attempt, result=result)
    return JobEvent(job_id=JOB_ID, sequence=sequence, pub_finished=told)


def finished(
    state: str = "DONE", result: EncodedResult | None = None, error: str = "", sequence: int = 9
) -> JobEvent:
    """The job has ended."""
    record = job(state, sequence)
    if error:
        record.error.CopyFrom(JobError(message=error))
    return JobEvent(
        job_id=JOB_ID, sequence=sequence, finished=JobFinished(job=record, result=result)
    )


class ScriptedJobs(JobServiceServicer):
    """Tells one job's events, a script for each call of WatchJob.

    Args:
        record: what GetJob answers.
        scripts: for each call its steps: events, lists of events that come together,
            BREAK (the connection is lost), STAY (nothing more, until the caller ends the
            call), or a function that is called. The last script serves every further call.
        result: what GetResult answers.
        broken_transfers: how many calls of GetResult break off in the middle first.

    Attributes:
        requests: the requests of WatchJob, in order.
        waiting: set while a call stays.
        ended: set when a call that was to stay was ended by its caller.
    """

    def __init__(
        self,
        record: Job,
        *scripts: Sequence[Step],
        result: EncodedResult | None = None,
        broken_transfers: int = 0,
    ) -> None:
        self._record = record
        self._scripts = list(scripts)
        self._result = result
        self._broken_transfers = broken_transfers
        self.requests: list[messages.WatchJobRequest] = []
        self.waiting = threading.Event()
        self.ended = threading.Event()

    def GetJob(  # noqa: N802
        self, request: messages.GetJobRequest, context: Any
    ) -> messages.GetJobResponse:
        """The record."""
        return messages.GetJobResponse(job=self._record)

    def WatchJob(  # noqa: N802
        self, request: messages.WatchJobRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.WatchJobResponse]:
        """The script."""
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        over = threading.Event()
        if STAY in script:

            def end() -> None:
                over.set()
                self.ended.set()

            # False: the caller has ended the call already.
            if not context.add_callback(end):
                end()
        for step in script:
            if isinstance(step, JobEvent):
                yield messages.WatchJobResponse(events=[step])
            elif isinstance(step, list):
                yield messages.WatchJobResponse(events=step)
            elif step == BREAK:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the script has the connection break")
            elif step == STAY:
                self.waiting.set()
                over.wait()
            else:
                assert callable(step)
                step()

    def GetResult(  # noqa: N802
        self, request: messages.GetResultRequest, context: Any
    ) -> Iterator[messages.GetResultResponse]:
        """The result in one chunk."""
        if self._broken_transfers:
            self._broken_transfers -= 1
            yield messages.GetResultResponse(total_bytes=1000, chunk=b"the beginning")
            context.abort(grpc.StatusCode.UNAVAILABLE, "the script has the connection break")
        assert self._result is not None
        header = EncodedResult(compression=self._result.compression, sha256=self._result.sha256)
        yield messages.GetResultResponse(
            header=header, total_bytes=len(self._result.data), chunk=self._result.data
        )


class HeldBackStreams(CallServiceServicer):
    """Streams of calls that nothing comes out of, as behind a proxy that waits for their end.

    Attributes:
        opened: how many there were.
    """

    def __init__(self) -> None:
        self.opened = 0

    def MakeCalls(  # noqa: N802
        self, requests: Iterator[MakeCallsRequest], context: grpc.ServicerContext
    ) -> Iterator[MakeCallsResponse]:
        """Takes all requests, and answers when there will be no more."""
        self.opened += 1
        over = threading.Event()
        if context.add_callback(over.set):
            over.wait()
        return iter(())


@contextlib.contextmanager
def serving(jobs: JobServiceServicer, streams: HeldBackStreams | None = None) -> Iterator[str]:
    """A server of scripted jobs; the block gets its address.

    Args:
        jobs: the jobs.
        streams: its streams of calls; None where it has none.
    """
    server = grpc.server(ThreadPoolExecutor(8))
    add_JobServiceServicer_to_server(jobs, server)
    if streams is not None:
        add_CallServiceServicer_to_server(streams, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(grace=None).wait()
