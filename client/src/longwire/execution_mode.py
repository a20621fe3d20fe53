"""How jobs are run together: in a session, or as a batch.

They look like Qiskit Runtime's: a context manager, in which jobs on the backend belong
to it, and which is also given to a primitive as its ``mode``.
"""

from __future__ import annotations

import contextlib
import datetime
import uuid
from abc import ABC, abstractmethod
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from longwire.transport.session_calls import SessionCalls
from longwire.v1.session_service_pb2 import Session, SessionState

if TYPE_CHECKING:
    from longwire.backend_v2 import RemoteBackendV2
    from longwire.job import RemoteJob
    from longwire.transport.job_calls import JobCalls
    from longwire.v1.job_pb2 import JobSpec

_active: ContextVar[ExecutionMode | None] = ContextVar("execution_mode", default=None)


class ExecutionMode(ABC):
    """A session or a batch on one backend.

    Args:
        backend: the backend.
    """

    def __init__(self, backend: RemoteBackendV2) -> None:
        self._backend = backend
        self._token: Token[ExecutionMode | None] | None = None

    def backend(self) -> str:
        """The name of its backend, as Qiskit Runtime's sessions tell it."""
        name: str = self._backend.name
        return name

    def run(self, run_input: Any, **arguments: Any) -> RemoteJob:
        """Submits a job in it; arguments and errors are those of RemoteBackendV2.run."""
        outer = _active.set(self)
        try:
            return self._backend.run(run_input, **arguments)
        finally:
            _active.reset(outer)

    @abstractmethod
    def _fill(self, spec: JobSpec) -> None:
        """Has a job belong to it."""

    def _is_for(self, spec: JobSpec, calls: JobCalls) -> bool:
        """Whether a job is one of its backend's, by the same connection."""
        return spec.backend_name == self._backend.name and calls is self._backend._job_calls

    def __enter__(self) -> Self:
        self._token = _active.set(self)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _active.reset(self._token)
            self._token = None


class RemoteSession(ExecutionMode):
    """A worker that is kept for your jobs for a time. Made by RemoteService.session.

    It waits in the queue as a job would; then its jobs run one after another without
    waiting for others. Leaving the context closes it: its jobs that have not begun go
    on waiting as others do.

    Args:
        backend: the backend.
        calls: the calls of SessionService.
        message: the session, as the server has opened it.
    """

    def __init__(self, backend: RemoteBackendV2, calls: SessionCalls, message: Session) -> None:
        super().__init__(backend)
        self._calls = calls
        self._session_id = message.session_id

    @property
    def session_id(self) -> str:
        """The server's id for it."""
        return self._session_id

    def status(self) -> str:
        """Where it stands: ``"QUEUED"``, ``"ACTIVE"`` or ``"CLOSED"``.

        Raises:
            SessionNotFoundError: the server has forgotten it.
            ServerUnreachableError: no server answers.
        """
        return _state_name(self._calls.get_session(self._session_id))

    def details(self) -> dict[str, Any]:
        """All that the server tells of it; times are in seconds, or datetimes in UTC.

        Raises:
            SessionNotFoundError: the server has forgotten it.
            ServerUnreachableError: no server answers.
        """
        message = self._calls.get_session(self._session_id)
        start = message.start_time if message.HasField("start_time") else None
        end = message.end_time if message.HasField("end_time") else None
        return {
            "id": message.session_id,
            "backend_name": message.backend_name,
            "state": _state_name(message),
            "max_seconds": message.max_seconds,
            "idle_seconds": message.idle_seconds,
            "start_time": None if start is None else start.ToDatetime(datetime.UTC),
            "end_time": None if end is None else end.ToDatetime(datetime.UTC),
        }

    def close(self) -> None:
        """Closes it. Its job that runs goes on; those that wait go on waiting as others do.

        Raises:
            ServerUnreachableError: no server answers.
        """
        from longwire.errors import SessionNotFoundError

        # A server that has restarted since knows it no more: it is over.
        with contextlib.suppress(SessionNotFoundError):
            self._calls.close_session(self._session_id)

    def _fill(self, spec: JobSpec) -> None:
        spec.session_id = self._session_id

    def __exit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        from longwire.errors import LongwireError

        super().__exit__(type_, error, traceback)
        # What happened in the block is what counts. Its idle time ends the session, too.
        with contextlib.suppress(LongwireError) if error is not None else contextlib.nullcontext():
            self.close()

    def __repr__(self) -> str:
        return f"<RemoteSession('{self._session_id}') on '{self._backend.name}'>"


class RemoteBatch(ExecutionMode):
    """Jobs that begin in the order in which they were submitted. Made by RemoteService.batch.

    Args:
        backend: the backend.
        name: the word that its jobs have in common; None takes one that is not used.
    """

    def __init__(self, backend: RemoteBackendV2, name: str | None = None) -> None:
        super().__init__(backend)
        if name is not None and (not isinstance(name, str) or not name):
            from longwire.errors import InvalidArgumentError

            raise InvalidArgumentError(
                f"A batch's name is a text that is not empty, not {name!r:.100}"
            )
        self._name = name or uuid.uuid4().hex

    @property
    def name(self) -> str:
        """The word that its jobs have in common."""
        return self._name

    def close(self) -> None:
        """Nothing to do: a batch is over when its jobs are."""

    def _fill(self, spec: JobSpec) -> None:
        spec.batch = self._name

    def __repr__(self) -> str:
        return f"<RemoteBatch('{self._name}') on '{self._backend.name}'>"


def fill_mode(spec: JobSpec, calls: JobCalls, mode: ExecutionMode | None) -> None:
    """Has a job belong to a session or a batch.

    Args:
        spec: the job.
        calls: how it is submitted.
        mode: to which; None for the one in whose ``with`` block this is, where that is
            for the job's backend.
    """
    mode = _active.get() if mode is None else mode
    if mode is not None and mode._is_for(spec, calls):
        mode._fill(spec)


def mode_and_backend(given: Any) -> tuple[ExecutionMode | None, Any]:
    """The mode of a primitive, where it was given one, and its backend."""
    if isinstance(given, ExecutionMode):
        return given, given._backend
    return None, given


def _state_name(message: Session) -> str:
    return SessionState.Name(message.state).removeprefix("SESSION_STATE_")
