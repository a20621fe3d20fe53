"""How far beyond its own tenant a caller may look."""

from __future__ import annotations

from longwire.v1.account_pb2 import Role, Scope
from longwire_server.accounts.access_refusals import role_needed, scope_needed
from longwire_server.accounts.caller import caller
from longwire_server.refusals import argument_invalid


def reachable_tenant() -> str | None:
    """Whose jobs the present caller may see and cancel; None for all tenants'."""
    present = caller()
    return None if present.is_operator else present.tenant


def tenant_asked_for(tenant: str, *, all_tenants: bool) -> str | None:
    """Whose records a request of the present caller is about; None for all tenants'.

    Args:
        tenant: the tenant that it names; empty for the caller's own.
        all_tenants: whether it asks for all.

    Raises:
        RequestRefusedError: they are another tenant's, and the caller is no operator; or
            it asks for one tenant and for all.
    """
    present = caller()
    if tenant and all_tenants:
        raise argument_invalid("tenant", "all_tenants is set beside it; set one of the two")
    if not all_tenants and tenant in ("", present.tenant):
        return present.tenant
    if present.role < Role.ROLE_OPERATOR:
        raise role_needed(Role.ROLE_OPERATOR)
    if not present.is_operator:
        raise scope_needed(Scope.SCOPE_MANAGE)
    return None if all_tenants else tenant
