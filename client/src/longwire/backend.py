"""A backend of a server, in Qiskit's classic interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from longwire.backend_v2 import RemoteBackendV2
from longwire.described_backend import DescribedBackend
from longwire.errors import InvalidArgumentError
from longwire.job import RemoteJob
from longwire.providers import BaseBackend
from longwire.run_spec import run_spec, transpile_options
from longwire.submission import submit

if TYPE_CHECKING:
    from longwire.provider import RemoteProvider
    from longwire.providers.models import (
        BackendProperties,
        BackendStatus,
        QasmBackendConfiguration,
    )
    from longwire.v1.backend_pb2 import Backend


class RemoteBackend(BaseBackend):
    """A backend that is elsewhere and behaves as if it were here.

    Made by :meth:`RemoteProvider.get_backend`. Configuration and properties are
    fetched when they are first asked for and kept until :meth:`refresh`; the
    status is asked for every time. Two are equal when they are the same backend of
    the same server.

    Args:
        name: the name under which the server hosts it.
        provider: the provider that it comes from.
        description: what the server tells of it in a listing, where that is known.
    """

    def __init__(
        self, name: str, provider: RemoteProvider, *, description: Backend | None = None
    ) -> None:
        self._provider: RemoteProvider = provider
        self._known = DescribedBackend(name, provider, description)

    def name(self) -> str:
        """The name under which the server hosts it."""
        return self._known.name

    def version(self) -> str:
        """The backend's version in its own words."""
        return self._known.listed().reported_version

    def provider(self) -> RemoteProvider:
        """The provider that it comes from."""
        return self._provider

    def configuration(self) -> QasmBackendConfiguration:
        """Its configuration, fetched once.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        return self._known.configuration()

    def properties(self) -> BackendProperties | None:
        """Its properties, fetched once; None where it has none.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        return self._known.properties()

    def status(self) -> BackendStatus:
        """Its status at this moment.

        Raises:
            BackendNotFoundError: the server does not host it any more.
            ServerUnreachableError: no server answers.
        """
        return self._known.status()

    def refresh(self) -> None:
        """Forgets what was fetched; the next question goes to the server."""
        self._known.forget()

    def to_v2(self) -> RemoteBackendV2:
        """The same backend in the interface of Qiskit 2, with a Target."""
        return RemoteBackendV2(
            self._known.name, self._provider, description=self._known.listed_so_far
        )

    def run(
        self,
        run_input: Any,
        *,
        job_name: str = "",
        job_tags: Sequence[str] = (),
        max_run_seconds: float | None = None,
        max_queue_seconds: float | None = None,
        priority: int = 0,
        transpile: bool | None = None,
        optimization_level: int | None = None,
        seed_transpiler: int | None = None,
        initial_layout: Sequence[int] | None = None,
        parameter_binds: Sequence[Mapping[Any, Any]] | None = None,
        **options: Any,
    ) -> RemoteJob:
        """Submits a job, and returns when the server has recorded it.

        Args:
            run_input: a QasmQobj or its dict; one or many QuantumCircuits; one or
                many texts in OpenQASM 2 or 3.
            job_name: a name for people.
            job_tags: labels by which the job is found again.
            max_run_seconds: how long the job may run, in seconds; None leaves that to
                the server, whose own limits hold in any case.
            max_queue_seconds: how long it may wait in the queue, in seconds; None for
                any time.
            priority: how urgent it is among your jobs, -10 to 10; a step is worth ten
                minutes of waiting.
            transpile: True has the server transpile the circuits for the backend
                first. The next three arguments ask for the same.
            optimization_level: the transpiler's, 0 to 3.
            seed_transpiler: seed of the transpiler's random choices.
            initial_layout: the physical qubit for each qubit of the circuit.
            parameter_binds: values for the circuits' parameters, which are bound by
                the server: for each circuit a dictionary from each parameter to its
                values, as in ``[{theta: [0.1, 0.2]}]``.
            options: ``shots``, ``memory``, ``seed_simulator``, ``meas_level``,
                ``meas_return``, ``save_statevector``, and the backend's own options by
                name (on simulators of Aer ``noise_model``).

        Raises:
            InvalidProgramError: the input cannot be sent to this backend.
            InvalidOptionError: an option is unknown, or its value is wrong.
            LimitExceededError: the program is too large, or the queue is full.
            BackendNotOperationalError: the backend cannot run jobs now.
            ServerUnreachableError: no server answers.
        """
        transpilation = transpile_options(
            transpile=transpile,
            optimization_level=optimization_level,
            seed_transpiler=seed_transpiler,
            initial_layout=initial_layout,
        )
        described = self._known.runnable()
        spec = run_spec(
            described,
            run_input,
            options={**options, "parameter_binds": parameter_binds},
            transpilation=transpilation,
            job_name=job_name,
            job_tags=job_tags,
            max_run_seconds=max_run_seconds,
            max_queue_seconds=max_queue_seconds,
            priority=priority,
        )
        calls = self._provider._job_calls
        stream, job = submit(calls, described, spec)
        return RemoteJob(self, job, calls, stream)

    @property
    def target(self) -> NoReturn:
        """Not there: the classic interface has no Target.

        Raises:
            InvalidArgumentError: always, with what to use instead.
        """
        raise InvalidArgumentError(
            f"'{self._known.name}' is a classic backend and has no Target, so "
            "transpile(backend=...) cannot use it: give it backend.to_v2(), the same backend in "
            "the interface of Qiskit 2. Or have the server transpile: "
            "backend.run(circuit, transpile=True)"
        )

    # transpile() looks at this first; the answer is the same.
    num_qubits = target

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteBackend):
            return NotImplemented
        return self._known == other._known

    def __hash__(self) -> int:
        return hash(self._known)

    def __repr__(self) -> str:
        return f"<RemoteBackend('{self._known.name}') from {self._provider!r}>"

    def _repr_html_(self) -> str:
        return self._known.html()
