"""Where the server is."""

from __future__ import annotations

import os
import re

ADDRESS_VARIABLE = "LONGWIRE_ADDRESS"
DEFAULT_PORT = 50051

_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+)(:(?P<port>\d{1,5}))?")


def resolve_address(address: str | None) -> str:
    """The server's address as HOST:PORT.

    Args:
        address: ``HOST`` or ``HOST:PORT``, IPv6 in brackets; None takes the
            variable LONGWIRE_ADDRESS. The port is 50051 where none is given.

    Raises:
        InvalidArgumentError: there is none, or it has another form.
    """
    given = address if address is not None else os.environ.get(ADDRESS_VARIABLE, "")
    source = "the address" if address is not None else ADDRESS_VARIABLE
    if not given:
        from longwire.errors import InvalidArgumentError

        raise InvalidArgumentError(
            f"No server address: give HOST:PORT, such as localhost:50051, or set {ADDRESS_VARIABLE}"
        )
    match = _HOST_AND_PORT.fullmatch(given) if isinstance(given, str) else None
    if match is None or int(match["port"] or 1) not in range(1, 65536):
        from longwire.errors import InvalidArgumentError

        raise InvalidArgumentError(
            f"{source} is {given!r}; write HOST:PORT, such as localhost:50051 or [::1]:50051"
        )
    return given if match["port"] else f"{given}:{DEFAULT_PORT}"
