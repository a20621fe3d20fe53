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

from longwire.v1.account_service_pb2_grpc import add_AccountServiceServicer_to_server
from longwire.v1.admin_service_pb2_grpc import add_AdminServiceServicer_to_server
from longwire.v1.backend_service_pb2_grpc import add_BackendServiceServicer_to_server
from longwire.v1.call_service_pb2_grpc import add_CallServiceServicer_to_server
from longwire.v1.job_service_pb2_grpc import add_JobServiceServicer_to_server
from longwire.v1.session_service_pb2_grpc import add_SessionServiceServicer_to_server
from longwire_server.accounts.backend_access import BackendAccess
from longwire_server.accounts.issuer_keys import KeysUnavailableError
from longwire_server.accounts.quotas import Quotas
from longwire_server.accounts.tenants import Tenants
from longwire_server.backends.registry import backend_specs
from longwire_server.backends.spec import BackendSpec
from longwire_server.config.address import split_address
from longwire_server.config.hidden_paths import hidden_paths
from longwire_server.config.model import LimitsSection, ServerConfig
from longwire_server.execution.local_executor import LocalExecutor
from longwire_server.execution.worker.sandbox.support import missing
from longwire_server.failpoints import failpoint
from longwire_server.interceptors.errors import ErrorInterceptor
from longwire_server.interceptors.gate import Gate
from longwire_server.jobs.admission import AdmissionLimits
from longwire_server.jobs.attempt_policy import AttemptPolicy
from longwire_server.jobs.backend_controls import BackendControls
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.manager import JobManager
from longwire_server.jobs.program_limits import TenantProgramLimits
from longwire_server.jobs.retention import Retention, RetentionLimits
from longwire_server.jobs.session_usage import SessionUsage
from longwire_server.jobs.sessions import SessionLimits, Sessions
from longwire_server.listening import listen, raise_file_limit, server_options
from longwire_server.servicers.account_service import AccountServicer
from longwire_server.servicers.admin.operations import Operations
from longwire_server.servicers.admin.tenants import TenantAdministration
from longwire_server.servicers.admin.tokens import TokenAdministration
from longwire_server.servicers.admin_service import AdminServicer
from longwire_server.servicers.backend_service import BackendServicer
from longwire_server.servicers.call_service import CallServicer
from longwire_server.servicers.health_service import HealthServicer
from longwire_server.servicers.job_service import JobServicer
from longwire_server.servicers.session_service import SessionServicer
from longwire_server.servicers.usage import UsageReport
from longwire_server.side_ports import SidePortError, SidePorts
from longwire_server.store.data_dir_lock import DataDirLock
from longwire_server.store.payload_files import PayloadFiles
from longwire_server.store.server_id import server_id
from longwire_server.store.sql_job_store import SqlJobStore

_logger = logging.getLogger(__name__)

_SERVICES = (
    "longwire.v1.AccountService",
    "longwire.v1.AdminService",
    "longwire.v1.BackendService",
    "longwire.v1.CallService",
    "longwire.v1.JobService",
    "longwire.v1.SessionService",
)
# Calls that are neither watches nor long end within this time after the drain.
_LAST_CALLS_SECONDS = 2.0


class CannotServeError(Exception):
    """The server cannot start; the message says why and what to do."""


