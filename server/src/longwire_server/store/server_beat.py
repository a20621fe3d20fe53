"""A server's sign of life."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class ServerBeat:
    """What a server's row says."""

    server_id: str
    """Which server; the owner of its jobs."""

    boot_id: str
    """Which of its lives, at random."""

    lease_seconds: float
    """For how long it may give no sign of life."""

    beats: int = 0
    """How many it has given."""

    has_stopped: bool = False
    """Whether it has signed off, or was found dead."""
