"""``grpc.health.v1.Health``, for load balancers and service managers.

The messages and stubs are those of grpcio-health-checking. Its own servicer is not used:
when one of several watchers of a service goes away, the others hear of no change any
more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from longwire_server.jobs.backend_directory import BackendDirectory

_Response = health_pb2.HealthCheckResponse


_BACKEND: Final = "backend/"


class HealthServicer(health_pb2_grpc.HealthServicer):
    """Tells whether the server takes work: all services do, or none; and each backend.

    A backend's name as a service is ``backend/NAME``.

    Args:
        services: the services' full names. The empty name, which stands for the whole
            server, is known beside them.
        directory: knows how the backends are.
        backend_names: those that everybody may know of, since everybody may call this.
    """

    def __init__(
        self,
        services: Collection[str],
        directory: BackendDirectory,
        backend_names: Collection[str],
    ) -> None:
        self._services = frozenset(("", *services))
        self._directory = directory
        self._backends = {f"{_BACKEND}{name}": name for name in backend_names}
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
        if request.service not in self._services and request.service not in self._backends:
            # Its name is not repeated: anybody may call this, and with any text.
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return self._response(request.service)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, _context: Any
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The status of a service now and after every change."""
        if (name := self._backends.get(request.service)) is not None:
            async for response in self._backend_responses(name):
                yield response
            return
        while True:
            changed = self._changed
            yield self._response(request.service)
            await changed.wait()

    async def _backend_responses(self, name: str) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        told = self._directory.present_status(name).operational
        yield _answer(told)
        async for status in self._directory.watch_status(name):
            if status.operational != told:
                told = status.operational
                yield _answer(told)

    def _response(self, service: str) -> health_pb2.HealthCheckResponse:
        if (name := self._backends.get(service)) is not None:
            return _answer(self._directory.present_status(name).operational)
        if service not in self._services:
            return _Response(status=_Response.SERVICE_UNKNOWN)
        return _answer(self._is_serving)


def _answer(is_serving: bool) -> health_pb2.HealthCheckResponse:
    return _Response(status=_Response.SERVING if is_serving else _Response.NOT_SERVING)
