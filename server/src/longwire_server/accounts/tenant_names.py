"""What a tenant may be called, in a request."""

from __future__ import annotations

from longwire_server.config.tenant_name import checked_tenant_name
from longwire_server.refusals import argument_invalid


def check_tenant_name(field: str, name: str) -> None:
    """Refuses a name that no tenant can have.

    Args:
        field: where it is in the request.
        name: the name.

    Raises:
        RequestRefusedError: it is empty, too long, or has other characters.
    """
    try:
        checked_tenant_name(name)
    except ValueError as error:
        raise argument_invalid(field, str(error)) from error
