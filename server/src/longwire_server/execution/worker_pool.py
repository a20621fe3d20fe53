"""A fixed number of worker processes that are replaced when they die."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from longwire_server.execution.executor import BackendLoadError
from longwire_server.execution.frames_pb2 import BackendLoaded, WorkerSettings
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
    """

    def __init__(
        self, name: str, processes: int, settings: WorkerSettings, on_idle: Callable[[], None]
    ) -> None:
        self._name = name
        self._settings = settings
        self._on_idle = on_idle
        self._alive: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._wanted: deque[asyncio.Future[WorkerProcess]] = deque()
        # What the backends' Targets are by now, for workers that were not asked.
        self._targets: dict[str, bytes] = {}
        self._failed_starts = 0
        self._starting = {asyncio.create_task(self._start_worker()) for _ in range(processes)}

    def take(self, backend_name: str) -> WorkerProcess | None:
        """An idle worker, one that has the backend loaded if there is any."""
        usable = [worker for worker in self._idle if worker.is_usable]
        if not usable:
            return None
        loaded = [worker for worker in usable if backend_name in worker.loaded]
        worker = (loaded or usable)[-1]
        self._idle.remove(worker)
        # Whoever takes it for a backend has it load that.
        worker.loaded.add(backend_name)
        worker.target_sha256 = self._targets.get(backend_name, b"")
        return worker

    def release(self, worker: WorkerProcess) -> None:
        """Gives back a worker; one that has died or is about to is not taken back."""
        if worker not in self._alive or not worker.is_usable:
            return
        while self._wanted:
            wanted = self._wanted.popleft()
            if not wanted.done():
                wanted.set_result(worker)
                return
        self._idle.append(worker)
        self._on_idle()

    async def describe(self, backend_name: str) -> BackendLoaded:
        """Loads a backend in the next worker that is free.

        Raises:
            BackendLoadError: it cannot be loaded.
        """
        worker = self.take(backend_name)
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
        worker = self.take(backend_name)
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
        workers, self._alive = self._alive, set()
        await asyncio.gather(*(worker.stop() for worker in workers))

    async def _start_worker(self) -> None:
        while True:
            pauses = _RESTART_PAUSES_SECONDS
            await asyncio.sleep(pauses[min(self._failed_starts, len(pauses) - 1)])
            worker = WorkerProcess(self._settings, self._on_worker_exit)
            try:
                await worker.start()
            except (WorkerDiedError, OSError) as error:
                self._note_failed_start(error)
            except asyncio.CancelledError:
                worker.kill()
                raise
            except Exception:
                _logger.exception("pool %s: an exception that nothing expected", self._name)
                self._failed_starts += 1
            else:
                break
        self._failed_starts = 0
        self._alive.add(worker)
        _logger.info("pool %s: worker %d is ready", self._name, worker.pid)
        self.release(worker)

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
        task = asyncio.create_task(self._start_worker())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
