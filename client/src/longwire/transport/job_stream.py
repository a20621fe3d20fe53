"""The events of one job, over as many calls as it takes.

A job's stream begins with RunJob or WatchJob. When it breaks, WatchJob resumes
behind the last change of state that was seen, so that its reader sees every
change once.
"""

from __future__ import annotations

import random
import threading
import time
import weakref
from collections import deque
from typing import Any

import grpc

from longwire.transport.failures import error_info, error_of, is_passing
from longwire.transport.job_calls import JobCalls
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_service_pb2 import RunJobRequest

# A server that restarts is back within these; one that was moved is not.
_RESUME_SECONDS = 300.0
_SUBMIT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0


class StreamTimeoutError(Exception):
    """No event came before the reader's deadline. The stream can be read on."""


class JobStream:
    """Reads the events of one job.

    Not safe for use by several threads at once.

    Args:
        calls: the calls of JobService.
        job_id: the job's id.
        resume_after: the highest sequence that is known already.
    """

    def __init__(self, calls: JobCalls, job_id: str, resume_after: int = 0) -> None:
        self._calls = calls
        self._job_id = job_id
        self._resume_after = resume_after
        self._call: Any = None
        self._received: deque[JobEvent] = deque()

    @classmethod
    def run(cls, calls: JobCalls, request: RunJobRequest) -> tuple[JobStream, JobEvent]:
        """Submits a job.

        A submission that breaks off before it is accepted is sent again: its
        ``request_id`` makes that safe.

        Returns:
            The stream, and its first event, which is ``accepted``.

        Raises:
            LongwireError: the job was not accepted.
        """
        stream = cls(calls, "")
        retry = _Retry(_SUBMIT_SECONDS)
        while True:
            stream._begin(calls.run_job(request))
            try:
                accepted = stream._next_received()
            except grpc.RpcError as error:
                refused = is_passing(error) and error_info(error) is None
                if not refused or not retry.pause(None):
                    raise error_of(error, calls.address) from None
                continue
            stream._job_id = accepted.job_id
            return stream, accepted

    def next_event(self, deadline: float | None = None) -> JobEvent:
        """The next event; after the final one there is none to ask for.

        Args:
            deadline: on the clock of ``time.monotonic``; None waits for ever.

        Raises:
            StreamTimeoutError: none came in time.
            LongwireError: the job is gone, or the server stayed away.
        """
        retry = _Retry(_RESUME_SECONDS)
        while True:
            try:
                return self._read(deadline)
            except grpc.RpcError as error:
                self._call = None
                if deadline is not None and time.monotonic() >= deadline:
                    raise StreamTimeoutError from None
                if error.code() == grpc.StatusCode.CANCELLED:
                    # Our own doing: a timer that came late for the event that it waited for.
                    continue
                if not is_passing(error) or not retry.pause(deadline):
                    raise error_of(error, self._calls.address) from None

    def close(self) -> None:
        """Ends the call. The job goes on."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _begin(self, call: Any) -> None:
        self._call = call
        # Also when the interpreter ends: gRPC's own clean-up comes too late then,
        # and complains on stderr.
        weakref.finalize(self, call.cancel)

    def _read(self, deadline: float | None) -> JobEvent:
        if self._received:
            return self._next_received()
        if self._call is None:
            self._begin(self._calls.watch_job(self._job_id, self._resume_after))
        if deadline is None:
            return self._next_received()
        # A blocking read has no time limit of its own: the call is cancelled.
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._call.cancel)
        timer.daemon = True
        timer.start()
        try:
            return self._next_received()
        finally:
            timer.cancel()

    def _next_received(self) -> JobEvent:
        while not self._received:
            try:
                response = next(self._call, None)
            except grpc.RpcError:
                raise
            except BaseException:
                # Ctrl-C in the middle of a read: the next one starts a new call.
                self.close()
                raise
            if response is None:
                raise _ended_early(self._job_id)
            self._received.extend(response.events)
        event = self._received.popleft()
        self._resume_after = max(self._resume_after, event.sequence)
        return event


def _ended_early(job_id: str) -> Exception:
    from longwire.errors import ServerInternalError

    return ServerInternalError(f"The server ended the events of job {job_id} before the last one")


class _Retry:
    """Pauses between attempts, longer each time, with jitter against herds."""

    def __init__(self, limit_seconds: float) -> None:
        self._give_up_at = time.monotonic() + limit_seconds
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    def pause(self, deadline: float | None) -> bool:
        """Sleeps before the next attempt; False where there is to be none."""
        now = time.monotonic()
        if now >= self._give_up_at:
            return False
        pause_seconds = self._pause_seconds * random.uniform(0.5, 1.5)  # noqa: S311
        if deadline is not None:
            pause_seconds = min(pause_seconds, max(0.0, deadline - now))
        time.sleep(pause_seconds)
        self._pause_seconds = min(self._pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        return True
