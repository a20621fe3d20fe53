"""Who calls, as the servicers ask for it."""

from __future__ import annotations

from longwire_server.accounts.caller import caller


def tenant_of(_context: object) -> str:
    """The tenant that owns what this call makes and sees."""
    return caller().tenant
