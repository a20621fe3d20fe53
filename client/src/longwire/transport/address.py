"""Where the server is."""

from __future__ import annotations

import ipaddress
import os
import re

from longwire.transport.saved_accounts import read_accounts

ADDRESS_VARIABLE = "LONGWIRE_ADDRESS"
DEFAULT_PORT = 50051

_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+)(:(?P<port>\d{1,5}))?")


def resolve_address(address: str | None) -> str:
    """The server's address as HOST:PORT.

    Args:
        address: ``HOST`` or ``HOST:PORT``, IPv6 in brackets; None takes the
            variable LONGWIRE_ADDRESS, or else that of the default saved account. The
            port is 50051 where none is given.

    Raises:
        InvalidArgumentError: there is none, or it has another form.
    """
    given = address if address is not None else os.environ.get(ADDRESS_VARIABLE, "")
    source = "the address" if address is not None else ADDRESS_VARIABLE
    if not given:
        account = read_accounts().default if address is None else None
        if account is not None:
            return account.address
        from longwire.errors import InvalidArgumentError

        raise InvalidArgumentError(
            f"No server address: give HOST:PORT, such as localhost:50051, or set "
            f"{ADDRESS_VARIABLE}, or save an account with: longwire login"
        )
    match = _HOST_AND_PORT.fullmatch(given) if isinstance(given, str) else None
    if match is None or int(match["port"] or 1) not in range(1, 65536):
        from longwire.errors import InvalidArgumentError

        raise InvalidArgumentError(
            f"{source} is {given!r}; write HOST:PORT, such as localhost:50051 or [::1]:50051"
        )
    return given if match["port"] else f"{given}:{DEFAULT_PORT}"


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of a resolved address, IPv6 without brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether what is sent to a resolved address does not leave this machine.

    A name other than ``localhost`` counts as another machine: what it resolves to can
    change.
    """
    host, _ = host_and_port(address)
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
