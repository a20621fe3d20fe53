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


class _Follower:
    """Whether a backend takes work, for any number of watchers.

    Its status changes with every job. Strangers may watch, and many: they are woken only
    where this changes.
    """

    def __init__(self, directory: BackendDirectory, name: str) -> None:
        self.num_watchers = 0
        self.is_operational = directory.present_status(name).operational
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._follow(directory, name))

    async def _follow(self, directory: BackendDirectory, name: str) -> None:
        async for status in directory.watch_status(name):
            if status.operational != self.is_operational:
                self.is_operational = status.operational
                changed, self.changed = self.changed, asyncio.Event()
                changed.set()


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
        self._followers: dict[str, _Follower] = {}
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
        follower = self._followers.get(name)
        if follower is None:
            follower = self._followers[name] = _Follower(self._directory, name)
        follower.num_watchers += 1
        told: bool | None = None
        try:
            while True:
                changed = follower.changed
                if follower.is_operational != told:
                    told = follower.is_operational
                    yield _answer(told)
                await changed.wait()
        finally:
            follower.num_watchers -= 1
            if not follower.num_watchers:
                del self._followers[name]
                follower.task.cancel()

    def _response(self, service: str) -> health_pb2.HealthCheckResponse:
        if (name := self._backends.get(service)) is not None:
            return _answer(self._directory.present_status(name).operational)
        if service not in self._services:
            return _Response(status=_Response.SERVICE_UNKNOWN)
        return _answer(self._is_serving)


def _answer(is_serving: bool) -> health_pb2.HealthCheckResponse:
    return _Response(status=_Response.SERVING if is_serving else _Response.NOT_SERVING)
