"""The health of a backend, as many watchers are told it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from grpc_health.v1 import health_pb2

from longwire.v1.backend_status_pb2 import BackendStatus
from longwire_server.servicers.health_service import HealthServicer

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
NUM_WATCHERS = 50


class Directory:
    """One backend, whose status a test sets; counts who watches it."""

    def __init__(self) -> None:
        self.statuses: asyncio.Queue[BackendStatus] = asyncio.Queue()
        self.num_watches = 0
        self.left = asyncio.Event()

    def present_status(self, _name: str) -> BackendStatus:
        return BackendStatus(operational=True)

    async def watch_status(self, _name: str) -> AsyncIterator[BackendStatus]:
        self.num_watches += 1
        try:
            while True:
                yield await self.statuses.get()
        finally:
            self.left.set()


def test_status_is_followed_once_for_all_watchers_and_only_while_there_are_some() -> None:
    async def watch() -> None:
        directory = Directory()
        servicer = HealthServicer([], directory, ["one"])  # type: ignore[arg-type]
        request = health_pb2.HealthCheckRequest(service="backend/one")
        for number_before in range(2):
            watchers = [servicer.Watch(request, None) for _ in range(NUM_WATCHERS)]
            assert {(await anext(each)).status for each in watchers} == {SERVING}
            nexts = [asyncio.ensure_future(anext(each)) for each in watchers]
            # What every job changes is nobody's business here.
            directory.statuses.put_nowait(BackendStatus(operational=True, pending_jobs=1))
            directory.statuses.put_nowait(BackendStatus(operational=False))
            assert {each.status for each in await asyncio.gather(*nexts)} == {NOT_SERVING}
            assert directory.num_watches == number_before + 1
            for each in watchers:
                assert isinstance(each, AsyncGenerator)
                await each.aclose()
            await directory.left.wait()
            directory.left.clear()

    asyncio.run(asyncio.wait_for(watch(), 60))
