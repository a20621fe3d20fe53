"""What every way into a server has: one connection, its backends and its jobs."""

from __future__ import annotations

import datetime
import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from qiskit.providers import JobStatus

from longwire.backend_v2 import RemoteBackendV2
from longwire.errors import (
    BackendNotFoundError,
    BackendNotOperationalError,
    InvalidArgumentError,
)
from longwire.job import RemoteJob
from longwire.primitive_job import RemotePrimitiveJob
from longwire.transport.backend_calls import BackendCalls
from longwire.transport.connection import Connection
from longwire.transport.credentials import GivenCredentials
from longwire.transport.job_calls import JobCalls
from longwire.v1.job_pb2 import Job, JobKind, JobState
from longwire.v1.job_service_pb2 import ListJobsRequest

if TYPE_CHECKING:
    from longwire.backend import RemoteBackend
    from longwire.v1.backend_pb2 import Backend

BackendT = TypeVar("BackendT")

_PRIMITIVE_KINDS = frozenset({JobKind.JOB_KIND_SAMPLER, JobKind.JOB_KIND_ESTIMATOR})


class ServerSession(ABC):
    """The backends and jobs of one server.

    It holds one connection, which is opened by the first call; use it as a
    context manager, or call :meth:`close`. It can be shared by threads, copied and
    pickled; a pickle holds no token. Two are equal when they are of one class, and of
    one address and account.

    Args:
        address: ``HOST`` or ``HOST:PORT`` (default port 50051); None takes the
            variable LONGWIRE_ADDRESS, or else the account saved last (``longwire login``).
        timeout_seconds: how long a call may take that does not wait for a job.
        token: the API token, or a JSON Web Token. It and the next three: None takes the
            variable LONGWIRE_TOKEN, _CA, _CERTIFICATE or _KEY, or else what is saved for
            the address.
        ca: the authority of the server's certificate: a PEM file, or base64 of its DER.
        certificate: the PEM file of a client certificate.
        key: the PEM file of its private key.
        tls: whether to use TLS; None: where one of the above needs it.

    Raises:
        InvalidArgumentError: no address is given, it has another form, a file cannot be
            used, or a token would be sent in plain text to another machine.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_seconds: float = 30.0,
        token: str | None = None,
        ca: str | PathLike[str] | None = None,
        certificate: str | PathLike[str] | None = None,
        key: str | PathLike[str] | None = None,
        tls: bool | None = None,
    ) -> None:
        super().__init__()
        self._connection = Connection(
            address,
            timeout_seconds=timeout_seconds,
            credentials=GivenCredentials(token, ca, certificate, key, tls),
        )
        self._backend_calls = BackendCalls(self._connection)
        self._job_calls = JobCalls(self._connection)

    @property
    def address(self) -> str:
        """The server's address, ``HOST:PORT``."""
        return self._connection.address

    def job(self, job_id: str) -> RemoteJob | RemotePrimitiveJob:
        """A job by its id, whichever process submitted it.

        Returns:
            A RemotePrimitiveJob for a job of a sampler or an estimator, a RemoteJob
            for any other.

        Raises:
            InvalidArgumentError: the id is no text, or empty.
            JobNotFoundError: no job of yours has this id.
            ServerUnreachableError: no server answers.
        """
        if not isinstance(job_id, str) or not job_id:
            raise InvalidArgumentError(f"A job's id is a text that is not empty, not {job_id!r}")
        return self._remote_job(self._job_calls.get_job(job_id))

    def close(self) -> None:
        """Closes the connection. Jobs go on; their objects need a new session."""
        self._connection.close()

    @abstractmethod
    def _job_backend(self, backend_name: str) -> RemoteBackend | RemoteBackendV2:
        """The backend of a job that is no primitive's."""

    def _described(
        self,
        name: str | None = None,
        min_num_qubits: int | None = None,
        operational: bool | None = None,
        simulator: bool | None = None,
    ) -> Iterator[Backend]:
        """What the server tells of the backends that match, in its order."""
        for described in self._backend_calls.list_backends():
            num_qubits = described.num_qubits if described.HasField("num_qubits") else None
            if (
                name in (None, described.name)
                and operational in (None, described.status.operational)
                and simulator in (None, described.simulator)
                and (num_qubits is None or num_qubits >= (min_num_qubits or 0))
            ):
                yield described

    def _describe(self, name: str) -> Backend:
        """What the server tells of one backend now.

        Raises:
            BackendNotFoundError: it hosts none of this name.
            InvalidArgumentError: the name is no text.
        """
        if not isinstance(name, str):
            raise InvalidArgumentError(f"A backend's name is a text, not {name!r:.100}")
        for described in self._described(name):
            return described
        raise self._no_match(name)

    def _no_match(self, name: str | None) -> BackendNotFoundError:
        hosted = [described.name for described in self._described()]
        return BackendNotFoundError(_no_match(name, hosted, self.address))

    def _listed_jobs(
        self,
        limit: int | None,
        *,
        backend_name: str | None,
        states: Sequence[JobState.ValueType],
        tag: str | None,
        name: str | None,
        created_after: datetime.datetime | None,
        created_before: datetime.datetime | None,
    ) -> Iterator[Job]:
        """The server's records of jobs, the newest first; a page is asked for when it is needed."""
        request = ListJobsRequest(
            backend_name=backend_name or "", tag=tag or "", name=name or "", states=states
        )
        # A time without a zone is this machine's, as datetime itself has it.
        if created_after is not None:
            request.created_after.FromDatetime(created_after.astimezone(datetime.UTC))
        if created_before is not None:
            request.created_before.FromDatetime(created_before.astimezone(datetime.UTC))
        return self._job_calls.list_jobs(request, limit)

    def _remote_job(self, message: Job) -> RemoteJob | RemotePrimitiveJob:
        if message.kind in _PRIMITIVE_KINDS:
            backend = RemoteBackendV2(message.backend_name, self)
            return RemotePrimitiveJob(backend, message, self._job_calls)
        return RemoteJob(self._job_backend(message.backend_name), message, self._job_calls)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ServerSession):
            return NotImplemented
        return type(self) is type(other) and self._connection == other._connection

    def __hash__(self) -> int:
        return hash(self._connection)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address!r})"


