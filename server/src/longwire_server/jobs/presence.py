"""This server among those that share its store: its signs of life, and the deaths of others."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
from collections.abc import Awaitable, Callable

from longwire_server.store.job_store import StoreError
from longwire_server.store.server_beat import ServerBeat
from longwire_server.store.server_table import ServerTable

_logger = logging.getLogger(__name__)

# Two signs of life may fail to be written before others count this server as dead.
_BEATS_A_LEASE = 3


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    """Another server's last sign of life, when it was first seen, and how often since.

    The time is the loop's. Looks count, too: when the store was away for longer than a
    lease, nobody could give a sign, and the first look afterwards says nothing.
    """

    beat: ServerBeat
    since: float
    num_looks: int


class Presence:
    """Gives this server's signs of life, and watches those of the others.

    Args:
        servers: the table of servers.
        lease_seconds: for how long this one may give none.
        on_dead: called with the last sign of life of a server that has stopped or died,
            again and again as long as its row is there.
        on_life: called with this server's id, which may be another one in a new life.
        on_lost: called when this server was itself taken for dead, and has come back.

    Attributes:
        server_id: this server's id; empty before the start.
    """

    def __init__(
        self,
        servers: ServerTable,
        *,
        lease_seconds: float,
        on_life: Callable[[str], None],
        on_dead: Callable[[ServerBeat], Awaitable[None]],
        on_lost: Callable[[], Awaitable[None]],
    ) -> None:
        self._servers = servers
        self._lease_seconds = lease_seconds
        self._on_life = on_life
        self._on_dead = on_dead
        self._on_lost = on_lost
        self.server_id = ""
        self._life = ServerBeat("", "", lease_seconds)
        self._seen: dict[str, _Seen] = {}
        self._dead: list[ServerBeat] = []
        self._has_come_back = False
        self._keeper: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None

    async def start(self, server_id: str) -> None:
        """Begins this server's life.

        Raises:
            StoreError: that could not be recorded.
        """
        self._observe(await self._begin_life(server_id))
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends it: what is unfinished is the others' now, where there are any."""
        if self._keeper is None:
            return
        tasks = [task for task in (self._keeper, self._worker) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._servers.sign_off(self._life)
        except StoreError as error:
            _logger.warning("the other servers are not told that this one stops: %s", error)

    async def _begin_life(self, server_id: str) -> list[ServerBeat]:
        self._life = ServerBeat(server_id, secrets.token_hex(16), self._lease_seconds)
        all_beats = await self._servers.register(self._life)
        self.server_id = server_id
        self._on_life(server_id)
        return all_beats

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / _BEATS_A_LEASE)
            try:
                goes_on, all_beats = await self._servers.beat(self._life)
                if not goes_on:
                    all_beats = await self._come_back(all_beats)
                self._dead = self._observe(all_beats)
            except StoreError as error:
                _logger.warning("no sign of life can be given: %s", error)
                continue
            # A task of its own: to take over a long queue must not look like death.
            if self._worker is None or self._worker.done():
                self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Does what follows from the last look."""
        try:
            if self._has_come_back:
                await self._on_lost()
                self._has_come_back = False
            for dead in self._dead:
                await self._on_dead(dead)
        except StoreError as error:
            _logger.warning("what other servers left cannot be taken up yet: %s", error)

    async def _come_back(self, all_beats: list[ServerBeat]) -> list[ServerBeat]:
        server_id = self._life.server_id
        if any(each.server_id == server_id and not each.has_stopped for each in all_beats):
            # As where a data directory was copied. Which of the two has which jobs must
            # be clear, so this one goes by another name until it ends.
            server_id = f"{server_id[:32]}-{secrets.token_hex(8)}"
            _logger.error(
                "another server has this one's id: give each a data directory of its own, and "
                "delete the file server_id in one that was copied"
            )
        else:
            _logger.warning("this server was taken for dead, and goes on")
        all_beats = await self._begin_life(server_id)
        self._has_come_back = True
        return all_beats

    def _observe(self, all_beats: list[ServerBeat]) -> list[ServerBeat]:
        """Those that have stopped or died."""
        now = asyncio.get_running_loop().time()
        dead = []
        seen = {}
        for beat in all_beats:
            if beat.server_id == self.server_id:
                continue
            before = self._seen.get(beat.server_id)
            if before is None or before.beat != beat:
                before = _Seen(beat, now, 0)
            seen[beat.server_id] = _Seen(beat, before.since, before.num_looks + 1)
            is_silent = now - before.since >= beat.lease_seconds
            if beat.has_stopped or (is_silent and before.num_looks >= _BEATS_A_LEASE):
                dead.append(beat)
        self._seen = seen
        return dead
