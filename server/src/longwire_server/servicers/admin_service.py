"""``longwire.v1.AdminService``."""

from __future__ import annotations

from typing import Any

from longwire.v1 import admin_service_pb2 as messages
from longwire.v1.admin_service_pb2_grpc import AdminServiceServicer
from longwire_server.servicers.admin.operations import Operations
from longwire_server.servicers.admin.tenants import TenantAdministration
from longwire_server.servicers.admin.tokens import TokenAdministration


class AdminServicer(AdminServiceServicer):
    """Passes each call on to the part that it is about.

    Who may call what has been checked before: see ``access_table.py``.

    Args:
        tokens: the API tokens.
        tenants: the tenants' shares and quotas.
        operations: backends, the queue, and the server itself.
    """

    def __init__(
        self,
        tokens: TokenAdministration,
        tenants: TenantAdministration,
        operations: Operations,
    ) -> None:
        self._tokens = tokens
        self._tenants = tenants
        self._operations = operations

    async def CreateToken(  # noqa: N802
        self, request: messages.CreateTokenRequest, context: Any
    ) -> messages.CreateTokenResponse:
        """Makes an API token."""
        return await self._tokens.CreateToken(request, context)

    async def ListTokens(  # noqa: N802
        self, request: messages.ListTokensRequest, context: Any
    ) -> messages.ListTokensResponse:
        """All API tokens."""
        return await self._tokens.ListTokens(request, context)

    async def RevokeToken(  # noqa: N802
        self, request: messages.RevokeTokenRequest, context: Any
    ) -> messages.RevokeTokenResponse:
        """Revokes an API token."""
        return await self._tokens.RevokeToken(request, context)

    async def ListTenants(  # noqa: N802
        self, request: messages.ListTenantsRequest, context: Any
    ) -> messages.ListTenantsResponse:
        """The tenants that have anything set."""
        return await self._tenants.ListTenants(request, context)

    async def SetTenant(  # noqa: N802
        self, request: messages.SetTenantRequest, context: Any
    ) -> messages.SetTenantResponse:
        """Sets the share and the quotas of a tenant."""
        return await self._tenants.SetTenant(request, context)

    async def PauseBackend(  # noqa: N802
        self, request: messages.PauseBackendRequest, context: Any
    ) -> messages.PauseBackendResponse:
        """Begins no more jobs on a backend."""
        return await self._operations.PauseBackend(request, context)

    async def ResumeBackend(  # noqa: N802
        self, request: messages.ResumeBackendRequest, context: Any
    ) -> messages.ResumeBackendResponse:
        """Begins jobs on a backend again."""
        return await self._operations.ResumeBackend(request, context)

    async def SetStatusMessage(  # noqa: N802
        self, request: messages.SetStatusMessageRequest, context: Any
    ) -> messages.SetStatusMessageResponse:
        """Sets what a backend's status tells people."""
        return await self._operations.SetStatusMessage(request, context)

    async def MoveJobToFront(  # noqa: N802
        self, request: messages.MoveJobToFrontRequest, context: Any
    ) -> messages.MoveJobToFrontResponse:
        """Puts a queued job in front of all others."""
        return await self._operations.MoveJobToFront(request, context)

    async def DrainServer(  # noqa: N802
        self, request: messages.DrainServerRequest, context: Any
    ) -> messages.DrainServerResponse:
        """Has the server end as a SIGTERM does."""
        return await self._operations.DrainServer(request, context)
