"""Many calls over one stream: each costs a fraction of what a call of its own does.

gRPC takes longer to begin and to end a call than the server does to answer most of
them. So small calls share a stream that is open already (``CallService``). Whoever makes
one sees no difference: what reads like gRPC's own call goes on as one where the stream
ends, or where the server knows no such streams.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from longwire.v1.call_service_pb2 import AbandonCall, Call, CallAnswer, MakeCallsRequest
from longwire.v1.call_service_pb2_grpc import CallServiceStub

# A larger request would hold up the others.
_MOST_BYTES: Final = 64 * 1024
# A request of the stream has room for twice as much.
_CALLS_PER_MESSAGE: Final = 8
# With no calls for so long the stream ends: what is idle is to be seen as idle.
_IDLE_SECONDS: Final = 20.0
# New calls go to a new stream then. A connection is closed at some age, and the
# streams that are left on it.
_MOST_SECONDS: Final = 600.0
_DETAILS: Final = "grpc-status-details-bin"
_KINDS: Final = {
    field.message_type.full_name: field.name
    for field in Call.DESCRIPTOR.oneofs_by_name["request"].fields
    if field.message_type is not None and field.name != "abandon"
}
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
# More calls at once are made by themselves, well before the server refuses them.
_MOST_CALLS: Final = 1000
# The stream broke, and with it what lies under it.
_BROKEN: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)


def fits(request: Message) -> bool:
    """Whether a call with this request may go over a stream."""
    return request.DESCRIPTOR.full_name in _KINDS and request.ByteSize() <= _MOST_BYTES


class StreamedCallError(grpc.RpcError):
    """How a call in a stream failed, to be read like gRPC's own error."""

    def __init__(self, code: grpc.StatusCode, details: str, status: bytes = b"") -> None:
        super().__init__(f"{code.name}: {details}")
        self._code = code
        self._details = details
        self._status = status

    def code(self) -> grpc.StatusCode:
        """The status."""
        return self._code

    def details(self) -> str:
        """What was wrong, in words."""
        return self._details

    def trailing_metadata(self) -> Any:
        """The serialised google.rpc.Status, where the server gave one."""
        return ((_DETAILS, self._status),) if self._status else ()


class StreamedCall:
    """One call in a stream: an iterator of its responses that raises ``grpc.RpcError``.

    For one reader; others may cancel it.

    Args:
        stream: the stream.
        call_id: its number there.
        kind: the field of its responses.
        make_plain: makes the same call by its own RPC.
    """

    def __init__(
        self, stream: CallStream, call_id: int, kind: str, make_plain: Callable[[], Any]
    ) -> None:
        self._stream = stream
        self._call_id = call_id
        self._kind = kind
        self._make_plain = make_plain
        # None: the stream is over, and has not carried out the call.
        self._answers: queue.SimpleQueue[CallAnswer | grpc.RpcError | None] = queue.SimpleQueue()
        self._is_answered = False
        self._is_cancelled = False
        self._end: BaseException | None = None
        self._plain: Any = None

    def __iter__(self) -> StreamedCall:
        return self

    def __next__(self) -> Any:
        return self._next(None)

    def only(self, timeout_seconds: float) -> Any:
        """The response of a call that has one.

        Raises:
            grpc.RpcError: the call failed, or took longer than this.
        """
        try:
            return self._next(timeout_seconds)
        except queue.Empty:
            self.cancel()
            late = grpc.StatusCode.DEADLINE_EXCEEDED
            raise StreamedCallError(late, "Deadline Exceeded") from None
        except StopIteration:
            none = "The server answered without a response"
            raise StreamedCallError(grpc.StatusCode.INTERNAL, none) from None
        except grpc.RpcError:
            raise
        except BaseException:
            # Ctrl-C: nobody will read the answer.
            self.cancel()
            raise

    def cancel(self) -> None:
        """Ends the call for its reader and, as soon as it hears of that, for the server."""
        self._is_cancelled = True
        if self._plain is not None:
            _cancel(self._plain)
        elif self._stream.abandon(self._call_id):
            cancelled = grpc.StatusCode.CANCELLED
            self._answers.put(StreamedCallError(cancelled, "Locally cancelled by application!"))

    def answer(self, answer: CallAnswer) -> None:
        """Hands an answer to the reader. For the stream's thread alone."""
        self._is_answered = True
        self._answers.put(answer)

    def lose(self, error: grpc.RpcError | None) -> None:
        """Tells the reader that the stream has ended, with an error or without."""
        is_broken = error is not None and error.code() in _BROKEN
        if not (self._is_answered or is_broken):
            self._answers.put(None)
            return
        words = "the stream has ended" if error is None else error.details() or "no details"
        self._answers.put(StreamedCallError(grpc.StatusCode.UNAVAILABLE, words))

    def _next(self, timeout_seconds: float | None) -> Any:
        if self._plain is not None:
            return next(self._plain)
        if self._end is not None:
            raise self._end
        answer = self._answers.get(timeout=timeout_seconds)
        if isinstance(answer, CallAnswer):
            if answer.HasField("error"):
                told = answer.error
                code = _CODES.get(told.code, grpc.StatusCode.UNKNOWN)
                self._end = StreamedCallError(code, told.message, told.status)
                raise self._end
            if answer.is_last:
                self._end = StopIteration()
            if answer.WhichOneof("response") != self._kind:
                self._end = self._end or StopIteration()
                raise self._end
            return getattr(answer, self._kind)
        if answer is not None:
            self._end = answer
            raise answer
        return self._next_plain()

    def _next_plain(self) -> Any:
        self._plain = self._make_plain()
        if self._is_cancelled:
            _cancel(self._plain)
        return next(self._plain)


