"""What the hosted backends are, and how they are at this moment."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

from longwire.v1.backend_pb2 import Backend
from longwire.v1.backend_status_pb2 import BackendStatus
from longwire.v1.target_pb2 import EncodedTarget
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution.executor import BackendLoadError, Executor
from longwire_server.execution.frames_pb2 import BackendLoaded
from longwire_server.refusals import backend_not_found, backend_not_operational
from longwire_server.store.backend_control_table import BackendControl

_logger = logging.getLogger(__name__)

# Changes of status that come faster are told together.
_TELL_EVERY_SECONDS = 0.1
# Where no worker is idle when a backend is due to be described again, it is tried
# again after this time.
_BUSY_PAUSE_SECONDS = 0.5


@dataclasses.dataclass(slots=True)
class _Entry:
    spec: BackendSpec
    # Completes when the backend is described for the first time, or is not.
    first: asyncio.Future[None] | None = None
    # The last description that succeeded.
    loaded: BackendLoaded | None = None
    # Why the last attempt to describe it failed, where it did.
    error: BackendLoadError | None = None
    describing: asyncio.Task[None] | None = None
    # What operators have set for it.
    control: BackendControl | None = None
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
        for entry in self._entries.values():
            entry.first = asyncio.get_running_loop().create_future()
            entry.describing = asyncio.create_task(self._keep_described(executor, entry))

    async def _keep_described(self, executor: Executor, entry: _Entry) -> None:
        spec = entry.spec
        assert entry.first is not None
        try:
            await self._take_over(entry, executor.describe(spec.pool, spec.name))
            entry.first.set_result(None)
        finally:
            # Where the server stops before: nobody waits for ever.
            entry.first.cancel()
        ends_workers = entry.error is not None and entry.error.ended_worker
        if not spec.refresh_seconds or ends_workers:
            return
        pause = spec.refresh_seconds
        while True:
            await asyncio.sleep(pause)
            is_told = await self._take_over(entry, executor.describe_again(spec.pool, spec.name))
            # Where it is not, every worker is busy: jobs come first.
            pause = spec.refresh_seconds if is_told else _BUSY_PAUSE_SECONDS

    async def _take_over(self, entry: _Entry, description: Awaitable[BackendLoaded | None]) -> bool:
        """Takes over a description, or why there is none; False where nobody gave one."""
        try:
            loaded = await description
        except BackendLoadError as error:
            self._failed(entry, error)
        except Exception:
            _logger.exception("backend %s: an exception that nothing expected", entry.spec.name)
            self._failed(entry, BackendLoadError("the server has a defect; its log has more"))
        else:
            if loaded is None:
                return False
            self._described(entry, loaded)
        return True

    def _described(self, entry: _Entry, loaded: BackendLoaded) -> None:
        if entry.loaded is None or entry.error is not None:
            _logger.info("backend %s is ready", entry.spec.name)
        elif loaded.target.sha256 != entry.loaded.target.sha256:
            _logger.info("backend %s has another Target", entry.spec.name)
        loaded.backend.max_program_bytes = self._program_bytes
        entry.loaded, entry.error = loaded, None
        self.changed(entry.spec.name)

    def _failed(self, entry: _Entry, error: BackendLoadError) -> None:
        if entry.error is None or str(error) != str(entry.error):
            _logger.error("backend %s is not operational: %s", entry.spec.name, error)
        entry.error = error
        self.changed(entry.spec.name)

    def stop(self) -> None:
        """Stops describing backends, and waiting for it."""
        for entry in self._entries.values():
            if entry.describing is not None:
                entry.describing.cancel()

    def drain(self) -> None:
        """Shows every backend as not operational: the server shuts down."""
        self._draining = True
        for name in self._entries:
            self.changed(name)

    @property
    def runnable_names(self) -> list[str]:
        """The hosted backends, but for those that failed to load."""
        return [name for name, entry in self._entries.items() if not _has_failed(entry)]

    def require_runnable(self, name: str) -> None:
        """Refuses a backend that does not exist or has failed to load.

        Raises:
            RequestRefusedError: no backend has this name, or it is not operational.
        """
        entry = self._entry(name)
        if _has_failed(entry):
            raise backend_not_operational(name, str(entry.error))

    async def description(self, name: str) -> BackendLoaded:
        """What a backend is; waits until it is loaded.

        Raises:
            RequestRefusedError: no backend has this name, or it failed to load.
        """
        entry = self._entry(name)
        loaded = await self._first_description(entry)
        if loaded is None:
            raise backend_not_operational(name, str(entry.error)) from entry.error
        return loaded

    async def target(self, name: str, known_sha256: bytes) -> EncodedTarget:
        """A backend's Target, without its data where the caller knows it; waits as above.

        Raises:
            RequestRefusedError: no backend has this name, or it failed to load.
        """
        target = (await self.description(name)).target
        if known_sha256 != target.sha256:
            return target
        return EncodedTarget(compression=target.compression, sha256=target.sha256)

    def target_sha256(self, name: str) -> bytes:
        """The digest of a backend's Target as it is now; empty while it is not loaded.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        loaded = self._entry(name).loaded
        return b"" if loaded is None else loaded.target.sha256

    async def backend(self, name: str) -> Backend:
        """A backend with its present status.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        entry = self._entry(name)
        backend = Backend(name=name, description=entry.spec.description or "")
        loaded = await self._first_description(entry)
        if loaded is not None:
            backend.CopyFrom(loaded.backend)
        backend.status.CopyFrom(self._present_status(entry))
        backend.paused = _is_paused(entry)
        return backend

    async def backends(self, names: Iterable[str]) -> list[Backend]:
        """Some backends with their present status.

        Raises:
            RequestRefusedError: no backend has one of the names.
        """
        return [await self.backend(name) for name in names]

    @property
    def names(self) -> list[str]:
        """The hosted backends."""
        return list(self._entries)

    def require_hosted(self, name: str) -> None:
        """Refuses a backend that does not exist.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        self._entry(name)

    def set_control(self, control: BackendControl) -> None:
        """Takes over what operators have set for a backend, which its status tells."""
        self._entry(control.backend_name).control = control
        self.changed(control.backend_name)

    def is_paused(self, name: str) -> bool:
        """Whether an operator has paused a backend.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        return _is_paused(self._entry(name))

    def present_status(self, name: str) -> BackendStatus:
        """The status of a backend, also while it is not loaded.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        return self._present_status(self._entry(name))

    async def status(self, name: str) -> BackendStatus:
        """The status of a backend, once it is loaded.

        Raises:
            RequestRefusedError: no backend has this name.
        """
        entry = self._entry(name)
        await self._first_description(entry)
        return self._present_status(entry)

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

    def _present_status(self, entry: _Entry) -> BackendStatus:
        status = BackendStatus(backend_name=entry.spec.name, backend_version="0.0.0")
        if entry.loaded is not None:
            status.CopyFrom(entry.loaded.backend.status)
        status.pending_jobs = self._pending(entry.spec.name)
        if self._draining:
            status.operational = False
            status.status_msg = "the server is shutting down"
        elif entry.error is not None:
            status.operational = False
            status.status_msg = str(entry.error)
        elif entry.control is not None:
            status.status_msg = _told(entry.control) or status.status_msg
        return status

    def _entry(self, name: str) -> _Entry:
        entry = self._entries.get(name)
        if entry is None:
            raise backend_not_found(name, list(self._entries))
        return entry

    async def _first_description(self, entry: _Entry) -> BackendLoaded | None:
        """The description; waits for the first. None where there is none yet."""
        assert entry.first is not None, "the directory has not been started"
        if not entry.first.done():
            # Shielded: a caller that goes away must not cancel the load for all.
            await asyncio.shield(entry.first)
        return entry.loaded


def _told(control: BackendControl) -> str:
    """What a status tells of what operators have set; empty for nothing.

    A paused backend is operational: it takes jobs, which wait.
    """
    if not control.is_paused:
        return control.status_msg
    return f"paused: {control.status_msg or 'jobs are taken and wait'}"


def _is_paused(entry: _Entry) -> bool:
    return entry.control is not None and entry.control.is_paused


def _has_failed(entry: _Entry) -> bool:
    # One that was loaded and does not answer now may do so when the job's turn comes.
    return entry.loaded is None and entry.error is not None
