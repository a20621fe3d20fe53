"""A channel to the server: with or without TLS, with or without a token."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import grpc

OPTIONS = [
    # A connection that died in silence is found by a ping.
    ("grpc.keepalive_time_ms", 15_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # gRPC's own limit of 4 MiB is below what a server may be set up to send.
    ("grpc.max_receive_message_length", 64 << 20),
]

Metadata = tuple[tuple[str, str], ...]


def connect() -> tuple[grpc.Channel, Metadata]:
    """The channel, and what every call carries, as the environment says.

    LONGWIRE_ADDRESS is HOST:PORT, ``localhost:50051`` by default; LONGWIRE_CA a PEM file with
    the authority of the server's certificate; LONGWIRE_TOKEN an API token. Without
    LONGWIRE_CA, servers on this machine are spoken to in plain text, others by TLS with
    gRPC's own list of authorities. A token leaves this machine by TLS alone.

    Raises:
        OSError: the file of LONGWIRE_CA cannot be read.
    """
    address = os.environ.get("LONGWIRE_ADDRESS") or "localhost:50051"
    authority = os.environ.get("LONGWIRE_CA")
    token = os.environ.get("LONGWIRE_TOKEN")
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    if authority is None and is_loopback(address):
        return grpc.insecure_channel(address, OPTIONS), metadata
    roots = None if authority is None else Path(authority).read_bytes()
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(roots), OPTIONS), metadata


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
