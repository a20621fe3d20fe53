"""``longwire.v1.BackendService``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from longwire.v1 import backend_service_pb2 as messages
from longwire.v1.backend_service_pb2_grpc import BackendServiceServicer
from longwire_server.accounts.backend_access import BackendAccess
from longwire_server.accounts.caller import caller
from longwire_server.jobs.backend_directory import BackendDirectory


class BackendServicer(BackendServiceServicer):
    """Answers from the directory of hosted backends.

    Args:
        directory: the backends.
        access: which of them a caller may use. It learns of no others.
    """

    def __init__(self, directory: BackendDirectory, access: BackendAccess) -> None:
        self._directory = directory
        self._access = access

    async def ListBackends(  # noqa: N802
        self, _request: messages.ListBackendsRequest, _context: Any
    ) -> messages.ListBackendsResponse:
        """All backends that the caller may use, with their status."""
        names = self._access.names_for(caller())
        return messages.ListBackendsResponse(backends=await self._directory.backends(names))

    async def GetBackendStatus(  # noqa: N802
        self, request: messages.GetBackendStatusRequest, _context: Any
    ) -> messages.GetBackendStatusResponse:
        """The status of one backend."""
        self._access.require(request.backend_name)
        status = await self._directory.status(request.backend_name)
        paused = self._directory.is_paused(request.backend_name)
        return messages.GetBackendStatusResponse(backend_status=status, paused=paused)

    async def WatchBackendStatus(  # noqa: N802
        self, request: messages.WatchBackendStatusRequest, _context: Any
    ) -> AsyncIterator[messages.WatchBackendStatusResponse]:
        """The status of one backend now and after every change."""
        self._access.require(request.backend_name)
        async for status in self._directory.watch_status(request.backend_name):
            paused = self._directory.is_paused(request.backend_name)
            yield messages.WatchBackendStatusResponse(backend_status=status, paused=paused)

    async def GetBackendConfiguration(  # noqa: N802
        self, request: messages.GetBackendConfigurationRequest, _context: Any
    ) -> messages.GetBackendConfigurationResponse:
        """The configuration of one backend."""
        self._access.require(request.backend_name)
        description = await self._directory.description(request.backend_name)
        return messages.GetBackendConfigurationResponse(
            backend_configuration=description.configuration
        )

    async def GetBackendProperties(  # noqa: N802
        self, request: messages.GetBackendPropertiesRequest, _context: Any
    ) -> messages.GetBackendPropertiesResponse:
        """The properties of one backend."""
        self._access.require(request.backend_name)
        description = await self._directory.description(request.backend_name)
        has_any = description.HasField("properties")
        return messages.GetBackendPropertiesResponse(
            backend_properties=description.properties if has_any else None
        )

    async def GetBackendTarget(  # noqa: N802
        self, request: messages.GetBackendTargetRequest, _context: Any
    ) -> messages.GetBackendTargetResponse:
        """The Target of one backend."""
        self._access.require(request.backend_name)
        target = await self._directory.target(request.backend_name, request.known_sha256)
        return messages.GetBackendTargetResponse(target=target)
