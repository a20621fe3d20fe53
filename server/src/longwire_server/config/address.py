"""Addresses that a server listens on."""

from __future__ import annotations

import ipaddress
import re

_ADDRESS = re.compile(r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<host>[^:\[\]\s/]+)):(?P<port>[0-9]+)")


def split_address(address: str) -> tuple[str, int]:
    """Returns the host and the port of ``HOST:PORT`` or ``[IPV6]:PORT``.

    Args:
        address: the address; port 0 lets the system choose a free one.

    Raises:
        ValueError: the address has another form; the message says which is needed.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ValueError(
            f"{address!r} is not an address; write HOST:PORT, such as 'localhost:50051', "
            "or '[::1]:50051' for IPv6"
        )
    port = int(match["port"])
    if port > 65_535:
        raise ValueError(f"port {port} does not exist; write one from 0 (any free port) to 65535")
    if match["bracketed"] is None:
        return match["host"], port
    try:
        return str(ipaddress.IPv6Address(match["bracketed"])), port
    except ipaddress.AddressValueError:
        raise ValueError(
            f"{match['bracketed']!r} is not an IPv6 address; brackets are for those only, "
            "such as '[::1]:50051'"
        ) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host.

    A name other than ``localhost`` counts as reachable from elsewhere: what it
    resolves to can change.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
