"""How large the request of each RPC may be.

gRPC has one limit for all calls of a server, which has to be that of programs. The other
requests are names, times and numbers.
"""

from __future__ import annotations

from typing import Final

from longwire_server.servicers.access_table import ACCESS, OPEN

_PROGRAMS: Final = frozenset(
    {"/longwire.v1.JobService/RunJob", "/longwire.v1.JobService/SubmitJob"}
)
_MOST_BYTES: Final = 1 << 20
# Of the health service: of the call that strangers may make, and of the watch, which
# stays open also where there is no such service.
_HEALTH: Final = "/grpc.health.v1.Health/"
_MOST_HEALTH_BYTES: Final = 4096


def _most_bytes(method: str) -> int | None:
    if method in _PROGRAMS:
        return None
    is_small = method.startswith(_HEALTH) or ACCESS[method] is OPEN
    return _MOST_HEALTH_BYTES if is_small else _MOST_BYTES


_BY_METHOD: Final = {method: _most_bytes(method) for method in ACCESS}


def most_bytes(method: str) -> int | None:
    """How many bytes a request may have; None for as many as gRPC lets through.

    Args:
        method: the RPC's full name as gRPC has it.
    """
    return _BY_METHOD.get(method, _MOST_BYTES)
