"""The server's job manager on a real store, with workers whose attempts a test ends.

What runs is what a server runs, but for gRPC and the processes of the workers: so a
test decides in which order things happen, and when the store fails.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from failing_store import FailingStore

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import Program, ProgramFormat
from longwire_server.accounts.backend_access import BackendAccess
from longwire_server.accounts.quotas import Quotas
from longwire_server.accounts.tenants import Tenants
from longwire_server.backends.spec import BackendSpec
from longwire_server.config.model import ServerConfig
from longwire_server.execution.executor import (
    AttemptListener,
    Executor,
    Failed,
    Outcome,
    Worker,
)
from longwire_server.execution.frames_pb2 import BackendLoaded, ProgramLimits
from longwire_server.jobs.admission import AdmissionLimits
from longwire_server.jobs.attempt_policy import AttemptPolicy
from longwire_server.jobs.backend_directory import BackendDirectory
from longwire_server.jobs.dispatcher import Dispatcher
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.manager import JobManager
from longwire_server.jobs.retention import RetentionLimits
from longwire_server.jobs.sessions import SessionLimits, Sessions

MAX_ATTEMPTS: Mapping[str, int] = {"simulator": 3, "device": 1}
TENANT = "physics"


class ScriptedWorker(Worker):
    """Executes what it is given until a test ends it.

    Args:
        begun: counts the attempts at each job.
    """

    def __init__(self, begun: Counter[str]) -> None:
        self._begun = begun
        self.killed = False
        self.job_id = ""
        self._outcome: asyncio.Future[Outcome] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether there is an attempt that can be ended."""
        return self._outcome is not None and not self._outcome.done()

    async def execute(
        self,
        job_id: str,
        spec: bytes,
        program: bytes,
        listener: AttemptListener,
        limits: ProgramLimits,
    ) -> Outcome:
        if self.killed:
            return Failed(ErrorReason.ERROR_REASON_WORKER_DIED, "killed")
        self._begun[job_id] += 1
        self.job_id = job_id
        self._outcome = asyncio.get_running_loop().create_future()
        listener.running()
        return await self._outcome

    def end(self, outcome: Outcome) -> None:
        """Ends the attempt."""
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(outcome)

    def goes_on(self) -> bool:
        return True

    def kill(self) -> None:
        self.killed = True
        self.end(Failed(ErrorReason.ERROR_REASON_WORKER_DIED, "killed"))


class ScriptedExecutor(Executor):
    """Some such workers.

    Attributes:
        start_seconds: how long it is said to take to replace one.
    """

    def __init__(self, begun: Counter[str], num_workers: int) -> None:
        self.workers = [ScriptedWorker(begun) for _ in range(num_workers)]
        self._idle: list[Worker] = list(self.workers)
        self._on_idle: Callable[[str], None] = lambda _pool: None
        self.start_seconds = 0.0

    @property
    def busy(self) -> list[ScriptedWorker]:
        """The workers with an attempt that can be ended."""
        return [worker for worker in self.workers if worker.is_busy]

    @property
    def has_idle(self) -> bool:
        """Whether a worker has nothing to do."""
        return bool(self._idle)

    async def start(self, on_idle: Callable[[str], None]) -> None:
        self._on_idle = on_idle

    def take(self, pool: str, backend_name: str, tenant: str) -> Worker | None:
        return self._idle.pop(0) if self._idle else None

    def take_beside(self, pool: str, backend_name: str, tenant: str) -> Worker | None:
        return None

    def replacement_seconds(self, pool: str, worker: Worker) -> float:
        assert isinstance(worker, ScriptedWorker)
        return self.start_seconds if worker.killed else 0.0

    def release(self, pool: str, worker: Worker) -> None:
        assert isinstance(worker, ScriptedWorker)
        # Another takes its place.
        worker.killed = False
        self._idle.append(worker)
        self._on_idle(pool)

    async def describe(self, pool: str, backend_name: str) -> BackendLoaded:
        return BackendLoaded()

    async def describe_again(self, pool: str, backend_name: str) -> BackendLoaded | None:
        return None

    async def stop(self) -> None:
        """Nothing to do."""


class ScriptedServer:
    """One life of a server, from its start to its end.

    Args:
        store_url: where it keeps its jobs.
        begun: counts the attempts at each job.
        num_workers: how many workers it has.
        lease_seconds: how long a lease lasts without renewal.
    """

    def __init__(
        self,
        store_url: str,
        begun: Counter[str],
        *,
        num_workers: int = 2,
        lease_seconds: float = 30.0,
    ) -> None:
        self.executor = ScriptedExecutor(begun, num_workers)
        self.store = FailingStore(store_url)
        self.tenants = Tenants(self.store.tenants, Quotas.of_config(ServerConfig()))
        specs = [BackendSpec(name=name, target="lab:make") for name in MAX_ATTEMPTS]
        directory = BackendDirectory(specs, program_bytes=1 << 20)
        self.dispatcher = Dispatcher(
            self.executor,
            pool_of=dict.fromkeys(MAX_ATTEMPTS, "default"),
            on_pending=directory.changed,
            num_workers={"default": num_workers},
            weight=self.tenants.weight,
        )
        self.sessions = Sessions(self.dispatcher, directory, SessionLimits(900.0, 60.0))
        self.manager = JobManager(
            self.store,
            self.store.servers,
            KeptPrograms(self.store, kept_hours=1, kept_bytes=1 << 20),
            directory,
            self.dispatcher,
            self.sessions,
            limits=AdmissionLimits(
                program_bytes=1 << 20, queued_jobs=1000, jobs_per_second=10_000.0
            ),
            tenants=self.tenants,
            program_limits=lambda _tenant: ProgramLimits(),
            access=BackendAccess(dict.fromkeys(MAX_ATTEMPTS)),
            policies={
                name: AttemptPolicy(name, attempts, None, 3600.0)
                for name, attempts in MAX_ATTEMPTS.items()
            },
            retention=RetentionLimits(
                results_days=30.0, results_bytes=1 << 30, jobs_days=90.0, jobs=1000
            ),
            lease_seconds=lease_seconds,
            inline_result_bytes=1 << 10,
            fetched_bytes=1 << 20,
        )


def spec_for(backend_name: str, *, payload_bytes: int = 0) -> JobSpec:
    """A job for a backend, of at least so many bytes."""
    payload = b"OPENQASM 3.0;".ljust(payload_bytes)
    program = Program(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[payload])
    return JobSpec(backend_name=backend_name, program=program)
