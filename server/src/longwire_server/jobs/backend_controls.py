"""What operators have set for the hosted backends, on this server and others of its store."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from longwire.v1.backend_status_pb2 import BackendStatus
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.refusals import argument_invalid
from longwire_server.store.account_changes import Mark
from longwire_server.store.backend_control_table import BackendControl, BackendControlTable
from longwire_server.store.job_store import StoreError

_logger = logging.getLogger(__name__)

_STATUS_MSG_CHARACTERS = 256
# How soon a server does what was set on another one.
_LOOK_EVERY_SECONDS = 1.0
# It is read again so often whether or not a change became known.
_LOOKS_PER_REFRESH = 10


class BackendControls:
    """Pauses backends, and says what their status tells.

    Args:
        table: what was set.
        directory: the hosted backends.
        dispatcher: the queue in front of their workers.
    """

    def __init__(
        self, table: BackendControlTable, directory: BackendDirectory, dispatcher: Dispatcher
    ) -> None:
        self._table = table
        self._directory = directory
        self._dispatcher = dispatcher
        self._controls: dict[str, BackendControl] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Does what was set, now and whenever another server has set something.

        Raises:
            StoreError: the store could not be read.
        """
        mark = self._table.mark()
        await self.refresh()
        self._refreshing = asyncio.create_task(self._keep_refreshing(mark))

    async def stop(self) -> None:
        """Does so no more."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing

    async def pause(self, backend_name: str, *, is_paused: bool) -> BackendStatus:
        """Begins no more jobs on a backend, or begins them again; returns its status.

        Raises:
            RequestRefusedError: no backend has this name.
            StoreError: it could not be written.
        """
        self._directory.require_hosted(backend_name)
        await self._table.pause(backend_name, is_paused=is_paused)
        await self.refresh()
        return self._directory.present_status(backend_name)

    async def set_status_msg(self, backend_name: str, status_msg: str) -> BackendStatus:
        """Sets what a backend's status tells, empty for its own words; returns its status.

        Raises:
            RequestRefusedError: no backend has this name, or the text cannot be told.
            StoreError: it could not be written.
        """
        self._directory.require_hosted(backend_name)
        if len(status_msg) > _STATUS_MSG_CHARACTERS:
            raise argument_invalid(
                "status_msg",
                f"it has {len(status_msg)} characters; at most {_STATUS_MSG_CHARACTERS} fit",
            )
        if not status_msg.isprintable():
            raise argument_invalid(
                "status_msg", "it has line breaks or control characters; leave them out"
            )
        await self._table.set_status_msg(backend_name, status_msg)
        await self.refresh()
        return self._directory.present_status(backend_name)

    async def refresh(self) -> None:
        """Reads what was set, and does it.

        Raises:
            StoreError: the store could not be read.
        """
        before = self._controls
        self._controls = {control.backend_name: control for control in await self._table.all()}
        for name in self._directory.names:
            control = self._controls.get(name, BackendControl(name))
            if control == before.get(name, BackendControl(name)):
                continue
            self._directory.set_control(control)
            self._dispatcher.pause(name, is_paused=control.is_paused)
            _logger.info("backend %s is %s", name, "paused" if control.is_paused else "not paused")

    async def _keep_refreshing(self, last: Mark) -> None:
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            looks += 1
            present = self._table.mark()
            if present == last and looks % _LOOKS_PER_REFRESH:
                continue
            try:
                await self.refresh()
            except StoreError as error:
                _logger.warning("what is set for backends cannot be read: %s", error)
            else:
                last = present
