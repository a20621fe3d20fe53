"""What an executor does: it keeps workers and hands them attempts."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.execution.frames_pb2 import BackendLoaded, ProgramLimits


@dataclasses.dataclass(frozen=True, slots=True)
class Executed:
    """The backend ran the program."""

    result: bytes
    """A serialised EncodedResult."""

    shots: int = 0
    """How many shots were run, of all circuits together."""


@dataclasses.dataclass(frozen=True, slots=True)
class Failed:
    """The backend did not run the program, or the worker died."""

    reason: ErrorReason.ValueType
    message: str


Outcome = Executed | Failed


class AttemptListener(abc.ABC):
    """Hears what a worker tells of an attempt while it executes it."""

    @abc.abstractmethod
    def running(self) -> None:
        """The program is read, and the backend begins to run it."""

    @abc.abstractmethod
    def progress(self, finished: int, total: int) -> None:
        """So many of all pubs or circuits are finished."""

    @abc.abstractmethod
    def pub_finished(self, result: bytes) -> None:
        """The next pub is finished; ``result`` is a serialised EncodedResult of it."""


class Worker(abc.ABC):
    """One process that executes one attempt at a time.

    Attributes:
        beside_seconds: how long others were occupied by its present attempt, or the
            last, beside it.
    """

    beside_seconds = 0.0

    @abc.abstractmethod
    async def execute(
        self,
        job_id: str,
        spec: bytes,
        program: bytes,
        listener: AttemptListener,
        limits: ProgramLimits,
    ) -> Outcome:
        """Executes an attempt; the worker is free again when this returns.

        Args:
            job_id: the job's id.
            spec: its serialised JobSpec.
            program: the payloads that the spec names by their digest, as a serialised
                Program; empty where it holds them.
            listener: hears of the attempt until this returns.
            limits: what the program may ask for, as far as only the worker can tell.
        """

    @abc.abstractmethod
    def goes_on(self) -> bool:
        """Whether the process can do its work: False where it is stopped, as by SIGSTOP."""

    @abc.abstractmethod
    def kill(self) -> None:
        """Ends the process at once; an attempt in it fails with WORKER_DIED."""


class BackendLoadError(Exception):
    """A backend could not be loaded or described; the message is for operators and users.

    Attributes:
        ended_worker: whether its worker ended over it.
    """

    def __init__(self, message: str, *, ended_worker: bool = False) -> None:
        super().__init__(message)
        self.ended_worker = ended_worker


class Executor(abc.ABC):
    """Starts workers, replaces those that die, and lends them out."""

    @abc.abstractmethod
    async def start(self, on_idle: Callable[[str], None]) -> None:
        """Starts the workers of every pool.

        Args:
            on_idle: called with a pool's name whenever one of its workers became idle.
        """

    @abc.abstractmethod
    def take(self, pool: str, backend_name: str, tenant: str) -> Worker | None:
        """An idle worker of the pool, best one that has the backend loaded, or None.

        Whoever takes a worker gives it back with :meth:`release`. Where the pool keeps
        tenants apart, a worker that has run a job of another tenant is not lent but
        replaced; ``on_idle`` is called when there is one for this tenant.
        """

    @abc.abstractmethod
    def take_beside(self, pool: str, backend_name: str, tenant: str) -> Worker | None:
        """An idle worker for a part of a job that another worker runs, or None.

        Other than :meth:`take` it replaces none for it. Given back with :meth:`release`.
        """

    @abc.abstractmethod
    def replacement_seconds(self, pool: str, worker: Worker) -> float:
        """How long the pool may be short of a worker that is about to be given back.

        0 where the worker goes on; otherwise what the pool's last start of one took.
        """

    @abc.abstractmethod
    def release(self, pool: str, worker: Worker) -> None:
        """Gives back a worker that was taken, dead or alive."""

    @abc.abstractmethod
    async def describe(self, pool: str, backend_name: str) -> BackendLoaded:
        """Loads a backend in a worker and returns what it is.

        Raises:
            BackendLoadError: it cannot be loaded.
        """

    @abc.abstractmethod
    async def describe_again(self, pool: str, backend_name: str) -> BackendLoaded | None:
        """What a backend is by now, from a worker that has nothing else to do.

        Returns:
            The description, or None where every worker of the pool is busy.

        Raises:
            BackendLoadError: it cannot be described.
        """

    @abc.abstractmethod
    async def stop(self) -> None:
        """Ends every worker."""
