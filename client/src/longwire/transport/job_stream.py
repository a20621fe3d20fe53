"""The events of one job, over as many calls as it takes.

A job's stream begins with RunJob or WatchJob. When it breaks, WatchJob resumes
behind the last change of state that was seen, so that its reader sees every
change once.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import grpc

from longwire.transport.failures import error_info, is_passing
from longwire.transport.interruption import (
    Interruption,
    WaitInterruptedError,
    WaitTimeoutError,
)
from longwire.transport.job_calls import JobCalls
from longwire.transport.retry import RESUME_SECONDS, Retry
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_service_pb2 import RunJobRequest

_SUBMIT_SECONDS = 5.0
# A connection that breaks is most often back sooner.
_AWAY_SECONDS = 2.0


class _OpenCall:
    """The call that a stream reads now.

    Kept apart from the stream, for it is cancelled when the stream is no more: it
    was forgotten, or the interpreter ends. gRPC's own clean-up comes too late then,
    and complains on stderr.
    """

    def __init__(self) -> None:
        self.call: Any = None
        self.is_abandoned = False

    def cancel(self) -> None:
        call, self.call = self.call, None
        if call is not None:
            call.cancel()

    def abandon(self) -> None:
        # The call stays: a thread may be about to read it, and is to see how it ended.
        self.is_abandoned = True
        if self.call is not None:
            self.call.cancel()


class _Away:
    """Tells once that the server has not answered for some seconds.

    Args:
        tell: called then; None calls nobody.
    """

    def __init__(self, tell: Callable[[], None] | None) -> None:
        self._tell = tell
        self._since: float | None = None

    def failed(self) -> None:
        """Another attempt has failed."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if self._tell is not None and now - self._since >= _AWAY_SECONDS:
            tell, self._tell = self._tell, None
            tell()


class JobStream:
    """Reads the events of one job.

    Not safe for use by several threads at once.

    Args:
        calls: the calls of JobService.
        job_id: the job's id.
        resume_after: the highest sequence that is known already.
        pub_results: whether the results of single pubs are to be told. After a
            break they are told from the first one on.

    Attributes:
        on_away: called once in a wait that goes on although the server has not
            answered for some seconds; None calls nobody.
    """

    def __init__(
        self, calls: JobCalls, job_id: str, resume_after: int = 0, *, pub_results: bool = False
    ) -> None:
        self._calls = calls
        self._job_id = job_id
        self._resume_after = resume_after
        self._pub_results = pub_results
        self.on_away: Callable[[], None] | None = None
        self._received: deque[JobEvent] = deque()
        self._open = _OpenCall()
        weakref.finalize(self, self._open.abandon)

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
        retry = Retry(_SUBMIT_SECONDS)
        while True:
            stream._begin(calls.run_job(request))
            try:
                accepted = stream._next_received()
            except grpc.RpcError as error:
                refused = is_passing(error) and error_info(error) is None
                if not refused or not retry.pause(None, Interruption()):
                    raise calls.error_of(error) from None
                continue
            stream._job_id = accepted.job_id
            return stream, accepted

    def next_event(
        self, deadline: float | None = None, interruption: Interruption | None = None
    ) -> JobEvent:
        """The next event; after the final one there is none to ask for.

        Args:
            deadline: on the clock of ``time.monotonic``; None waits for ever.
            interruption: ends the wait. The stream can be read on.

        Raises:
            WaitTimeoutError: none came in time.
            WaitInterruptedError: the wait was interrupted.
            LongwireError: the job is gone, or the server stayed away.
        """
        retry = Retry(RESUME_SECONDS)
        interruption = interruption or Interruption()
        away = _Away(self.on_away)
        while True:
            try:
                return self._read(deadline, interruption)
            except grpc.RpcError as error:
                self._open.call = None
                if self._open.is_abandoned and threading.current_thread().daemon:
                    # The interpreter ends, and its daemon threads with it: in silence.
                    threading.Event().wait()
                if interruption.is_made:
                    raise WaitInterruptedError from None
                if deadline is not None and time.monotonic() >= deadline:
                    raise WaitTimeoutError from None
                if error.code() == grpc.StatusCode.CANCELLED:
                    # Our own doing: a timer that came late for the event that it waited for.
                    continue
                if is_passing(error):
                    away.failed()
                if not is_passing(error) or not retry.pause(deadline, interruption):
                    raise self._calls.error_of(error) from None

    def close(self) -> None:
        """Ends the call. The job goes on."""
        self._open.cancel()

    def _begin(self, call: Any) -> None:
        self._open.call = call

    def _read(self, deadline: float | None, interruption: Interruption) -> JobEvent:
        if self._received:
            return self._next_received()
        if self._open.call is None:
            self._begin(
                self._calls.watch_job(
                    self._job_id, self._resume_after, pub_results=self._pub_results
                )
            )
        with interruption.waking(self._open.call.cancel):
            if deadline is None:
                return self._next_received()
            # A blocking read has no time limit of its own: the call is cancelled.
            timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._open.call.cancel)
            timer.daemon = True
            timer.start()
            try:
                return self._next_received()
            finally:
                timer.cancel()

    def _next_received(self) -> JobEvent:
        while not self._received:
            try:
                response = next(self._open.call, None)
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
