"""The classic way in: a provider of the backends on one server."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from qiskit.providers import JobStatus

from longwire.backend import RemoteBackend
from longwire.errors import BackendNotFoundError, InvalidArgumentError
from longwire.job import RemoteJob
from longwire.providers import BaseProvider
from longwire.transport.backend_calls import BackendCalls
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2 import ListJobsRequest

BackendFilter = Callable[[RemoteBackend], bool]


class RemoteProvider(BaseProvider):
    """The backends and jobs of one server.

    It holds one connection, which is opened by the first call; use it as a
    context manager, or call :meth:`close`. It can be shared by threads, pickled
    and copied.

    Args:
        address: ``HOST`` or ``HOST:PORT`` (default port 50051); None takes the
            variable LONGWIRE_ADDRESS.
        timeout_seconds: how long a call may take that does not wait for a job.

    Raises:
        InvalidArgumentError: no address is given, or it has another form.
    """

    def __init__(self, address: str | None = None, *, timeout_seconds: float = 30.0) -> None:
        super().__init__()
        self._connection = Connection(address, timeout_seconds=timeout_seconds)
        self._backend_calls = BackendCalls(self._connection)
        self._job_calls = JobCalls(self._connection)

    @property
    def address(self) -> str:
        """The server's address, ``HOST:PORT``."""
        return self._connection.address

    def backends(
        self,
        name: str | None = None,
        *,
        operational: bool | None = None,
        simulator: bool | None = None,
        min_num_qubits: int | None = None,
        filters: BackendFilter | None = None,
        **unknown: Any,
    ) -> list[RemoteBackend]:
        """The backends that match, in the order of the server's configuration.

        Args:
            name: only the one with this name.
            operational: only those that can run jobs, or only those that cannot.
            simulator: only simulators, or only others.
            min_num_qubits: only those with at least so many qubits, or with no fixed
                number.
            filters: a predicate over backends.
            unknown: none; the base class's signature has them.

        Raises:
            InvalidArgumentError: a criterion is none of these.
            ServerUnreachableError: no server answers.
        """
        if unknown:
            raise InvalidArgumentError(
                f"No backend has the criterion '{next(iter(unknown))}'; use name, operational, "
                "simulator, min_num_qubits, or filters=lambda backend: ..."
            )
        found = []
        for message in self._backend_calls.list_backends():
            if (
                name not in (None, message.name)
                or operational not in (None, message.status.operational)
                or simulator not in (None, message.simulator)
                or (message.HasField("num_qubits") and message.num_qubits < (min_num_qubits or 0))
            ):
                continue
            backend = RemoteBackend(message.name, self, description=message)
            if filters is None or filters(backend):
                found.append(backend)
        return found

    def get_backend(self, name: str | None = None, **criteria: Any) -> RemoteBackend:
        """The one backend that matches; the criteria are those of :meth:`backends`.

        Raises:
            BackendNotFoundError: none matches, or more than one does.
            ServerUnreachableError: no server answers.
        """
        found = self.backends(name, **criteria)
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(backend.name() for backend in found)
            raise BackendNotFoundError(
                f"More than one backend matches the criteria: {names}; give a name"
            )
        hosted = [message.name for message in self._backend_calls.list_backends()]
        raise BackendNotFoundError(_no_match(name, hosted, self.address))

    def job(self, job_id: str) -> RemoteJob:
        """A job by its id, whichever process submitted it.

        Raises:
            JobNotFoundError: no job of yours has this id.
            ServerUnreachableError: no server answers.
        """
        return self._remote_job(self._job_calls.get_job(job_id))

    def jobs(
        self,
        limit: int | None = 10,
        *,
        backend_name: str | None = None,
        status: JobStatus | str | Iterable[JobStatus | str] | None = None,
        tag: str | None = None,
        created_after: datetime.datetime | None = None,
        created_before: datetime.datetime | None = None,
    ) -> list[RemoteJob]:
        """Jobs, the newest first.

        Args:
            limit: the most jobs to return; None for all.
            backend_name: only jobs on this backend.
            status: only jobs in this state, or in one of these.
            tag: only jobs with this tag.
            created_after: only jobs accepted at or after this time.
            created_before: only jobs accepted before this time.

        Raises:
            InvalidArgumentError: a state does not exist, or ``limit`` is negative.
            ServerUnreachableError: no server answers.
        """
        if limit is not None and limit < 0:
            raise InvalidArgumentError(f"limit is {limit}; give 0 or more, or None for all jobs")
        request = ListJobsRequest(
            backend_name=backend_name or "", tag=tag or "", states=_states(status)
        )
        # A time without a zone is this machine's, as datetime itself has it.
        if created_after is not None:
            request.created_after.FromDatetime(created_after.astimezone(datetime.UTC))
        if created_before is not None:
            request.created_before.FromDatetime(created_before.astimezone(datetime.UTC))
        return [self._remote_job(job) for job in self._job_calls.list_jobs(request, limit)]

    def close(self) -> None:
        """Closes the connection. Jobs go on; their objects need a new provider."""
        self._connection.close()

    def _remote_job(self, message: Any) -> RemoteJob:
        backend = RemoteBackend(message.backend_name, self)
        return RemoteJob(backend, message, self._job_calls)

    def __enter__(self) -> RemoteProvider:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteProvider) and self._connection == other._connection

    def __hash__(self) -> int:
        return hash(self._connection)

    def __repr__(self) -> str:
        return f"RemoteProvider({self.address!r})"


def _no_match(name: str | None, hosted: Sequence[str], address: str) -> str:
    if name is None or name in hosted:
        return f"No backend matches the criteria; {address} hosts {', '.join(hosted) or 'none'}"
    near = difflib.get_close_matches(name, hosted, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it hosts {', '.join(hosted)}"
    return f"No backend matches the criteria: {address} hosts none named '{name}'; {hint}"


def _states(
    status: JobStatus | str | Iterable[JobStatus | str] | None,
) -> list[JobState.ValueType]:
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
