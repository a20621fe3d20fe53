"""The sessions of this server: opened, found and closed.

They are in its memory alone. After a restart their jobs wait as others do.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections import Counter

from longwire.v1 import session_service_pb2
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.session import CLOSED, Session
from longwire_server.refusals import (
    argument_invalid,
    limit_exceeded,
    server_draining,
    session_not_found,
)

# A tenant may have so many that are not over.
_SESSIONS_OF_A_TENANT = 16
# One that is over can be looked at for so long.
_KEPT_SECONDS = 600.0


@dataclasses.dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session may last, by ``limits.*`` of the configuration."""

    max_seconds: float
    """From when it has got its worker."""

    idle_seconds: float
    """With nothing to do."""


class Sessions:
    """Sessions by their id.

    Args:
        dispatcher: gives them workers.
        directory: the hosted backends.
        limits: how long they may last.
    """

    def __init__(
        self, dispatcher: Dispatcher, directory: BackendDirectory, limits: SessionLimits
    ) -> None:
        self._dispatcher = dispatcher
        self._directory = directory
        self._limits = limits
        self._sessions: dict[str, Session] = {}
        self._num_open: Counter[str] = Counter()
        self._is_draining = False

    def open(
        self, tenant: str, backend_name: str, max_seconds: float, idle_seconds: float
    ) -> session_service_pb2.Session:
        """Opens a session, which waits in the queue for its worker.

        Args:
            tenant: who opens it.
            backend_name: on which backend.
            max_seconds: how long it may last; 0 for the most.
            idle_seconds: how long it may have nothing to do; 0 for the most.

        Raises:
            RequestRefusedError: the backend does not exist or cannot run jobs; a time is
                out of its bounds; the tenant has too many; or the server drains.
        """
        if self._is_draining:
            raise server_draining()
        self._directory.require_runnable(backend_name)
        limits = self._limits
        max_seconds = _within("max_seconds", max_seconds, limits.max_seconds, "session_seconds")
        idle_seconds = _within(
            "idle_seconds", idle_seconds, limits.idle_seconds, "session_idle_seconds"
        )
        if self._num_open[tenant] >= _SESSIONS_OF_A_TENANT:
            raise limit_exceeded(
                "sessions",
                _SESSIONS_OF_A_TENANT,
                f"{self._num_open[tenant]} sessions of yours are open: close one first",
            )
        session = Session(
            secrets.token_hex(16),
            tenant,
            backend_name,
            max_seconds=max_seconds,
            idle_seconds=idle_seconds,
            on_over=self._end,
        )
        self._sessions[session.session_id] = session
        self._num_open[tenant] += 1
        self._dispatcher.open_session(session)
        return session.to_proto()

    def get(self, tenant: str, session_id: str) -> session_service_pb2.Session:
        """The session as it is now.

        Raises:
            RequestRefusedError: the tenant has no such session.
        """
        return self._find(tenant, session_id).to_proto()

    def close(self, tenant: str, session_id: str) -> session_service_pb2.Session:
        """Closes a session; one that is over stays as it is.

        Raises:
            RequestRefusedError: the tenant has no such session.
        """
        session = self._find(tenant, session_id)
        self._end(session)
        return session.to_proto()

    def require(self, tenant: str, session_id: str, backend_name: str) -> None:
        """Refuses a session in which a new job cannot run.

        Raises:
            RequestRefusedError: the tenant has no such session, it is over, or it is on
                another backend.
        """
        session = self._find(tenant, session_id)
        if session.state == CLOSED:
            raise session_not_found(session_id, "is over; open another")
        if session.backend_name != backend_name:
            raise argument_invalid(
                "spec.session_id",
                f"the session is on backend '{session.backend_name}', and the job names "
                f"'{backend_name}'; use the session's backend, or leave the session out",
            )

    def drain(self) -> None:
        """Opens no more: the server stops, and every session ends with it."""
        self._is_draining = True

    def _find(self, tenant: str, session_id: str) -> Session:
        session = self._sessions.get(session_id)
        if session is None or session.tenant != tenant:
            raise session_not_found(session_id, "is not known; open one on this server")
        return session

    def _end(self, session: Session) -> None:
        if session.is_over:
            return
        self._dispatcher.close_session(session)
        self._num_open[session.tenant] -= 1
        if not self._num_open[session.tenant]:
            del self._num_open[session.tenant]
        loop = asyncio.get_running_loop()
        loop.call_later(_KEPT_SECONDS, self._sessions.pop, session.session_id, None)


def _within(field: str, seconds: float, most_seconds: float, setting: str) -> float:
    if not 0 <= seconds <= most_seconds:
        raise argument_invalid(
            field,
            f"it is {seconds:g}; write a number of seconds above 0 and up to {most_seconds:g} "
            f"(limits.{setting}), or 0 for that",
        )
    return seconds or most_seconds
