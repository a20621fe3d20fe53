"""How many results a tenant may fetch at once.

Each keeps its stored file, or its bytes where those are in the database, until its last
chunk is sent: of a caller that reads nothing, for as long as it stays connected.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator


@dataclasses.dataclass(slots=True)
class _Fetched:
    """What one tenant fetches."""

    changed: asyncio.Condition
    callers: int = 0
    size_bytes: int = 0


class Deliveries:
    """Has a tenant's large results wait for each other, and for nobody else's.

    A caller that reads nothing holds up its own tenant alone.

    Args:
        bytes_at_once: how much of results one tenant may fetch at once. One result is
            always fetched, however large.
    """

    def __init__(self, bytes_at_once: int) -> None:
        self._bytes_at_once = bytes_at_once
        self._fetched: dict[str, _Fetched] = {}

    @contextlib.asynccontextmanager
    async def turn(self, tenant: str, size_bytes: int) -> AsyncIterator[None]:
        """Waits until there is room for a result, and keeps it inside of the block.

        Args:
            tenant: who fetches it.
            size_bytes: how large it is.
        """
        fetched = self._fetched.setdefault(tenant, _Fetched(asyncio.Condition()))
        fetched.callers += 1
        try:
            async with fetched.changed:
                await fetched.changed.wait_for(lambda: self._has_room(fetched, size_bytes))
                fetched.size_bytes += size_bytes
            try:
                yield
            finally:
                fetched.size_bytes -= size_bytes
                async with fetched.changed:
                    fetched.changed.notify_all()
        finally:
            fetched.callers -= 1
            if not fetched.callers:
                del self._fetched[tenant]

    def _has_room(self, fetched: _Fetched, size_bytes: int) -> bool:
        return not fetched.size_bytes or fetched.size_bytes + size_bytes <= self._bytes_at_once
