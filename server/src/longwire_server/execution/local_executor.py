"""Workers as processes of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from longwire_server.backends.registry import is_simulation
from longwire_server.backends.spec import BackendSpec
from longwire_server.config.model import PoolSection
from longwire_server.execution.executor import Executor, Worker
from longwire_server.execution.frames_pb2 import BackendLoaded, WorkerSettings
from longwire_server.execution.worker_directories import WorkerDirectories
from longwire_server.execution.worker_pool import WorkerPool
from longwire_server.execution.worker_process import WorkerProcess

# Backends that a worker keeps loaded. What one takes to load again is more than a small job
# does; the model of a device of 127 qubits takes 81 MiB, each further one 7.5.
_LOADED_BACKENDS = 64


class LocalExecutor(Executor):
    """Keeps a pool of worker processes for each pool of the configuration.

    Args:
        pools: the pools of the configuration.
        specs: the backends; a pool's workers may load those that name it.
        result_bytes: the largest encoded result.
        hidden_paths: files and directories of the server's that no worker may open.
    """

    def __init__(
        self,
        pools: Sequence[PoolSection],
        specs: Sequence[BackendSpec],
        *,
        result_bytes: int,
        hidden_paths: Sequence[Path] = (),
    ) -> None:
        self._configs = pools
        self._specs = specs
        self._result_bytes = result_bytes
        self._hidden_paths = [str(path) for path in hidden_paths]
        self._directories = WorkerDirectories()
        self._pools: dict[str, WorkerPool] = {}

    async def start(self, on_idle: Callable[[str], None]) -> None:
        """See :meth:`Executor.start`."""
        for config in self._configs:
            self._pools[config.name] = WorkerPool(
                config.name,
                config.processes,
                self._settings(config),
                partial(on_idle, config.name),
                directories=self._directories,
                keeps_tenants_apart=config.isolation == "tenant",
            )

    def _settings(self, config: PoolSection) -> WorkerSettings:
        specs = [spec for spec in self._specs if spec.pool == config.name]
        # A driver talks to its device; a simulation to nobody.
        is_driven = not all(is_simulation(spec.target) for spec in specs)
        limit_seconds = config.processor_seconds or config.time_limit_seconds * config.threads
        return WorkerSettings(
            backend_specs=[spec.to_json() for spec in specs],
            threads=config.threads,
            memory_limit_mb=config.memory_limit_mb or 0,
            loaded_backends=_LOADED_BACKENDS,
            result_bytes=self._result_bytes,
            network=is_driven if config.network is None else config.network,
            subprocesses=is_driven if config.subprocesses is None else config.subprocesses,
            hidden_paths=self._hidden_paths,
            processor_seconds=limit_seconds,
            sandbox=config.sandbox,
            paths_read=[str(path) for path in config.paths_read],
            paths_write=[str(path) for path in config.paths_write],
        )

    def take(self, pool: str, backend_name: str, tenant: str) -> WorkerProcess | None:
        """See :meth:`Executor.take`."""
        return self._pools[pool].take(backend_name, tenant)

    def take_beside(self, pool: str, backend_name: str, tenant: str) -> WorkerProcess | None:
        """See :meth:`Executor.take_beside`."""
        return self._pools[pool].take_beside(backend_name, tenant)

    def replacement_seconds(self, pool: str, worker: Worker) -> float:
        """See :meth:`Executor.replacement_seconds`."""
        assert isinstance(worker, WorkerProcess)
        return 0.0 if worker.is_usable else self._pools[pool].start_seconds

    def release(self, pool: str, worker: Worker) -> None:
        """See :meth:`Executor.release`."""
        assert isinstance(worker, WorkerProcess)
        self._pools[pool].release(worker)

    async def describe(self, pool: str, backend_name: str) -> BackendLoaded:
        """See :meth:`Executor.describe`."""
        return await self._pools[pool].describe(backend_name)

    async def describe_again(self, pool: str, backend_name: str) -> BackendLoaded | None:
        """See :meth:`Executor.describe_again`."""
        return await self._pools[pool].describe_again(backend_name)

    async def stop(self) -> None:
        """See :meth:`Executor.stop`."""
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))
        self._directories.close()
