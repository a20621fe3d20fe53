"""The calls of ``longwire.v1.AdminService`` that are about tenants."""

from __future__ import annotations

from typing import Any

from longwire.v1 import admin_service_pb2 as messages
from longwire_server.accounts.tenants import Tenants


class TenantAdministration:
    """Sets and lists shares and quotas.

    Args:
        tenants: what is set.
    """

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def SetTenant(  # noqa: N802
        self, request: messages.SetTenantRequest, _context: Any
    ) -> messages.SetTenantResponse:
        """Sets the share and the quotas of a tenant, all of them."""
        return messages.SetTenantResponse(tenant=await self._tenants.set(request.tenant))

    async def ListTenants(  # noqa: N802
        self, _request: messages.ListTenantsRequest, _context: Any
    ) -> messages.ListTenantsResponse:
        """The tenants for whom anything is set, in the order of their names."""
        # What another process has set a moment ago is told, too.
        await self._tenants.refresh()
        return messages.ListTenantsResponse(tenants=self._tenants.all_set())
