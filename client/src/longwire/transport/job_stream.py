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

from longwire.transport.alarm import Alarm
from longwire.transport.calls import SUSPECT_SECONDS
from longwire.transport.failures import (
    cause_of,
    error_info,
    is_away,
    is_passing,
    may_have_arrived,
    retry_seconds,
)
from longwire.transport.interruption import (
    Interruption,
    WaitInterruptedError,
    WaitTimeoutError,
)
from longwire.transport.job_calls import JobCalls
from longwire.transport.retry import FIRST_CONTACT_SECONDS, RESUME_SECONDS, Retry
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_service_pb2 import RunJobRequest

IN_DOUBT = (
    "The server may have accepted the job without saying so: look at the latest jobs "
    "(jobs(limit=3), or longwire jobs) before it is submitted again"
)
# A server says something every 15 s. What lies between may keep the connection up
# although the server behind it is gone.
_SILENCE_SECONDS = 50.0
# A slower line than this is taken for a dead one, once.
_SLOWEST_BYTES_PER_SECOND = 100_000


class _OpenCall:
    """The call that a stream reads now.

    Kept apart from the stream, for it is cancelled when the stream is no more: it
    was forgotten, or the interpreter ends. gRPC's own clean-up comes too late then,
    and complains on stderr.
    """

    def __init__(self) -> None:
        self.call: Any = None
        # Kept with its call, which it outlives otherwise.
        self.channel: grpc.Channel | None = None
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


