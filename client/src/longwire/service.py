"""The way in for Qiskit 2: the backends and jobs of one server, shaped like IBM's service."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from longwire.backend_v2 import RemoteBackendV2
from longwire.errors import BackendNotFoundError, InvalidArgumentError
from longwire.execution_mode import RemoteBatch, RemoteSession
from longwire.session import ServerSession, check_count, job_states, passes
from longwire.transport.session_calls import SessionCalls
from longwire.v1.job_pb2 import Job, JobKind

if TYPE_CHECKING:
    from longwire.job import RemoteJob
    from longwire.primitive_job import RemotePrimitiveJob

BackendFilter = Callable[[RemoteBackendV2], bool]

_PENDING = ("INITIALIZING", "QUEUED", "VALIDATING", "RUNNING")
_FINAL = ("DONE", "CANCELLED", "ERROR")
_PROGRAMS = {
    "circuits": JobKind.JOB_KIND_CIRCUITS,
    "sampler": JobKind.JOB_KIND_SAMPLER,
    "estimator": JobKind.JOB_KIND_ESTIMATOR,
}

# Arguments of qiskit_ibm_runtime.QiskitRuntimeService (0.51) that stand for what only
# IBM's cloud has, and what to do here.
_IBM_ONLY = {
    "calibration_id": "a backend has its present calibration only; backend.refresh() fetches it",
    "descending": "jobs come the newest first; reversed(service.jobs(...)) turns a listing round",
    "dynamic_circuits": ("use filters=lambda backend: 'if_else' in backend.target.operation_names"),
    "include_mocks": "every backend that the server hosts is listed",
    "instance": "a server has no instances; its address is what RemoteService was given",
    "session_id": "give the jobs of a session a tag (job_tags) and ask for that",
    "use_fractional_gates": "a backend has one Target, with all of its operations",
}


class RemoteService(ServerSession):
    """The backends and jobs of one server, for Qiskit 2.

    The methods are those of ``qiskit_ibm_runtime.QiskitRuntimeService``, with the
    same names and meanings. It holds one connection, which is opened by the first
    call; use it as a context manager, or call :meth:`close`. It can be shared by
    threads, copied and pickled; a pickle holds no token.

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
        unknown: none; an argument of IBM's service is refused with what to use instead.

    Raises:
        InvalidArgumentError: no address is given, it has another form, a file cannot be
            used, a token would be sent in plain text to another machine, or there is
            another argument.
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
        **unknown: Any,
    ) -> None:
        for name in (name for name, value in unknown.items() if value is not None):
            raise InvalidArgumentError(
                f"RemoteService() has no argument '{name}': all it needs is the server's address, "
                "as in RemoteService('localhost:50051'), and where the server asks who calls, a "
                "token, or an account saved with: longwire login"
            )
        super().__init__(
            address,
            timeout_seconds=timeout_seconds,
            token=token,
            ca=ca,
            certificate=certificate,
            key=key,
            tls=tls,
        )

    def backend(self, name: str, **unknown: Any) -> RemoteBackendV2:
        """The backend of this name.

        Args:
            name: its name.
            unknown: none; an argument of IBM's service alone is refused with what to
                use instead.

        Raises:
            BackendNotFoundError: the server hosts none; the message has the nearest names.
            InvalidArgumentError: the name is no text, or there is another argument.
            ServerUnreachableError: no server answers.
        """
        _refuse(unknown, "backend", "name")
        return RemoteBackendV2(name, self, description=self._describe(name))

    def backends(
        self,
        name: str | None = None,
        min_num_qubits: int | None = None,
        operational: bool | None = None,
        filters: BackendFilter | None = None,
        *,
        simulator: bool | None = None,
        **unknown: Any,
    ) -> list[RemoteBackendV2]:
        """The backends that match, in the order of the server's configuration.

        Args:
            name: only the one with this name.
            min_num_qubits: only those with at least so many qubits, or with no fixed
                number.
            operational: only those that can run jobs, or only those that cannot.
            filters: a predicate over backends. One that the server could not load
                is left out where the predicate asks for what it cannot tell.
            simulator: only simulators, or only others.
            unknown: none; a criterion of IBM's service alone is refused with what
                to use instead.

        Raises:
            InvalidArgumentError: a criterion is none of these.
            ServerUnreachableError: no server answers.
        """
        _refuse(unknown, "backends", "name, min_num_qubits, operational, simulator and filters")
        found = [
            RemoteBackendV2(described.name, self, description=described)
            for described in self._described(name, min_num_qubits, operational, simulator)
        ]
        return [backend for backend in found if passes(backend, filters)]

    def least_busy(
        self,
        min_num_qubits: int | None = None,
        filters: BackendFilter | None = None,
        *,
        simulator: bool | None = None,
        **unknown: Any,
    ) -> RemoteBackendV2:
        """The operational backend for which the fewest jobs wait; the first of several such.

        A paused one is taken only where all that match are.

        Args:
            min_num_qubits: as for :meth:`backends`.
            filters: as for :meth:`backends`.
            simulator: as for :meth:`backends`.
            unknown: ``operational=True``, which holds anyway; others are refused.

        Raises:
            BackendNotFoundError: no operational backend matches.
            InvalidArgumentError: a criterion is none of these.
            ServerUnreachableError: no server answers.
        """
        if unknown.pop("operational", True) is not True:
            raise InvalidArgumentError(
                "least_busy() chooses among operational backends; "
                "backends(operational=False) lists the others"
            )
        _refuse(unknown, "least_busy", "min_num_qubits, simulator and filters")
        candidates = [
            (
                (described.paused, described.status.pending_jobs),
                RemoteBackendV2(described.name, self, description=described),
            )
            for described in self._described(None, min_num_qubits, True, simulator)
        ]
        chosen = [each for each in candidates if passes(each[1], filters)]
        if not chosen:
            raise BackendNotFoundError(
                f"No operational backend of {self.address} matches the criteria; "
                "backends() lists all, and the status() of each says how it is"
            )
        return min(chosen, key=lambda each: each[0])[1]

    def jobs(
        self,
        limit: int | None = 10,
        skip: int = 0,
        backend_name: str | None = None,
        pending: bool | None = None,
        program_id: str | None = None,
        *,
        job_tags: Sequence[str] | None = None,
        name: str | None = None,
        created_after: datetime.datetime | None = None,
        created_before: datetime.datetime | None = None,
        **unknown: Any,
    ) -> list[RemoteJob | RemotePrimitiveJob]:
        """Jobs, the newest first.

        Args:
            limit: the most jobs to return; None for all.
            skip: how many of the newest to leave out.
            backend_name: only jobs on this backend.
            pending: only jobs that have not ended, or only those that have.
            program_id: only jobs of a ``"sampler"``, of an ``"estimator"``, or of
                ``"circuits"`` that were run as they are.
            job_tags: only jobs that have all of these tags.
            name: only jobs with exactly this name.
            created_after: only jobs accepted at or after this time.
            created_before: only jobs accepted before this time.
            unknown: none; an argument of IBM's service alone is refused with what to
                use instead.

        Raises:
            InvalidArgumentError: an argument is none of these, or wrong.
            ServerUnreachableError: no server answers.
        """
        if unknown.get("descending") is True:
            del unknown["descending"]
        _refuse(
            unknown,
            "jobs",
            "limit, skip, backend_name, pending, program_id, job_tags, name, created_after "
            "and created_before",
        )
        check_count("limit", limit)
        check_count("skip", skip)
        tags = _checked_tags(job_tags)
        kind = _kind(program_id)
        # What the server cannot choose by is chosen here, so all must be listed for it.
        chooses_here = kind is not None or len(tags) > 1
        listed = self._listed_jobs(
            None if limit is None or chooses_here else skip + limit,
            backend_name=backend_name,
            states=job_states(None if pending is None else _PENDING if pending else _FINAL),
            tag=tags[0] if tags else None,
            name=name,
            created_after=created_after,
            created_before=created_before,
        )
        chosen = _chosen(listed, tags, kind) if chooses_here else listed
        last = None if limit is None else skip + limit
        return [self._remote_job(job) for job in itertools.islice(chosen, skip, last)]

    def session(
        self,
        backend: RemoteBackendV2 | str,
        *,
        max_seconds: float | None = None,
        idle_seconds: float | None = None,
    ) -> RemoteSession:
        """Opens a session: a worker that is kept for your jobs for a time.

        It waits in the queue as a job of yours would. Use it as a context manager::

            with service.session("aer_simulator") as session:
                sampler = RemoteSampler(mode=session)

        Args:
            backend: the backend, or its name.
            max_seconds: how long it may last from when it has got its worker; None for
                as long as the server allows.
            idle_seconds: how long it may have nothing to do; None likewise.

        Raises:
            InvalidArgumentError: a time is none that the server allows.
            BackendNotFoundError: the server hosts no such backend.
            BackendNotOperationalError: it cannot run jobs now.
            LimitExceededError: too many of your sessions are open.
            ServerUnreachableError: no server answers.
        """
        on = self.backend(backend) if isinstance(backend, str) else backend
        calls = SessionCalls(self._connection)
        for name, seconds in (("max_seconds", max_seconds), ("idle_seconds", idle_seconds)):
            if seconds is not None and not 0 < seconds < math.inf:
                raise InvalidArgumentError(
                    f"{name} is {seconds}; give a number of seconds above 0, or None"
                )
        opened = calls.open_session(
            on.name, max_seconds=max_seconds or 0.0, idle_seconds=idle_seconds or 0.0
        )
        return RemoteSession(on, calls, opened)

    def batch(self, backend: RemoteBackendV2 | str, name: str | None = None) -> RemoteBatch:
        """A batch: its jobs begin in the order in which they are submitted.

        Args:
            backend: the backend, or its name.
            name: the word that its jobs have in common, at most 128 characters; None
                takes a new one.

        Raises:
            InvalidArgumentError: the name is no text, or empty.
            BackendNotFoundError: the server hosts no such backend.
            ServerUnreachableError: no server answers.
        """
        return RemoteBatch(self.backend(backend) if isinstance(backend, str) else backend, name)

    def _job_backend(self, backend_name: str) -> RemoteBackendV2:
        return RemoteBackendV2(backend_name, self)


