"""The calls of ``longwire.v1.AdminService`` that are about the operation of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from longwire.v1 import admin_service_pb2 as messages
from longwire_server.jobs.backend_controls import BackendControls
from longwire_server.jobs.manager import JobManager


class Operations:
    """Pauses backends, moves jobs, and has the server end.

    Args:
        controls: what is set for backends.
        manager: the jobs.
        drain: has the server end as a SIGTERM does.
    """

    def __init__(
        self, controls: BackendControls, manager: JobManager, drain: Callable[[], None]
    ) -> None:
        self._controls = controls
        self._manager = manager
        self._drain = drain

    async def PauseBackend(  # noqa: N802
        self, request: messages.PauseBackendRequest, _context: Any
    ) -> messages.PauseBackendResponse:
        """Begins no more jobs on a backend."""
        status = await self._controls.pause(request.backend_name, is_paused=True)
        return messages.PauseBackendResponse(backend_status=status)

    async def ResumeBackend(  # noqa: N802
        self, request: messages.ResumeBackendRequest, _context: Any
    ) -> messages.ResumeBackendResponse:
        """Begins jobs on a backend again."""
        status = await self._controls.pause(request.backend_name, is_paused=False)
        return messages.ResumeBackendResponse(backend_status=status)

    async def SetStatusMessage(  # noqa: N802
        self, request: messages.SetStatusMessageRequest, _context: Any
    ) -> messages.SetStatusMessageResponse:
        """Sets what a backend's status tells."""
        status = await self._controls.set_status_msg(request.backend_name, request.status_msg)
        return messages.SetStatusMessageResponse(backend_status=status)

    async def MoveJobToFront(  # noqa: N802
        self, request: messages.MoveJobToFrontRequest, _context: Any
    ) -> messages.MoveJobToFrontResponse:
        """Puts a queued job in front of all others."""
        job = await self._manager.move_to_front(request.job_id)
        return messages.MoveJobToFrontResponse(job=job)

    async def DrainServer(  # noqa: N802
        self, _request: messages.DrainServerRequest, _context: Any
    ) -> messages.DrainServerResponse:
        """Has the server end as a SIGTERM does."""
        self._drain()
        return messages.DrainServerResponse()
