"""A fixed number of worker processes that are replaced when they die."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from longwire_server.execution.executor import BackendLoadError
from longwire_server.execution.frames_pb2 import BackendLoaded, WorkerSettings
from longwire_server.execution.worker_directories import WorkerDirectories
from longwire_server.execution.worker_process import WorkerDiedError, WorkerProcess

_logger = logging.getLogger(__name__)

# A worker that dies while it starts is started again after these pauses.
_RESTART_PAUSES_SECONDS = (0.0, 0.5, 2.0, 10.0, 30.0)
# So many failed starts in a row are told to those who wait for a worker.
_FAILED_STARTS_TOLD = 3
# A driver that takes longer to describe its loaded backend again does not answer.
_DESCRIBE_AGAIN_SECONDS = 60.0


class WorkerPool:
    """The workers of one pool.

    Args:
        name: the pool's name, for the log.
        processes: how many workers it keeps.
        settings: what each of them may load and use.
        on_idle: called whenever a worker became idle.
        directories: gives each worker its private directory.
        keeps_tenants_apart: whether a worker that has run a job of one tenant never
            runs one of another. The pool then keeps one worker more, which has run
            nothing: it takes the place of the one that is replaced.

    Attributes:
        start_seconds: how long the last start of a worker took.
    """

    def __init__(
        self,
        name: str,
        processes: int,
        settings: WorkerSettings,
        on_idle: Callable[[], None],
        *,
        directories: WorkerDirectories | None = None,
        keeps_tenants_apart: bool = False,
    ) -> None:
        self._name = name
        self._processes = processes
        self._settings = settings
        self._on_idle = on_idle
        self._directories = directories or WorkerDirectories()
        self._apart = keeps_tenants_apart
        self._alive: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._spare: WorkerProcess | None = None
        # Tenants for whom a worker of another was, or is to be, replaced.
        self._waiting: set[str] = set()
        # Replaced workers that are not gone yet.
        self._leaving: set[WorkerProcess] = set()
        self._wanted: deque[asyncio.Future[WorkerProcess]] = deque()
        # What the backends' Targets are by now, for workers that were not asked.
        self._targets: dict[str, bytes] = {}
        self._last_backend = ""
        self.start_seconds = 0.0
        self._failed_starts = 0
        self._has_warned = False
        self._starting: set[asyncio.Task[None]] = set()
        for _ in range(processes + (1 if keeps_tenants_apart else 0)):
            self._start_another()

    def take(self, backend_name: str, tenant: str) -> WorkerProcess | None:
        """An idle worker for a job of a tenant, best one that has the backend loaded."""
        worker = self.take_beside(backend_name, tenant)
        if worker is None:
            return self._exchange(backend_name, tenant) if self._apart else None
        self._waiting.discard(tenant)
        return worker

    def take_beside(self, backend_name: str, tenant: str) -> WorkerProcess | None:
        """The same, but for what can do without: no worker is replaced for it."""
        usable = [worker for worker in self._idle if worker.is_usable]
        if self._apart:
            own = [worker for worker in usable if worker.tenant == tenant]
            usable = own or [worker for worker in usable if worker.tenant is None]
        if not usable:
            return None
        worker = self._best(usable, backend_name)
        self._idle.remove(worker)
        return self._lent(worker, backend_name, tenant)

    def _exchange(self, backend_name: str, tenant: str) -> WorkerProcess | None:
        """A worker that has run nothing, in the place of an idle one of another tenant."""
        others = [worker for worker in self._idle if worker.is_usable]
        if not others:
            return None
        fresh = self._spare
        if fresh is not None and fresh.is_usable:
            self._spare = None
            self._retire(others[0])
            self._waiting.discard(tenant)
            return self._lent(fresh, backend_name, tenant)
        self._waiting.add(tenant)
        if len(self._starting) < len(self._waiting):
            self._retire(others[0])
        return None

    def _retire(self, worker: WorkerProcess) -> None:
        self._idle.remove(worker)
        self._alive.remove(worker)
        self._leaving.add(worker)
        worker.kill()
        self._start_another()

    @staticmethod
    def _best(usable: list[WorkerProcess], backend_name: str) -> WorkerProcess:
        loaded = [worker for worker in usable if backend_name in worker.loaded]
        return (loaded or usable)[-1]

    def _lent(self, worker: WorkerProcess, backend_name: str, tenant: str | None) -> WorkerProcess:
        # Whoever takes it for a backend has it load that.
        worker.loaded.add(backend_name)
        worker.target_sha256 = self._targets.get(backend_name, b"")
        if tenant is not None:
            worker.tenant = tenant
            self._last_backend = backend_name
        return worker

    def release(self, worker: WorkerProcess) -> None:
        """Gives back a worker; one that has died or is about to is not taken back."""
        if worker not in self._alive or not worker.is_usable:
            return
        while self._wanted and not (self._apart and worker.tenant is not None):
            wanted = self._wanted.popleft()
            if not wanted.done():
                wanted.set_result(worker)
                return
        if self._is_spare(worker):
            self._spare = worker
            self._on_idle()
            if self._spare is worker:
                # Nobody waited for it.
                self._waiting.clear()
            return
        self._idle.append(worker)
        self._on_idle()

    def _is_spare(self, worker: WorkerProcess) -> bool:
        """Whether a worker that is given back is the one beyond those that run jobs."""
        is_one_more = len(self._alive) > self._processes and self._spare is None
        return self._apart and worker.tenant is None and is_one_more

    async def describe(self, backend_name: str) -> BackendLoaded:
        """Loads a backend in the next worker that is free.

        Raises:
            BackendLoadError: it cannot be loaded.
        """
        worker = self._take_to_describe(backend_name)
        if worker is None:
            wanted: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()
            self._wanted.append(wanted)
            worker = await wanted
            worker.loaded.add(backend_name)
        try:
            return await self._described(worker, backend_name)
        finally:
            self.release(worker)

    async def describe_again(self, backend_name: str) -> BackendLoaded | None:
        """Describes a backend in an idle worker, best one that has it loaded.

        Returns:
            The description, or None where no worker is idle.

        Raises:
            BackendLoadError: it cannot be described.
        """
        worker = self._take_to_describe(backend_name)
        if worker is None:
            return None
        try:
            async with asyncio.timeout(_DESCRIBE_AGAIN_SECONDS):
                return await self._described(worker, backend_name)
        except TimeoutError:
            # Whatever it waits for keeps it from jobs.
            worker.kill()
            raise BackendLoadError(
                f"its driver did not describe it within {_DESCRIBE_AGAIN_SECONDS:g} s",
                ended_worker=True,
            ) from None
        finally:
            self.release(worker)

    def _take_to_describe(self, backend_name: str) -> WorkerProcess | None:
        """An idle worker; where tenants are kept apart, one that has run no job.

        What a worker says of a backend is told to everybody.
        """
        usable = [worker for worker in self._idle if worker.is_usable]
        if self._apart:
            usable = [worker for worker in usable if worker.tenant is None]
        if usable:
            worker = self._best(usable, backend_name)
            self._idle.remove(worker)
        elif self._spare is not None and self._spare.is_usable:
            worker, self._spare = self._spare, None
        else:
            return None
        return self._lent(worker, backend_name, None)

    async def _described(self, worker: WorkerProcess, backend_name: str) -> BackendLoaded:
        described = await worker.describe(backend_name)
        self._targets[backend_name] = described.target.sha256
        return described

    async def stop(self) -> None:
        """Ends every worker."""
        starting, self._starting = self._starting, set()
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        workers, self._alive = self._alive | self._leaving, set()
        await asyncio.gather(*(worker.stop() for worker in workers))

    def _start_another(self) -> None:
        task = asyncio.create_task(self._start_worker())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start_worker(self) -> None:
        while True:
            pauses = _RESTART_PAUSES_SECONDS
            await asyncio.sleep(pauses[min(self._failed_starts, len(pauses) - 1)])
            worker = WorkerProcess(self._settings, self._on_worker_exit, self._directories)
            begun = time.monotonic()
            try:
                await worker.start()
                await self._warm(worker)
                self.start_seconds = time.monotonic() - begun
            except (WorkerDiedError, OSError) as error:
                self._note_failed_start(error)
            except asyncio.CancelledError:
                await worker.stop()
                raise
            except Exception:
                _logger.exception("pool %s: an exception that nothing expected", self._name)
                self._failed_starts += 1
            else:
                break
        self._failed_starts = 0
        self._alive.add(worker)
        _logger.info("pool %s: worker %d is ready", self._name, worker.pid)
        if worker.not_enforced and not self._has_warned:
            self._has_warned = True
            _logger.warning("pool %s: its sandbox is weaker than it could be", self._name)
            for unmet in worker.not_enforced:
                _logger.warning("pool %s: %s", self._name, unmet)
        self.release(worker)

    async def _warm(self, worker: WorkerProcess) -> None:
        """Has a worker that is to wait for a tenant load what was asked for last."""
        if self._apart and self._last_backend:
            try:
                await worker.describe(self._last_backend, prepare=True)
            except BackendLoadError as error:
                # The job that wants it is told.
                _logger.info("pool %s: %s", self._name, error)
            else:
                worker.loaded.add(self._last_backend)

    def _note_failed_start(self, error: Exception) -> None:
        self._failed_starts += 1
        _logger.error("pool %s: a worker did not start: %s", self._name, error)
        if self._failed_starts >= _FAILED_STARTS_TOLD:
            while self._wanted:
                wanted = self._wanted.popleft()
                if not wanted.done():
                    wanted.set_exception(
                        BackendLoadError(f"no worker of pool {self._name} starts: {error}")
                    )

    def _on_worker_exit(self, worker: WorkerProcess) -> None:
        self._leaving.discard(worker)
        if worker not in self._alive:
            return
        self._alive.remove(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        _logger.warning(
            "pool %s: worker %d ended (%s), starting another",
            self._name,
            worker.pid,
            worker.end,
        )
        self._start_another()
        spare, self._spare = self._spare, None
        if spare is not None and spare is not worker:
            # It takes the place at once.
            self.release(spare)
