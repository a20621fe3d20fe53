"""Whom a server takes for dead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from longwire_server.jobs.presence import Presence
from longwire_server.store.job_store import StoreError
from longwire_server.store.server_beat import ServerBeat
from longwire_server.store.server_table import ServerTable
from longwire_server.store.sql_job_store import SqlJobStore

LIMIT_SECONDS = 60.0
OTHER = ServerBeat("other", "ab" * 16, lease_seconds=1.0)


class ServersAwayAtTimes(ServerTable):
    """The table of servers of a store, which can be out of reach.

    Attributes:
        is_away: whether it is.
        num_looks: how often somebody has looked at it while it was not.
    """

    def __init__(self, servers: ServerTable) -> None:
        self._servers = servers
        self.is_away = False
        self.num_looks = 0

    async def register(self, beat: ServerBeat) -> list[ServerBeat]:
        return await self._servers.register(beat)

    async def beat(self, beat: ServerBeat) -> tuple[bool, list[ServerBeat]]:
        if self.is_away:
            raise StoreError("the store is away")
        answer = await self._servers.beat(beat)
        self.num_looks += 1
        return answer

    async def sign_off(self, beat: ServerBeat) -> None:
        await self._servers.sign_off(beat)

    async def looks(self, number: int) -> None:
        """Waits until somebody has looked so many times more."""
        goal = self.num_looks + number
        while True:
            if self.num_looks >= goal:
                return
            await asyncio.sleep(0.001)


async def nobody_thinks_so() -> None:
    """Where nobody takes this server for dead."""


def presence_on(
    servers: ServerTable,
    *,
    on_dead: Callable[[ServerBeat], Awaitable[None]],
    on_lost: Callable[[], Awaitable[None]] = nobody_thinks_so,
    names: list[str] | None = None,
) -> Presence:
    """The presence of a server that gives a sign of life ten times a second."""
    return Presence(
        servers,
        lease_seconds=0.3,
        on_life=(names if names is not None else []).append,
        on_dead=on_dead,
        on_lost=on_lost,
    )


def test_server_that_could_give_no_sign_of_life_is_dead_only_if_it_gives_none_afterwards(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/jobs.db")
        await store.open()
        servers = ServersAwayAtTimes(store.servers)
        dead: list[str] = []

        async def on_dead(beat: ServerBeat) -> None:
            dead.append(beat.server_id)

        presence = presence_on(servers, on_dead=on_dead)
        await presence.start("this")
        await store.servers.register(OTHER)
        await servers.looks(1)
        # For longer than a lease neither of the two reaches the store.
        servers.is_away = True
        await asyncio.sleep(1.5 * OTHER.lease_seconds)
        servers.is_away = False
        await servers.looks(1)
        assert not dead
        await store.servers.beat(OTHER)
        await servers.looks(2)
        assert not dead
        # From here on it gives none although it could.
        while not dead:
            await servers.looks(1)
        assert set(dead) == {"other"}
        await presence.stop()
        await store.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT_SECONDS))


def test_server_gives_signs_of_life_while_it_takes_over_a_long_queue(tmp_path: Path) -> None:
    async def main() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/jobs.db")
        await store.open()
        servers = ServersAwayAtTimes(store.servers)
        begun, finished = asyncio.Event(), asyncio.Event()

        async def on_dead(_beat: ServerBeat) -> None:
            begun.set()
            await finished.wait()

        presence = presence_on(servers, on_dead=on_dead)
        await store.servers.register(OTHER)
        await store.servers.sign_off(OTHER)
        await presence.start("this")
        await begun.wait()
        await servers.looks(5)
        finished.set()
        await presence.stop()
        await store.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT_SECONDS))


def test_server_whose_id_another_has_lets_go_under_another_name(tmp_path: Path) -> None:
    async def main() -> None:
        store = SqlJobStore(f"sqlite:///{tmp_path}/jobs.db")
        await store.open()
        names: list[str] = []
        lost = asyncio.Event()

        async def on_dead(_beat: ServerBeat) -> None:
            """The twin lives."""

        async def on_lost() -> None:
            lost.set()

        presence = presence_on(store.servers, on_dead=on_dead, on_lost=on_lost, names=names)
        await presence.start("this")
        await store.servers.register(ServerBeat("this", "cd" * 16, lease_seconds=1.0))
        await lost.wait()
        assert names[0] == "this"
        assert names[1] == presence.server_id
        assert names[1].startswith("this-")
        await presence.stop()
        await store.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT_SECONDS))
