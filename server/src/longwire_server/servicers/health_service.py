"""``grpc.health.v1.Health``, for load balancers and service managers.

The messages and stubs are those of grpcio-health-checking. Its own servicer is not used:
when one of several watchers of a service goes away, the others hear of no change any
more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_Response = health_pb2.HealthCheckResponse


class HealthServicer(health_pb2_grpc.HealthServicer):
    """Tells whether the server takes work: all services do, or none.

    Args:
        services: the services' full names. The empty name, which stands for the whole
            server, is known beside them.
    """

    def __init__(self, services: Collection[str]) -> None:
        self._services = frozenset(("", *services))
        self._is_serving = False
        self._changed = asyncio.Event()

    def set_serving(self, is_serving: bool) -> None:
        """Tells everybody that the server takes work from now on, or takes none."""
        self._is_serving = is_serving
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """The status of a service; ends with NOT_FOUND where there is no such service."""
        if request.service not in self._services:
            # Its name is not repeated: anybody may call this, and with any text.
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return self._response(request.service)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, _context: Any
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The status of a service now and after every change."""
        while True:
            changed = self._changed
            yield self._response(request.service)
            await changed.wait()

    def _response(self, service: str) -> health_pb2.HealthCheckResponse:
        if service not in self._services:
            return _Response(status=_Response.SERVICE_UNKNOWN)
        return _Response(status=_Response.SERVING if self._is_serving else _Response.NOT_SERVING)
