"""What the hosted backends are, and how they are at this moment."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from longwire.v1.backend_pb2 import Backend
from longwire.v1.backend_status_pb2 import BackendStatus
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution.executor import BackendLoadError, Executor
from longwire_server.execution.frames_pb2 import BackendLoaded
from longwire_server.refusals import backend_not_found, backend_not_operational

_logger = logging.getLogger(__name__)

# Changes of status that come faster are told together.
_TELL_EVERY_SECONDS = 0.1


@dataclasses.dataclass(slots=True)
class _Entry:
    spec: BackendSpec
    described: asyncio.Task[BackendLoaded] | None = None
    watchers: set[asyncio.Event] = dataclasses.field(default_factory=set)


class BackendDirectory:
    """The hosted backends by name, in the order of the configuration.

    Args:
        specs: the backends.
        program_bytes: the largest program that the server takes.
    """

    def __init__(self, specs: Sequence[BackendSpec], *, program_bytes: int) -> None:
        self._entries = {spec.name: _Entry(spec) for spec in specs}
        self._program_bytes = program_bytes
        self._pending: Callable[[str], int] = lambda _name: 0
        self._draining = False

    def start(self, executor: Executor, pending: Callable[[str], int]) -> None:
        """Has workers load and describe every backend.

        Args:
            executor: where the workers are.
            pending: how many jobs wait for a backend.
        """
        self._pending = pending
        for name, entry in self._entries.items():
            entry.described = asyncio.create_task(self._describe(executor, entry.spec))
            entry.described.add_done_callback(partial(self._on_described, name))

    async def _describe(self, executor: Executor, spec: BackendSpec) -> BackendLoaded:
        try:
            loaded = await executor.describe(spec.pool, spec.name)
        except BackendLoadError as error:
            _logger.error("backend %s is not operational: %s", spec.name, error)
            raise
        loaded.backend.max_program_bytes = self._program_bytes
        _logger.info("backend %s is ready", spec.name)
        return loaded

    def _on_described(self, name: str, task: asyncio.Task[BackendLoaded]) -> None:
        if not task.cancelled():
            # Looked at here so that a failure counts as seen; callers get it from the task.
            task.exception()
            self.changed(name)

    def stop(self) -> None:
        """Stops waiting for descriptions."""
        for entry in self._entries.values():
            if entry.described is not None:
                entry.described.cancel()

    def drain(self) -> None:
        """Shows every backend as not operational: the server shuts down."""
        self._draining = True
        for name in self._entries:
            self.changed(name)

    def require_runnable(self, name: str) -> None:
        """Refuses a backend that does not exist or has failed to load.

        Raises:
            RequestRefusedError: no backend has this name, or it is not operational.
        """
        task = self._entry(name).described
        if task is not None and task.done() and (error := task.exception()) is not None:
            raise backend_not_operational(name, str(error))

    async def description(self, name: str) -> BackendLoaded:
        """What a backend is; waits until it is loaded.

        Raises:
            RequestRefusedError: no backend has this name, or it failed to load.
        """
        try:
            return await self._described(self._entry(name))
        except BackendLoadError as error:
            raise backend_not_operational(name, str(error)) from error

    async def backend(self, name: str) -> Backend:
        """A backend with its present status.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        entry = self._entry(name)
        backend = Backend(name=name, description=entry.spec.description or "")
        try:
            backend.CopyFrom((await self._described(entry)).backend)
        except BackendLoadError as error:
            backend.status.CopyFrom(_failed_status(name, error))
        self._show_present(backend.status)
        return backend

    async def backends(self) -> list[Backend]:
        """All backends with their present status."""
        return [await self.backend(name) for name in self._entries]

    async def status(self, name: str) -> BackendStatus:
        """The present status of a backend.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        entry = self._entry(name)
        status = BackendStatus()
        try:
            status.CopyFrom((await self._described(entry)).backend.status)
        except BackendLoadError as error:
            status.CopyFrom(_failed_status(name, error))
        self._show_present(status)
        return status

    async def watch_status(self, name: str) -> AsyncIterator[BackendStatus]:
        """The status of a backend now and after every change.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        entry = self._entry(name)
        changed = asyncio.Event()
        entry.watchers.add(changed)
        try:
            told: BackendStatus | None = None
            while True:
                changed.clear()
                status = await self.status(name)
                if status != told:
                    yield status
                    told = status
                await changed.wait()
                await asyncio.sleep(_TELL_EVERY_SECONDS)
        finally:
            entry.watchers.discard(changed)

    def changed(self, name: str) -> None:
        """Has the watchers of a backend look at its status again."""
        for watcher in self._entries[name].watchers:
            watcher.set()

    def _show_present(self, status: BackendStatus) -> None:
        status.pending_jobs = self._pending(status.backend_name)
        if self._draining:
            status.operational = False
            status.status_msg = "the server is shutting down"

    def _entry(self, name: str) -> _Entry:
        entry = self._entries.get(name)
        if entry is None:
            raise backend_not_found(name, list(self._entries))
        return entry

    async def _described(self, entry: _Entry) -> BackendLoaded:
        assert entry.described is not None, "the directory has not been started"
        if entry.described.done():
            return entry.described.result()
        # Shielded: a caller that goes away must not cancel the load for all.
        return await asyncio.shield(entry.described)


def _failed_status(name: str, error: BackendLoadError) -> BackendStatus:
    return BackendStatus(
        backend_name=name, backend_version="0.0.0", operational=False, status_msg=str(error)
    )
