"""One method for each RPC of SessionService."""

from __future__ import annotations

from longwire.transport.calls import Calls
from longwire.transport.connection import Connection
from longwire.v1 import session_service_pb2 as messages
from longwire.v1.session_service_pb2_grpc import SessionServiceStub


class SessionCalls(Calls):
    """The calls of SessionService. Each raises a LongwireError where it fails."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, SessionServiceStub)

    def open_session(
        self, backend_name: str, *, max_seconds: float, idle_seconds: float
    ) -> messages.Session:
        """Opens a session; 0 for a time takes the server's limit."""
        request = messages.OpenSessionRequest(
            backend_name=backend_name, max_seconds=max_seconds, idle_seconds=idle_seconds
        )
        # A second call opens another session.
        response: messages.OpenSessionResponse = self._call("OpenSession", request, repeats=False)
        return response.session

    def get_session(self, session_id: str) -> messages.Session:
        """The session as it is now."""
        request = messages.GetSessionRequest(session_id=session_id)
        response: messages.GetSessionResponse = self._call("GetSession", request)
        return response.session

    def close_session(self, session_id: str) -> messages.Session:
        """Closes a session, and returns it."""
        request = messages.CloseSessionRequest(session_id=session_id)
        response: messages.CloseSessionResponse = self._call("CloseSession", request)
        return response.session