def job_states(
    status: JobStatus | str | Iterable[JobStatus | str] | None,
) -> list[JobState.ValueType]:
    """The states that a caller asks for; none where any will do.

    Raises:
        InvalidArgumentError: a state does not exist.
    """
    if status is None:
        return []
    wanted = [status] if isinstance(status, (JobStatus, str)) else list(status)
    states = []
    for one in wanted:
        name = one.name if isinstance(one, JobStatus) else one.upper()
        if name not in JobStatus.__members__:
            raise InvalidArgumentError(
                f"No state is named {one!r}; the states are {', '.join(JobStatus.__members__)}"
            )
        states.append(JobState.Value(f"JOB_STATE_{name}"))
    return states


def passes(backend: BackendT, filters: Callable[[BackendT], bool] | None) -> bool:
    """Whether a backend passes a caller's predicate.

    One that the server could not load passes none that asks what it cannot tell, such
    as its Target: it must not keep the caller from finding the others.
    """
    if filters is None:
        return True
    try:
        return bool(filters(backend))
    except BackendNotOperationalError:
        return False


def check_count(name: str, count: int | None) -> None:
    """Refuses a number of jobs below zero.

    Raises:
        InvalidArgumentError: it is negative.
    """
    if count is not None and count < 0:
        raise InvalidArgumentError(f"{name} is {count}; give 0 or more, or None for all jobs")


def _no_match(name: str | None, hosted: Sequence[str], address: str) -> str:
    if name is None or name in hosted:
        return f"No backend matches the criteria; {address} hosts {', '.join(hosted) or 'none'}"
    near = difflib.get_close_matches(name, hosted, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it hosts {', '.join(hosted)}"
    return f"No backend matches the criteria: {address} hosts none named '{name}'; {hint}"