class JobStream:
    """Reads the events of one job.

    Not safe for use by several threads at once.

    Args:
        calls: the calls of JobService.
        job_id: the job's id.
        resume_after: the highest sequence that is known already.
        pub_results: whether the results of single pubs are to be told. After a
            break they are told from the first one on.
    """

    def __init__(
        self, calls: JobCalls, job_id: str, resume_after: int = 0, *, pub_results: bool = False
    ) -> None:
        self._calls = calls
        self._job_id = job_id
        self._resume_after = resume_after
        self._pub_results = pub_results
        self._received: deque[JobEvent] = deque()
        self._open = _OpenCall()
        weakref.finalize(self, self._open.abandon)

    @classmethod
    def run(cls, calls: JobCalls, request: RunJobRequest) -> tuple[JobStream, JobEvent]:
        """Submits a job.

        A submission that breaks off before it is accepted is sent again, and so is
        one that a busy server refuses for the moment, within the connection's time limit:
        its ``request_id`` makes that safe. What is not answered for some seconds is
        sent once more on a connection of its own, since the present one may have died
        in silence.

        Returns:
            The stream, and its first event, which is ``accepted``.

        Raises:
            LongwireError: the job was not accepted.
        """
        stream = cls(calls, "")
        outage = calls.outage
        retry = Retry(calls.timeout_seconds if outage.has_answered else FIRST_CONTACT_SECONDS)
        suspect_at: float | None = time.monotonic() + _suspect_seconds(request)
        in_doubt = False
        while True:
            channel = stream._begin(lambda: calls.run_job(request))
            try:
                accepted = stream._next_until(suspect_at)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.CANCELLED and suspect_at is not None:
                    calls.renew(channel)
                    suspect_at, in_doubt = None, True
                    continue
                in_doubt |= may_have_arrived(error)
                if calls.is_passing(error):
                    if is_away(error):
                        outage.failed(cause_of(error))
                    else:
                        outage.answered()
                    if retry.pause(None, Interruption(), at_least=retry_seconds(error)):
                        continue
                raise _not_accepted(calls.error_of(error), error, in_doubt) from None
            outage.answered()
            stream._job_id = accepted.job_id
            return stream, accepted

    def next_event(
        self,
        deadline: float | None = None,
        interruption: Interruption | None = None,
        *,
        skims: bool = False,
    ) -> JobEvent:
        """The next event; after the final one there is none to ask for.

        Args:
            deadline: on the clock of ``time.monotonic``; None waits for ever.
            interruption: ends the wait. The stream can be read on.
            skims: whether events are left out behind which the final one has come.

        Raises:
            WaitTimeoutError: none came in time.
            WaitInterruptedError: the wait was interrupted.
            LongwireError: the job is gone, or the server stayed away.
        """
        retry: Retry | None = None
        interruption = interruption or Interruption()
        while True:
            try:
                event = self._read(deadline, interruption)
                if skims and self._received and self._received[-1].HasField("finished"):
                    event = self._received[-1]
                    self._received.clear()
            except grpc.RpcError as error:
                self._open.call = None
                self._end_quietly_with_the_interpreter()
                _raise_if_over(deadline, interruption)
                retry = retry or Retry(RESUME_SECONDS)
                if not self._pause(error, retry, deadline, interruption):
                    raise self._calls.error_of(error, self._job_id) from None
                _raise_if_over(deadline, interruption)
            else:
                self._calls.outage.answered()
                return event

    def close(self) -> None:
        """Ends the call. The job goes on."""
        self._open.cancel()

    def _pause(
        self,
        error: grpc.RpcError,
        retry: Retry,
        deadline: float | None,
        interruption: Interruption,
    ) -> bool:
        """Sleeps before the stream is resumed; False where that is of no use."""
        # Cancelled: perhaps by an alarm that came too late for the event that it
        # waited for.
        if not self._calls.is_passing(error):
            return False
        self._calls.outage.failed(cause_of(error))
        return retry.pause(deadline, interruption, at_least=retry_seconds(error))

    def _end_quietly_with_the_interpreter(self) -> None:
        if self._open.is_abandoned and threading.current_thread().daemon:
            # The interpreter ends, and its daemon threads with it: in silence.
            threading.Event().wait()

    def _begin(self, call: Callable[[], Any]) -> grpc.Channel:
        """Makes a call, and returns the channel that it is made on."""
        channel = self._open.channel = self._calls.channel
        self._open.call = call()
        return channel

    def _read(self, deadline: float | None, interruption: Interruption) -> JobEvent:
        if self._received:
            return self._next_received()
        if self._open.call is None:
            self._begin(
                lambda: self._calls.watch_job(
                    self._job_id, self._resume_after, pub_results=self._pub_results
                )
            )
        silent_at = time.monotonic() + _SILENCE_SECONDS
        with interruption.waking(self._open.call.cancel):
            try:
                return self._next_until(silent_at if deadline is None else min(deadline, silent_at))
            except grpc.RpcError:
                if time.monotonic() >= silent_at and self._open.channel is not None:
                    self._calls.renew(self._open.channel)
                raise

    def _next_until(self, time_at: float | None) -> JobEvent:
        """The next event; the call is cancelled where it does not come in time."""
        if time_at is None:
            return self._next_received()
        with Alarm(time_at, self._open.call.cancel):
            return self._next_received()

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


def _suspect_seconds(request: RunJobRequest) -> float:
    """When a connection that has not answered a submission may be dead."""
    return SUSPECT_SECONDS + request.ByteSize() / _SLOWEST_BYTES_PER_SECOND


def _raise_if_over(deadline: float | None, interruption: Interruption) -> None:
    if interruption.is_made:
        raise WaitInterruptedError from None
    if deadline is not None and time.monotonic() >= deadline:
        raise WaitTimeoutError from None


def _not_accepted(error: Exception, call: grpc.RpcError, in_doubt: bool) -> Exception:
    """The error of a submission, with what is not known of it."""
    # A refusal that will stay is an answer.
    if in_doubt and (is_passing(call) or error_info(call) is None):
        error.add_note(IN_DOUBT)
    return error


def _ended_early(job_id: str) -> Exception:
    from longwire.errors import ServerInternalError

    return ServerInternalError(f"The server ended the events of job {job_id} before the last one")
