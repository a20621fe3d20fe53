"""All API tokens in memory, as they are in the store.

A call is checked against this memory, without a word to the database. Another process
that makes or revokes a token tells of it (:mod:`longwire_server.store.account_changes`);
where that is lost, a look every few seconds finds it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, Final

from longwire_server.accounts.caller import Caller
from longwire_server.accounts.tokens import caller_of
from longwire_server.store.account_changes import AccountChanges
from longwire_server.store.job_store import StoreError
from longwire_server.store.token import StoredToken
from longwire_server.store.token_table import Extent, TokenTable

_logger = logging.getLogger(__name__)

# A revocation of which no word came is found within this time.
LOOK_EVERY_SECONDS: Final = 5.0
# How long tokens that are known go on being good while the store cannot be read: one
# that another server revokes meanwhile is good here for as long.
TRUSTED_SECONDS: Final = 900.0
# A system call for every call would be dear under load: within this time the last one
# counts.
_SEEN_FOR_SECONDS: Final = 0.005
# Who asks for tokens that are not there makes the store be read no more often.
_READ_EVERY_SECONDS: Final = 0.05


class TokenDirectory:
    """The tokens of one store, and who uses them just now.

    Args:
        table: the tokens in the store.
        changes: tells of changes by other processes.
    """

    def __init__(self, table: TokenTable, changes: AccountChanges) -> None:
        self._table = table
        self._changes = changes
        self._tokens: dict[str, StoredToken] = {}
        self._callers: dict[str, Caller] = {}
        self._extent: Extent | None = None
        self._mark = self._seen = changes.mark()
        self._seen_at = 0.0
        self._read_at = -TRUSTED_SECONDS
        self._watchers: dict[str, set[Callable[[], None]]] = defaultdict(set)
        self._present: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._looks: asyncio.Task[None] | None = None
        self._is_changed = asyncio.Event()

    async def start(self) -> None:
        """Reads all tokens, and listens for changes.

        Raises:
            StoreError: they cannot be read.
        """
        await self.renew()
        self._changes.listen(self._is_changed.set)
        self._looks = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Listens no more."""
        tasks = [each for each in (self._looks, self._present, self._next) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._changes.stop()

    def is_fresh(self) -> bool:
        """Whether what is in memory is as in the store, as far as can be known here."""
        now = time.monotonic()
        if now - self._seen_at > _SEEN_FOR_SECONDS:
            self._seen, self._seen_at = self._changes.mark(), now
        return self._seen == self._mark and now - self._read_at < TRUSTED_SECONDS

    def get(self, token_id: str) -> StoredToken | None:
        """A token's record."""
        return self._tokens.get(token_id)

    def caller(self, token: StoredToken) -> Caller:
        """Who calls with a token."""
        caller = self._callers.get(token.token_id)
        if caller is None:
            caller = self._callers[token.token_id] = caller_of(token)
        return caller

    def all(self) -> list[StoredToken]:
        """Every token, the newest first."""
        return list(self._tokens.values())

    def any_is_good(self) -> bool:
        """Whether somebody could show a token now."""
        now_us = time.time_ns() // 1000
        return any(
            token.revoke_time_us is None
            and (token.expire_time_us is None or token.expire_time_us > now_us)
            for token in self._tokens.values()
        )

    async def renew(self) -> None:
        """Reads the tokens: what was committed before this call is known after it.

        Raises:
            StoreError: they cannot be read.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._read_after(self._present))
        # Others may wait for the same.
        await asyncio.shield(self._next)

    def watch(self, token_id: str, on_revoked: Callable[[], None]) -> None:
        """Has ``on_revoked`` called, once, when a token is revoked."""
        self._watchers[token_id].add(on_revoked)

    def unwatch(self, token_id: str, on_revoked: Callable[[], None]) -> None:
        """Ends a watch."""
        watchers = self._watchers.get(token_id)
        if watchers is not None:
            watchers.discard(on_revoked)
            if not watchers:
                del self._watchers[token_id]

    async def _read_after(self, present: asyncio.Task[None] | None) -> None:
        if present is not None:
            await asyncio.gather(present, return_exceptions=True)
            pause = self._read_at + _READ_EVERY_SECONDS - time.monotonic()
            await asyncio.sleep(max(0.0, pause))
        # Who asks from here on needs another read.
        self._present, self._next = self._next, None
        mark = self._changes.mark()
        started = time.monotonic()
        extent = await self._table.extent()
        if extent != self._extent:
            self._take(await self._table.all())
            self._extent = extent
        self._mark = self._seen = mark
        self._seen_at = self._read_at = started

    def _take(self, tokens: list[StoredToken]) -> None:
        self._tokens = {token.token_id: token for token in tokens}
        self._callers.clear()
        for token_id in list(self._watchers):
            token = self._tokens.get(token_id)
            if token is None or token.revoke_time_us is not None:
                for on_revoked in self._watchers.pop(token_id):
                    on_revoked()

    async def _look(self) -> None:
        is_away = False
        while True:
            await _first_of(self._is_changed.wait(), LOOK_EVERY_SECONDS)
            self._is_changed.clear()
            try:
                await self.renew()
            except StoreError as error:
                if not is_away:
                    _logger.warning(
                        "the API tokens cannot be read; those that are known are good for another "
                        "%d minutes: %s",
                        TRUSTED_SECONDS // 60,
                        error,
                    )
                is_away = True
            else:
                is_away = False


async def _first_of(waiting: Coroutine[Any, Any, object], seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return
