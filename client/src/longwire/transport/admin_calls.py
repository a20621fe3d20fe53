"""The calls of AdminService that operators make."""

from __future__ import annotations

from longwire.transport.calls import Calls
from longwire.transport.connection import Connection
from longwire.v1 import admin_service_pb2 as messages
from longwire.v1.admin_service_pb2_grpc import AdminServiceStub
from longwire.v1.backend_status_pb2 import BackendStatus
from longwire.v1.job_pb2 import Job


class AdminCalls(Calls):
    """The calls of AdminService. Each raises a LongwireError where it fails."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, AdminServiceStub)

    def pause_backend(self, backend_name: str) -> BackendStatus:
        """Begins no more jobs on a backend, and returns its status."""
        request = messages.PauseBackendRequest(backend_name=backend_name)
        response: messages.PauseBackendResponse = self._call("PauseBackend", request)
        return response.backend_status

    def resume_backend(self, backend_name: str) -> BackendStatus:
        """Begins jobs on a backend again, and returns its status."""
        request = messages.ResumeBackendRequest(backend_name=backend_name)
        response: messages.ResumeBackendResponse = self._call("ResumeBackend", request)
        return response.backend_status

    def set_status_message(self, backend_name: str, status_msg: str) -> BackendStatus:
        """Sets what a backend's status tells, empty for its own words; returns its status."""
        request = messages.SetStatusMessageRequest(backend_name=backend_name, status_msg=status_msg)
        response: messages.SetStatusMessageResponse = self._call("SetStatusMessage", request)
        return response.backend_status

    def move_job_to_front(self, job_id: str) -> Job:
        """Puts a queued job in front of all others, and returns it."""
        request = messages.MoveJobToFrontRequest(job_id=job_id)
        response: messages.MoveJobToFrontResponse = self._call("MoveJobToFront", request)
        return response.job

    def drain_server(self) -> None:
        """Has the server end as a SIGTERM does."""
        self._call("DrainServer", messages.DrainServerRequest())
