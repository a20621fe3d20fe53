"""The section ``[connections]`` of the configuration."""

from __future__ import annotations

from pydantic import Field

from longwire_server.config.section import Count, Section


class ConnectionsSection(Section):
    """``[connections]``: what clients may do to the server before anybody knows who they are."""

    # Connections at once. Above it new ones are closed.
    max_connections: Count = Field(default=8192, examples=["8192"])
    # Calls at once on one connection, and as many more in its streams of calls. A client
    # has one for every job whose events it reads. Above it new ones are refused.
    max_calls: Count = Field(default=10_000, examples=["10_000"])
    # Largest metadata of one call, in bytes; a token is in it.
    metadata_bytes: int = Field(default=16_384, ge=4096, examples=["16_384"])
    # How long a connection may take until it can carry calls, in seconds.
    handshake_seconds: float = Field(default=10.0, ge=0.1, examples=["10"])
    # How long a connection may carry no call, in seconds.
    idle_seconds: float = Field(default=300.0, ge=1, examples=["300"])
    # How long a connection is used for new calls, in seconds, and how long those under
    # way may go on then. Clients of Longwire notice nothing.
    age_seconds: float = Field(default=3600.0, ge=1, examples=["3600"])
    grace_seconds: float = Field(default=600.0, ge=1, examples=["600"])
