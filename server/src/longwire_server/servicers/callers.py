"""Who calls. Without accounts, everybody is the same tenant."""

from __future__ import annotations

DEFAULT_TENANT = "default"


def tenant_of(_context: object) -> str:
    """The tenant that owns what this call makes and sees."""
    return DEFAULT_TENANT
