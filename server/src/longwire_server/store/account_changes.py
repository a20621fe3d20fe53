"""Tells a server at once when another process has changed the accounts.

With PostgreSQL a change is a notice (:mod:`longwire_server.store.notifications`). With
SQLite it is a file beside the database, which is put there anew: whoever wants to know
compares what the kernel says of it, which takes a microsecond.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.database import Database
from longwire_server.store.notifications import Notifications, notify

_logger = logging.getLogger(__name__)

_CHANNEL: Final = "longwire_accounts"
_FILE_SUFFIX: Final = ".accounts"
_LOOK_EVERY_SECONDS: Final = 0.25

Mark = tuple[int, int]
_NOTHING: Final[Mark] = (0, 0)


class AccountChanges:
    """Changes of accounts in one database, made by any process.

    Args:
        database: the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._teller = secrets.token_hex(8)
        self._num_notices = 0
        self._file: str | None = None
        path = database.engine.url.database
        if database.is_sqlite and path:
            self._file = str(Path(path).resolve()) + _FILE_SUFFIX
        self._looks: asyncio.Task[None] | None = None
        self._notifications: Notifications | None = None

    def mark(self) -> Mark:
        """Something that differs after every change that became known here."""
        if self._file is None:
            return (self._num_notices, 0)
        try:
            found = os.stat(self._file)  # noqa: PTH116 - a Path's own takes thrice as long
        except OSError:
            return _NOTHING
        return (found.st_mtime_ns, found.st_ino)

    def note(self, cursor: DBAPICursor) -> None:
        """Belongs into every transaction that changes accounts."""
        if not self._database.is_sqlite:
            notify(self._teller, "", cursor, channel=_CHANNEL)

    def tell(self) -> None:
        """Follows every commit that changed accounts."""
        if self._file is None:
            return
        # Renamed into place: the file may be another user's, the folder is not.
        fresh = f"{self._file}.{os.getpid()}-{secrets.token_hex(4)}"
        try:
            Path(fresh).touch()
            Path(fresh).replace(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                Path(fresh).unlink()
            _logger.warning(
                "a server on this database learns of the change some seconds later: %s", error
            )

    def listen(self, on_change: Callable[[], None]) -> None:
        """Has ``on_change`` called on the event loop soon after every change."""
        if self._database.is_sqlite:
            self._looks = asyncio.create_task(self._look(on_change))
            return

        def count(_notice: str | None) -> None:
            self._num_notices += 1
            on_change()

        self._notifications = Notifications(self._database, self._teller, count, channel=_CHANNEL)

    async def stop(self) -> None:
        """Listens no more."""
        looks, self._looks = self._looks, None
        if looks is not None:
            looks.cancel()
        notifications, self._notifications = self._notifications, None
        if notifications is not None:
            await notifications.stop()

    async def _look(self, on_change: Callable[[], None]) -> None:
        last = self.mark()
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            if (present := self.mark()) != last:
                last = present
                on_change()
