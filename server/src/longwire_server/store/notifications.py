"""PostgreSQL's LISTEN and NOTIFY: what one server wrote, the others hear at once.

A notice is a hint, never the news itself: who hears it reads the row. One that is lost,
with its connection, only makes others learn of a change a little later.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from longwire_server.store.database import Database, cause_in_words
from longwire_server.store.job_store import StoreError

_logger = logging.getLogger(__name__)

_CHANNEL = "longwire_jobs"
# How soon the listening thread finds out that it is to end.
_LISTENING_SECONDS = 0.5
_RECONNECT_SECONDS = 1.0


def notify(server_id: str, job_id: str, cursor: DBAPICursor, *, channel: str = _CHANNEL) -> None:
    """Tells every other server on the database, when the transaction commits, of a change."""
    cursor.execute("SELECT pg_notify(%s, %s)", (channel, f"{server_id} {job_id}"))


class Notifications:
    """Listens on a connection of its own, in a thread.

    Args:
        database: a PostgreSQL database.
        server_id: whose own notices are left out.
        on_change: called on the event loop with the id of every job that another server
            has changed; with None where notices may have been missed.
        channel: which notices: those of jobs by default.
    """

    def __init__(
        self,
        database: Database,
        server_id: str,
        on_change: Callable[[str | None], None],
        *,
        channel: str = _CHANNEL,
    ) -> None:
        self._database = database
        self._server_id = server_id
        self._on_change = on_change
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name="longwire-listen", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        await self._loop.run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        driver_error = self._database.engine.dialect.loaded_dbapi.Error
        while not self._stopping.is_set():
            try:
                self._listen()
            except (sa.exc.SQLAlchemyError, driver_error, StoreError, OSError) as error:
                if not self._is_away:
                    _logger.warning(
                        "the database tells of no changes, and is asked again until it does: %s",
                        cause_in_words(error),
                    )
                self._is_away = True
                self._stopping.wait(_RECONNECT_SECONDS)

    def _listen(self) -> None:
        connection = self._database.engine.raw_connection()
        driver: Any = connection.driver_connection
        try:
            connection.detach()
            driver.autocommit = True
            with closing(driver.cursor()) as cursor:
                cursor.execute(f"LISTEN {self._channel}")
            if self._is_away:
                _logger.info("the database tells of changes again")
            self._is_away = False
            self._tell(None)
            while not self._stopping.is_set():
                for notice in driver.notifies(timeout=_LISTENING_SECONDS):
                    teller, _, job_id = notice.payload.partition(" ")
                    if teller != self._server_id:
                        self._tell(job_id)
        finally:
            driver.close()

    def _tell(self, job_id: str | None) -> None:
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._on_change, job_id)
