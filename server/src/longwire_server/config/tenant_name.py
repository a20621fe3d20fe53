"""What a tenant may be called."""

from __future__ import annotations

import re

_TENANT_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,128}")


def checked_tenant_name(name: str) -> str:
    """Returns the name.

    Raises:
        ValueError: it cannot be one; the message says what can.
    """
    if not _TENANT_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r:.140} cannot be the name of a tenant; write 1 to 128 letters, digits and "
            "_ - . @"
        )
    return name
