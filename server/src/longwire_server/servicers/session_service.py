"""``longwire.v1.SessionService``."""

from __future__ import annotations

from typing import Any

from longwire.v1 import session_service_pb2 as messages
from longwire.v1.session_service_pb2_grpc import SessionServiceServicer
from longwire_server.accounts.backend_access import BackendAccess
from longwire_server.jobs.sessions import Sessions
from longwire_server.servicers.callers import tenant_of


class SessionServicer(SessionServiceServicer):
    """Answers from the sessions of this server.

    Args:
        sessions: the sessions.
        access: which backends a caller may use.
    """

    def __init__(self, sessions: Sessions, access: BackendAccess) -> None:
        self._sessions = sessions
        self._access = access

    async def OpenSession(  # noqa: N802
        self, request: messages.OpenSessionRequest, context: Any
    ) -> messages.OpenSessionResponse:
        """Opens a session."""
        self._access.require(request.backend_name)
        session = self._sessions.open(
            tenant_of(context), request.backend_name, request.max_seconds, request.idle_seconds
        )
        return messages.OpenSessionResponse(session=session)

    async def GetSession(  # noqa: N802
        self, request: messages.GetSessionRequest, context: Any
    ) -> messages.GetSessionResponse:
        """The session as it is now."""
        session = self._sessions.get(tenant_of(context), request.session_id)
        return messages.GetSessionResponse(session=session)

    async def CloseSession(  # noqa: N802
        self, request: messages.CloseSessionRequest, context: Any
    ) -> messages.CloseSessionResponse:
        """Closes a session."""
        session = self._sessions.close(tenant_of(context), request.session_id)
        return messages.CloseSessionResponse(session=session)