def _cancel(plain: Any) -> None:
    # What has one response is an iterator of it: it has been answered by then.
    if isinstance(plain, grpc.Call):
        plain.cancel()


class CallStream:
    """A stream of calls on one channel.

    Safe for use by several threads at once.

    Args:
        channel: the channel.
        metadata: what the call carries that the stream is.

    Attributes:
        is_unknown: whether it ended because the server has no such streams.
        has_answered: whether anything ever came over it.
    """

    def __init__(self, channel: grpc.Channel, metadata: Any) -> None:
        self._channel = channel
        self.is_unknown = False
        self.has_answered = False
        self._pid = os.getpid()
        # Taken again by a thread that has it, where garbage is collected just then: what
        # forgets a job abandons its call.
        self._lock = threading.RLock()
        self._call_ids = itertools.count(1)
        self._calls: dict[int, StreamedCall] = {}
        self._is_open = True
        self._fresh_until = time.monotonic() + _MOST_SECONDS
        self._outgoing: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._responses = CallServiceStub(channel).MakeCalls(self._messages(), metadata=metadata)
        threading.Thread(target=self._read, name="longwire-calls", daemon=True).start()

    def serves(self, channel: grpc.Channel | None) -> bool:
        """Whether it is on this channel, open, and not too old for more calls."""
        is_here = self._is_open and self._channel is channel
        return is_here and time.monotonic() < self._fresh_until

    def call(self, request: Message, make_plain: Callable[[], Any]) -> StreamedCall | None:
        """Makes a call; None where the stream has just ended, or has too many.

        Args:
            request: one that :func:`fits`. It must not be changed any more.
            make_plain: makes the same call by its own RPC.
        """
        kind = _KINDS[request.DESCRIPTOR.full_name]
        call_id = next(self._call_ids)
        message = Call(call_id=call_id, **{kind: request})  # type: ignore[arg-type]
        call = StreamedCall(self, call_id, kind, make_plain)
        with self._lock:
            if not self._is_open or len(self._calls) >= _MOST_CALLS:
                return None
            self._calls[call_id] = call
            self._outgoing.put(message)
        return call

    def abandon(self, call_id: int) -> bool:
        """Ends a call; False where it is over."""
        if self._pid != os.getpid():
            # In a child of a fork, whose parent's thread may have had the lock.
            return False
        with self._lock:
            if self._calls.pop(call_id, None) is None:
                return False
            if self._is_open:
                self._outgoing.put(Call(call_id=call_id, abandon=AbandonCall()))
            is_last = not (self._is_open or self._calls)
        if is_last:
            # It is sent nothing more, and would last for as long as the job.
            self.end()
        return True

    def retire(self) -> None:
        """Takes no more calls, and ends when those are answered that it has."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._outgoing.put(None)

    def end(self) -> None:
        """Ends it with all calls in it. Nothing is done in a child of a fork."""
        if self._pid == os.getpid():
            self._responses.cancel()

    def _messages(self) -> Iterator[MakeCallsRequest]:
        """What is sent, calls that come together in one message."""
        while True:
            try:
                call = self._outgoing.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                self._retire_if_idle()
                continue
            calls = []
            while call is not None:
                calls.append(call)
                if len(calls) == _CALLS_PER_MESSAGE or self._outgoing.empty():
                    break
                call = self._outgoing.get()
            if calls:
                yield MakeCallsRequest(calls=calls)
            if call is None:
                return

    def _retire_if_idle(self) -> None:
        with self._lock:
            if not self._calls:
                self.retire()

    def _read(self) -> None:
        error: grpc.RpcError | None = None
        try:
            for response in self._responses:
                self.has_answered = True
                for answer in response.answers:
                    self._hand_on(answer)
        except grpc.RpcError as ended:
            error = ended
        self.is_unknown = error is not None and error.code() is grpc.StatusCode.UNIMPLEMENTED
        with self._lock:
            self._is_open = False
            self._outgoing.put(None)
            calls = list(self._calls.values())
            self._calls.clear()
        for call in calls:
            call.lose(error)

    def _hand_on(self, answer: CallAnswer) -> None:
        # Nothing of a call stays behind in the thread that waits for the next answer.
        take = self._calls.pop if answer.is_last else self._calls.get
        call = take(answer.call_id, None)
        if call is not None:
            call.answer(answer)
