"""A backend of a server, in Qiskit's classic interface."""

from __future__ import annotations

import html
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from longwire.codecs.backend_configuration import backend_configuration_from_proto
from longwire.codecs.backend_properties import backend_properties_from_proto
from longwire.codecs.backend_status import backend_status_from_proto
from longwire.codecs.program import program_to_proto
from longwire.codecs.run_options import run_options_to_proto
from longwire.errors import BackendNotOperationalError, InvalidArgumentError
from longwire.job import RemoteJob
from longwire.providers import BaseBackend
from longwire.submission import check_spec
from longwire.transport.job_stream import JobStream
from longwire.v1.backend_pb2 import Backend
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.job_service_pb2 import RunJobRequest

if TYPE_CHECKING:
    from longwire.provider import RemoteProvider
    from longwire.providers.models import (
        BackendProperties,
        BackendStatus,
        QasmBackendConfiguration,
    )


class RemoteBackend(BaseBackend):
    """A backend that is elsewhere and behaves as if it were here.

    Made by :meth:`RemoteProvider.get_backend`. Configuration and properties are
    fetched when they are first asked for and kept until :meth:`refresh`; the
    status is asked for every time.

    Args:
        name: the name under which the server hosts it.
        provider: the provider that it comes from.
        description: what the server tells of it in a listing, where that is known.
    """

    def __init__(
        self, name: str, provider: RemoteProvider, *, description: Backend | None = None
    ) -> None:
        self._name = name
        self._provider: RemoteProvider = provider
        self._description = description
        self._fetched_configuration: QasmBackendConfiguration | None = None
        self._fetched_properties: BackendProperties | None = None
        self._has_properties: bool | None = None

    def name(self) -> str:
        """The name under which the server hosts it."""
        return self._name

    def version(self) -> str:
        """The backend's version in its own words."""
        return self._described().reported_version

    def provider(self) -> RemoteProvider:
        """The provider that it comes from."""
        return self._provider

    def configuration(self) -> QasmBackendConfiguration:
        """Its configuration, fetched once.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        if self._fetched_configuration is None:
            message = self._provider._backend_calls.get_backend_configuration(self._name)
            self._fetched_configuration = backend_configuration_from_proto(message)
        return self._fetched_configuration

    def properties(self) -> BackendProperties | None:
        """Its properties, fetched once; None where it has none.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        if self._has_properties is None:
            message = self._provider._backend_calls.get_backend_properties(self._name)
            self._has_properties = message is not None
            if message is not None:
                self._fetched_properties = backend_properties_from_proto(message)
        return self._fetched_properties

    def status(self) -> BackendStatus:
        """Its status at this moment.

        Raises:
            BackendNotFoundError: the server does not host it any more.
            ServerUnreachableError: no server answers.
        """
        return backend_status_from_proto(
            self._provider._backend_calls.get_backend_status(self._name)
        )

    def refresh(self) -> None:
        """Forgets what was fetched; the next question goes to the server."""
        self._description = None
        self._fetched_configuration = None
        self._fetched_properties = None
        self._has_properties = None

    def run(
        self,
        run_input: Any,
        *,
        job_name: str = "",
        job_tags: Sequence[str] = (),
        **options: Any,
    ) -> RemoteJob:
        """Submits a job, and returns when the server has recorded it.

        Args:
            run_input: a QasmQobj or its dict; one or many QuantumCircuits; one or
                many texts in OpenQASM 2 or 3.
            job_name: a name for people.
            job_tags: labels by which the job is found again.
            options: ``shots``, ``memory``, ``seed_simulator``, ``meas_level``,
                ``meas_return``, and the backend's own options by name.

        Raises:
            InvalidProgramError: the input cannot be sent to this backend.
            InvalidOptionError: an option is unknown, or its value is wrong.
            LimitExceededError: the program is too large, or the queue is full.
            BackendNotOperationalError: the backend cannot run jobs now.
            ServerUnreachableError: no server answers.
        """
        run_options = run_options_to_proto(**options)
        described = self._runnable()
        program = program_to_proto(run_input, accepted_programs=described.accepted_programs)
        spec = JobSpec(
            backend_name=self._name,
            program=program,
            options=run_options,
            name=job_name,
            tags=job_tags,
        )
        check_spec(spec, described)
        # The key makes it safe to send the request again when the answer is lost.
        request = RunJobRequest(spec=spec, request_id=uuid.uuid4().hex)
        calls = self._provider._job_calls
        stream, event = JobStream.run(calls, request)
        return RemoteJob(self, event.accepted.job, calls, stream)

    @property
    def target(self) -> NoReturn:
        """Not there: the classic interface has no Target.

        Raises:
            InvalidArgumentError: always, with what to use instead.
        """
        raise InvalidArgumentError(
            f"'{self._name}' is a classic backend and has no Target, so transpile(backend=...) "
            "cannot use it. Transpile with its configuration: c = backend.configuration(); "
            "transpile(circuit, basis_gates=c.basis_gates, coupling_map=c.coupling_map)"
        )

    # transpile() looks at this first; the answer is the same.
    num_qubits = target

    def _described(self) -> Backend:
        """What the server tells of it in a listing, fetched once."""
        if self._description is None:
            self._description = self._provider.get_backend(self._name)._described()
        return self._description

    def _runnable(self) -> Backend:
        """The same, of a backend that the server has loaded."""
        if not self._described().accepted_programs:
            # It may have been loaded since.
            self._description = None
        described = self._described()
        if not described.accepted_programs:
            raise BackendNotOperationalError(
                f"Backend '{self._name}' cannot run jobs: {described.status.status_msg}",
                reason="BACKEND_NOT_OPERATIONAL",
            )
        return described

    def __repr__(self) -> str:
        return f"<RemoteBackend('{self._name}') from {self._provider!r}>"

    def _repr_html_(self) -> str:
        status = self.status()
        return (
            f"<b>{html.escape(self._name)}</b> at {html.escape(self._provider.address)}"
            f"{status._repr_html_()}"
        )
