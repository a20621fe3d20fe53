"""Whether an operator has paused a backend: it takes jobs then, which wait."""

from __future__ import annotations

from longwire.v1.backend_status_pb2 import BackendStatus

_PAUSED = "paused:"


def is_paused(status: BackendStatus) -> bool:
    """Whether jobs wait for the backend to be resumed, as its message says."""
    return status.operational and status.status_msg.startswith(_PAUSED)
