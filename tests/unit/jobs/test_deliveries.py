from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from longwire_server.jobs.deliveries import Deliveries


class Scene:
    """Callers that fetch results until they are told to end."""

    def __init__(self) -> None:
        self.deliveries = Deliveries(100)
        self.fetching: list[str] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def fetch(self, name: str, size_bytes: int, tenant: str = "physics") -> None:
        async def hold() -> None:
            async with self.deliveries.turn(tenant, size_bytes):
                self.fetching.append(name)
                try:
                    await asyncio.Event().wait()
                finally:
                    self.fetching.remove(name)

        self._tasks[name] = asyncio.create_task(hold())
        await self.settle()

    async def end(self, *names: str) -> None:
        for name in names:
            self._tasks[name].cancel()
        await asyncio.gather(*(self._tasks[name] for name in names), return_exceptions=True)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def run(body: Callable[[Scene], Awaitable[None]]) -> None:
    async def main() -> None:
        await body(Scene())

    asyncio.run(main())


def test_results_wait_where_a_tenant_fetches_enough_and_nobody_else_does() -> None:
    async def body(scene: Scene) -> None:
        await scene.fetch("a", 60)
        await scene.fetch("b", 40)
        await scene.fetch("c", 1)
        await scene.fetch("other", 100, "chemistry")
        assert scene.fetching == ["a", "b", "other"]
        await scene.end("b")
        assert scene.fetching == ["a", "other", "c"]
        await scene.end("a", "c", "other")

    run(body)


def test_result_that_is_larger_than_all_is_fetched_alone() -> None:
    async def body(scene: Scene) -> None:
        await scene.fetch("huge", 1000)
        await scene.fetch("small", 1)
        assert scene.fetching == ["huge"]
        await scene.end("huge")
        assert scene.fetching == ["small"]
        await scene.end("small")

    run(body)


def test_caller_that_goes_away_while_it_waits_leaves_nothing() -> None:
    async def body(scene: Scene) -> None:
        await scene.fetch("first", 100)
        await scene.fetch("waiting", 100)
        await scene.end("waiting")
        await scene.fetch("next", 100)
        await scene.end("first")
        assert scene.fetching == ["next"]
        await scene.end("next")
        await scene.fetch("again", 100)
        assert scene.fetching == ["again"]
        await scene.end("again")

    run(body)
