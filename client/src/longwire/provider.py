"""The classic way in: a provider of the backends on one server."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from qiskit.providers import JobStatus

from longwire.backend import RemoteBackend
from longwire.errors import BackendNotFoundError, InvalidArgumentError
from longwire.providers import BaseProvider
from longwire.session import ServerSession, check_count, job_states, passes

if TYPE_CHECKING:
    from longwire.job import RemoteJob
    from longwire.primitive_job import RemotePrimitiveJob

BackendFilter = Callable[[RemoteBackend], bool]


class RemoteProvider(ServerSession, BaseProvider):
    """The backends and jobs of one server, in Qiskit's classic interface.

    It holds one connection, which is opened by the first call; use it as a
    context manager, or call :meth:`close`. It can be shared by threads, copied and
    pickled; a pickle holds no token.

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
            filters: a predicate over backends. One that the server could not load
                is left out where the predicate asks for what it cannot tell.
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
        found = [
            RemoteBackend(described.name, self, description=described)
            for described in self._described(name, min_num_qubits, operational, simulator)
        ]
        return [backend for backend in found if passes(backend, filters)]

    def get_backend(self, name: str | None = None, **criteria: Any) -> RemoteBackend:
        """The one backend that matches; the criteria are those of :meth:`backends`.

        Raises:
            BackendNotFoundError: none matches, or more than one does.
            ServerUnreachableError: no server answers.
        """
        found = self.backends(name, **criteria)
        if len(found) == 1:
            return found[0]
        if not found:
            raise self._no_match(name)
        names = ", ".join(backend.name() for backend in found)
        raise BackendNotFoundError(
            f"More than one backend matches the criteria: {names}; give a name"
        )

    def jobs(
        self,
        limit: int | None = 10,
        *,
        backend_name: str | None = None,
        status: JobStatus | str | Iterable[JobStatus | str] | None = None,
        tag: str | None = None,
        name: str | None = None,
        created_after: datetime.datetime | None = None,
        created_before: datetime.datetime | None = None,
    ) -> list[RemoteJob | RemotePrimitiveJob]:
        """Jobs, the newest first.

        Args:
            limit: the most jobs to return; None for all.
            backend_name: only jobs on this backend.
            status: only jobs in this state, or in one of these.
            tag: only jobs with this tag.
            name: only jobs with exactly this name.
            created_after: only jobs accepted at or after this time.
            created_before: only jobs accepted before this time.

        Raises:
            InvalidArgumentError: a state does not exist, or ``limit`` is negative.
            ServerUnreachableError: no server answers.
        """
        check_count("limit", limit)
        listed = self._listed_jobs(
            limit,
            backend_name=backend_name,
            states=job_states(status),
            tag=tag,
            name=name,
            created_after=created_after,
            created_before=created_before,
        )
        return [self._remote_job(job) for job in listed]

    def _job_backend(self, backend_name: str) -> RemoteBackend:
        return RemoteBackend(backend_name, self)