def _refuse(unknown: dict[str, Any], method: str, known: str) -> None:
    """Refuses arguments that mean nothing here. One that is None asks for nothing."""
    for name in (name for name, value in unknown.items() if value is not None):
        if name in _IBM_ONLY:
            raise InvalidArgumentError(f"{method}() has no '{name}' here: {_IBM_ONLY[name]}")
        raise InvalidArgumentError(f"{method}() has no argument '{name}'; it has {known}")


def _checked_tags(job_tags: Sequence[str] | None) -> list[str]:
    if isinstance(job_tags, str):
        raise InvalidArgumentError(f"job_tags must be a list of tags: write [{job_tags!r}]")
    return list(job_tags or ())


def _kind(program_id: str | None) -> JobKind.ValueType | None:
    if program_id is None:
        return None
    if program_id not in _PROGRAMS:
        raise InvalidArgumentError(
            f"program_id is {program_id!r}; it can be {', '.join(map(repr, _PROGRAMS))}"
        )
    return _PROGRAMS[program_id]


def _chosen(
    listed: Iterator[Job], tags: Sequence[str], kind: JobKind.ValueType | None
) -> Iterator[Job]:
    """Those of a listing that have all the tags, and are of the kind."""
    for job in listed:
        own = job.kind or JobKind.JOB_KIND_CIRCUITS
        if set(tags) <= set(job.tags) and kind in (None, own):
            yield job
