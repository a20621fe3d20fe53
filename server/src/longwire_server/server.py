"""The composition root: builds a server of its parts, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence

import grpc
import grpc.aio
import uvloop
from grpc_health.v1 import health_pb2_grpc

from longwire.v1.backend_service_pb2_grpc import add_BackendServiceServicer_to_server
from longwire.v1.job_service_pb2_grpc import add_JobServiceServicer_to_server
from longwire_server.backends.registry import backend_specs
from longwire_server.backends.spec import BackendSpec
from longwire_server.config.address import split_address
from longwire_server.config.model import ServerConfig
from longwire_server.execution.local_executor import LocalExecutor
from longwire_server.failpoints import failpoint
from longwire_server.interceptors.errors import ErrorInterceptor
from longwire_server.jobs.admission import AdmissionLimits
from longwire_server.jobs.attempt_policy import AttemptPolicy
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.manager import JobManager
from longwire_server.jobs.retention import Retention, RetentionLimits
from longwire_server.servicers.backend_service import BackendServicer
from longwire_server.servicers.health_service import HealthServicer
from longwire_server.servicers.job_service import JobServicer
from longwire_server.store.data_dir_lock import DataDirLock
from longwire_server.store.payload_files import PayloadFiles
from longwire_server.store.server_id import server_id
from longwire_server.store.sql_job_store import SqlJobStore

_logger = logging.getLogger(__name__)

_SERVICES = ("longwire.v1.BackendService", "longwire.v1.JobService")
# Calls that are neither watches nor long end within this time after the drain.
_LAST_CALLS_SECONDS = 2.0


class CannotServeError(Exception):
    """The server cannot start; the message says why and what to do."""


class Server:
    """A Longwire server in this event loop.

    Args:
        config: the whole configuration.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        specs = backend_specs(config)
        pools = [pool for pool in config.pools if any(spec.pool == pool.name for spec in specs)]
        limits = config.limits
        self._store = _store(config)
        # A database in a file of another directory belongs to one server, too.
        folders = {config.server.data_dir.resolve(), self._store.folder}
        self._locks = [DataDirLock(folder) for folder in folders if folder is not None]
        self._executor = LocalExecutor(pools, specs, result_bytes=limits.result_bytes)
        self._directory = BackendDirectory(specs, program_bytes=limits.program_bytes)
        self._dispatcher = Dispatcher(
            self._executor,
            pool_of={spec.name: spec.pool for spec in specs},
            on_pending=self._directory.changed,
        )
        self._programs = KeptPrograms(
            self._store,
            kept_hours=limits.programs_kept_hours,
            kept_bytes=limits.programs_bytes,
        )
        kept = _retention_limits(config)
        self._retention = Retention(self._store, kept)
        self._manager = JobManager(
            self._store,
            self._store.servers,
            self._programs,
            self._directory,
            self._dispatcher,
            limits=AdmissionLimits(limits.program_bytes, limits.queued_jobs),
            policies=_policies(config, specs),
            retention=kept,
            lease_seconds=config.server.lease_seconds,
            inline_result_bytes=limits.inline_result_bytes,
        )
        self._health = HealthServicer(_SERVICES)
        self._grpc = grpc.aio.server(
            interceptors=[ErrorInterceptor()],
            options=[
                ("grpc.max_receive_message_length", limits.request_bytes),
                ("grpc.max_send_message_length", -1),
                # Otherwise a second server on the same port takes half of the
                # connections without a word.
                ("grpc.so_reuseport", 0),
                # Clients ping every 15 s while they wait for a job.
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ],
        )
        add_BackendServiceServicer_to_server(BackendServicer(self._directory), self._grpc)
        add_JobServiceServicer_to_server(JobServicer(self._manager), self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)

    async def start(self) -> str:
        """Starts to serve.

        Returns:
            The address, ``HOST:PORT``, with the real port where 0 was asked for.

        Raises:
            CannotServeError: the address is taken or not this machine's.
            StoreError: the store cannot be opened, or another server has it.
        """
        host, _ = split_address(self._config.server.address)
        try:
            port = self._grpc.add_insecure_port(self._config.server.address)
        except RuntimeError as error:
            raise CannotServeError(
                f"cannot listen on {self._config.server.address}: the port is taken, or the host "
                "is not this machine's; stop the other server, or choose another --address"
            ) from error
        if self._config.server.insecure:
            _logger.warning("insecure = true: anybody who reaches this address can run jobs")
        for lock in self._locks:
            lock.acquire()
        await self._store.open()
        await self._manager.start(server_id(self._config.server.data_dir))
        self._programs.start()
        self._retention.start()
        self._directory.start(self._executor, self._dispatcher.pending)
        await self._grpc.start()
        self._health.set_serving(True)
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{port}"

    async def stop(self) -> None:
        """Drains, then stops: no new jobs, running ones end within the grace period.

        Queued jobs stay in the store and are taken up by the next start. Those
        who watch a job are told to resume.
        """
        failpoint("server.drain.before")
        self._health.set_serving(False)
        _logger.info("draining: running jobs have %g s", self._config.server.drain_grace_seconds)
        await self._manager.drain(self._config.server.drain_grace_seconds)
        failpoint("server.drain.after")
        await self._grpc.stop(_LAST_CALLS_SECONDS)
        self._directory.stop()
        await self._programs.stop()
        await self._retention.stop()
        await self._executor.stop()
        await self._store.close()
        for lock in self._locks:
            lock.release()
        _logger.info("stopped")


def _store(config: ServerConfig) -> SqlJobStore:
    files = PayloadFiles(
        config.payloads_url,
        above_bytes=config.store.file_above_bytes,
        options=config.store.payloads_options,
        waits_for_disk=config.store.durability == "power",
    )
    return SqlJobStore(config.store_url, durability=config.store.durability, files=files)


def _policies(config: ServerConfig, specs: Sequence[BackendSpec]) -> dict[str, AttemptPolicy]:
    """How often and how long jobs are tried, by backend."""
    return {
        spec.name: AttemptPolicy(
            backend_name=spec.name,
            max_attempts=spec.max_attempts,
            backend_limit_seconds=spec.time_limit_seconds,
            pool_limit_seconds=config.pool(spec.pool).time_limit_seconds,
        )
        for spec in specs
    }


def _retention_limits(config: ServerConfig) -> RetentionLimits:
    section = config.retention
    return RetentionLimits(
        results_days=section.results_days,
        results_bytes=section.results_bytes,
        jobs_days=section.jobs_days,
        jobs=section.jobs,
    )


async def serve(config: ServerConfig, on_listening: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
        config: the whole configuration.
        on_listening: called with the address when the server can serve.
    """
    server = Server(config)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopping.set)
    on_listening(await server.start())
    await stopping.wait()
    await server.stop()


def run(config: ServerConfig, on_listening: Callable[[str], None]) -> None:
    """Serves on uvloop until SIGTERM or SIGINT; see :func:`serve`."""
    uvloop.run(serve(config, on_listening))