class Server:
    """A Longwire server in this event loop.

    Args:
        config: the whole configuration.

    Attributes:
        stopping: set when somebody wants the server to drain and stop.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        _require_sandbox(config)
        specs = backend_specs(config)
        pools = [pool for pool in config.pools if any(spec.pool == pool.name for spec in specs)]
        limits = config.limits
        self._store = _store(config)
        # A database in a file of another directory belongs to one server, too.
        folders = {config.server.data_dir.resolve(), self._store.folder}
        self._locks = [DataDirLock(folder) for folder in folders if folder is not None]
        self._executor = LocalExecutor(
            pools, specs, result_bytes=limits.result_bytes, hidden_paths=hidden_paths(config)
        )
        self._directory = BackendDirectory(specs, program_bytes=limits.program_bytes)
        self._tenants = Tenants(self._store.tenants, Quotas.of_config(config))
        self._session_usage = SessionUsage(self._store.add_usage)
        self._dispatcher = self._make_dispatcher(specs)
        self._controls = BackendControls(
            self._store.backend_controls, self._directory, self._dispatcher
        )
        sessions = Sessions(
            self._dispatcher,
            self._directory,
            SessionLimits(limits.session_seconds, limits.session_idle_seconds),
        )
        self._programs = KeptPrograms(
            self._store,
            kept_hours=limits.programs_kept_hours,
            kept_bytes=limits.programs_bytes,
        )
        kept = _retention_limits(config)
        self._retention = Retention(self._store, kept)
        access = _backend_access(config, specs)
        self._manager = JobManager(
            self._store,
            self._store.servers,
            self._programs,
            self._directory,
            self._dispatcher,
            sessions,
            limits=_admission_limits(limits),
            tenants=self._tenants,
            program_limits=TenantProgramLimits(
                self._tenants, shot_bits=limits.shot_bits, instructions=limits.instructions
            ).of,
            access=access,
            policies=_policies(config, specs),
            retention=kept,
            lease_seconds=config.server.lease_seconds,
            inline_result_bytes=limits.inline_result_bytes,
            fetched_bytes=limits.fetched_bytes,
        )
        self.stopping = asyncio.Event()
        self._gate = _gate(config, self._store)
        self._health = HealthServicer(_SERVICES, self._directory, access.open_names)
        self._grpc = grpc.aio.server(
            interceptors=[ErrorInterceptor(), self._gate.interceptor],
            options=server_options(config),
        )
        self._add_services(sessions, access)
        self._side_ports = _side_ports(config)

    def _make_dispatcher(self, specs: Sequence[BackendSpec]) -> Dispatcher:
        return Dispatcher(
            self._executor,
            pool_of={spec.name: spec.pool for spec in specs},
            on_pending=self._directory.changed,
            num_workers={pool.name: pool.processes for pool in self._config.pools},
            undivided={pool.name for pool in self._config.pools if not pool.split_jobs},
            weight=self._tenants.weight,
            on_session_end=self._session_usage.note,
        )

    def _add_services(self, sessions: Sessions, access: BackendAccess) -> None:
        backends = BackendServicer(self._directory, access)
        jobs = self._jobs = JobServicer(
            self._manager, plain_bytes=self._config.limits.inline_result_bytes
        )
        self._calls = CallServicer(
            jobs,
            backends,
            guard=self._gate.interceptor.guarded,
            max_calls=self._config.connections.max_calls,
        )
        add_BackendServiceServicer_to_server(backends, self._grpc)
        add_JobServiceServicer_to_server(jobs, self._grpc)
        add_CallServiceServicer_to_server(self._calls, self._grpc)
        add_SessionServiceServicer_to_server(SessionServicer(sessions, access), self._grpc)
        account = AccountServicer(self._tenants, UsageReport(self._store.usage))
        add_AccountServiceServicer_to_server(account, self._grpc)
        admin = AdminServicer(
            TokenAdministration(self._store.tokens, self._gate.tokens),
            TenantAdministration(self._tenants),
            Operations(self._controls, self._manager, drain=self.stopping.set),
        )
        add_AdminServiceServicer_to_server(admin, self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        if self._config.server.reflection:
            # What few ask for is not imported for all.
            from grpc_reflection.v1alpha import reflection

            reflection.enable_server_reflection(
                (*_SERVICES, "grpc.health.v1.Health", reflection.SERVICE_NAME), self._grpc
            )

    async def start(self) -> str:
        """Starts to serve.

        Returns:
            The address, ``HOST:PORT``, with the real port where 0 was asked for.

        Raises:
            CannotServeError: the address is taken or not this machine's.
            ConfigError: the files of ``[tls]`` cannot be used.
            StoreError: the store cannot be opened, or another server has it.
        """
        host, _ = split_address(self._config.server.address)
        try:
            port = listen(self._grpc, self._config)
        except RuntimeError as error:
            raise CannotServeError(
                f"cannot listen on {self._config.server.address}: the port is taken, or the host "
                "is not this machine's; stop the other server, or choose another --address"
            ) from error
        for lock in self._locks:
            lock.acquire()
        try:
            self._side_ports.listen(self._grpc)
        except SidePortError as error:
            raise CannotServeError(str(error)) from error
        await self._store.open()
        await self._gate.start()
        await self._tenants.start()
        await self._controls.start()
        await self._manager.start(server_id(self._config.server.data_dir))
        self._programs.start()
        self._retention.start()
        self._directory.start(self._executor, self._dispatcher.pending)
        await self._grpc.start()
        try:
            await self._side_ports.start(self.stopping)
        except SidePortError as error:
            raise CannotServeError(str(error)) from error
        self._health.set_serving(True)
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{port}"

    async def give_up(self) -> None:
        """Ends what a start has begun that failed; the process is to end with it."""
        await self._grpc.stop(None)

    async def stop(self) -> None:
        """Drains, then stops: no new jobs, running ones end within the grace period.

        Queued jobs stay in the store and are taken up by the next start. Those
        who watch a job are told to resume.
        """
        failpoint("server.drain.before")
        self._health.set_serving(False)
        self._jobs.drain()
        _logger.info("draining: running jobs have %g s", self._config.server.drain_grace_seconds)
        await self._manager.drain(self._config.server.drain_grace_seconds)
        failpoint("server.drain.after")
        self._calls.drain()
        await self._grpc.stop(_LAST_CALLS_SECONDS)
        await self._side_ports.stop()
        self._directory.stop()
        await self._programs.stop()
        await self._retention.stop()
        await self._executor.stop()
        await self._controls.stop()
        await self._session_usage.stop()
        await self._tenants.stop()
        await self._gate.stop()
        await self._store.close()
        for lock in self._locks:
            lock.release()
        _logger.info("stopped")


def _gate(config: ServerConfig, store: SqlJobStore) -> Gate:
    try:
        return Gate(config, store)
    except KeysUnavailableError as error:
        raise CannotServeError(f"auth.oidc.keys_file: {error}") from error


def _side_ports(config: ServerConfig) -> SidePorts:
    try:
        return SidePorts(config)
    except SidePortError as error:
        raise CannotServeError(str(error)) from error


def _require_sandbox(config: ServerConfig) -> None:
    required = [pool.name for pool in config.pools if pool.sandbox == "required"]
    lacking = missing() if required else []
    if lacking:
        raise CannotServeError(
            f'pool {required[0]} has sandbox = "required", but {"; ".join(lacking)}: use another '
            'kernel, or write sandbox = "auto", which does without'
        )


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


def _backend_access(config: ServerConfig, specs: Sequence[BackendSpec]) -> BackendAccess:
    tenants_of = {section.name: section.tenants for section in config.backends}
    return BackendAccess({spec.name: tenants_of.get(spec.name) for spec in specs})


def _admission_limits(limits: LimitsSection) -> AdmissionLimits:
    return AdmissionLimits(
        program_bytes=limits.program_bytes,
        queued_jobs=limits.queued_jobs,
        jobs_per_second=limits.jobs_per_second,
    )


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
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, server.stopping.set)
    try:
        on_listening(await server.start())
    except BaseException:
        await server.give_up()
        raise
    await server.stopping.wait()
    await server.stop()


def run(config: ServerConfig, on_listening: Callable[[str], None]) -> None:
    """Serves on uvloop until SIGTERM or SIGINT; see :func:`serve`."""
    raise_file_limit()
    uvloop.run(serve(config, on_listening))
