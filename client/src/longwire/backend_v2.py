"""A backend of a server, in the interface of Qiskit 2."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.providers import BackendV2, Options
from qiskit.transpiler.preset_passmanagers.plugin import list_stage_plugins

from longwire.codecs.option_names import near_names, unknown_name_hint
from longwire.codecs.value import struct_from_proto
from longwire.described_backend import DescribedBackend
from longwire.errors import LongwireError, UnknownOptionError
from longwire.job import RemoteJob
from longwire.run_spec import run_spec, transpile_options
from longwire.submission import submit
from longwire.target_cache import cached_target

if TYPE_CHECKING:
    from qiskit.transpiler import CouplingMap, Target

    from longwire.providers.models import (
        BackendProperties,
        BackendStatus,
        QasmBackendConfiguration,
    )
    from longwire.session import ServerSession
    from longwire.transport.job_calls import JobCalls
    from longwire.v1.backend_pb2 import Backend
    from longwire.v1.target_pb2 import EncodedTarget


class RemoteBackendV2(BackendV2):
    """A backend that is elsewhere and behaves as if it were here.

    Made by :meth:`RemoteService.backend`, or by :meth:`RemoteBackend.to_v2`. What
    it is, its Target first of all, is fetched when it is first asked for and kept
    until :meth:`refresh`; the status is asked for every time. Each object has a
    Target of its own, always the same one, which its owner may change as that of a
    local backend. It can be used by several threads, pickled and copied. Two are
    equal when they are the same backend of the same server.

    Args:
        name: the name under which the server hosts it.
        session: the RemoteService or RemoteProvider that it comes from.
        description: what the server tells of it in a listing, where that is known.
    """

    # Attributes of BackendV2, which has no types.
    _options: Options
    _coupling_map: CouplingMap | None

    def __init__(
        self, name: str, session: ServerSession, *, description: Backend | None = None
    ) -> None:
        self._known = DescribedBackend(name, session, description)
        self._lock = threading.RLock()
        self._target: Target | None = None
        self._target_digest = b""
        # As the server tells them; None until they are asked for.
        self._default_values: dict[str, Any] | None = None
        super().__init__(provider=session, name=name)

    @classmethod
    def _default_options(cls) -> Options:
        # The server tells them, object by object: see options.
        return Options()

    @property
    def service(self) -> ServerSession:
        """The RemoteService or RemoteProvider that it comes from."""
        return self._known.session

    @property
    def description(self) -> str | None:
        """What it is, in a sentence; None where the server says nothing.

        Raises:
            ServerUnreachableError: no server answers.
        """
        return self._known.listed().description or None

    @description.setter
    def description(self, description: None) -> None:
        _refuse_to_set("description", description)

    @property
    def backend_version(self) -> str | None:
        """Its version in its own words; None where it tells none.

        Raises:
            ServerUnreachableError: no server answers.
        """
        return self._known.listed().reported_version or None

    @backend_version.setter
    def backend_version(self, backend_version: None) -> None:
        _refuse_to_set("backend_version", backend_version)

    @property
    def online_date(self) -> datetime.datetime | None:
        """When it went online, as its configuration has it; None where it does not tell.

        Raises:
            ServerUnreachableError: no server answers.
        """
        return getattr(self.configuration(), "online_date", None)

    @online_date.setter
    def online_date(self, online_date: None) -> None:
        _refuse_to_set("online_date", online_date)

    @property
    def target(self) -> Target:
        """Its Target: one snapshot until :meth:`refresh`, the same object every time.

        Fetched in one call, or read from the cache on this machine where its digest
        is there (see :mod:`longwire.target_cache`).

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        with self._lock:
            if self._target is None:
                known_sha256 = self._known.listed().target_sha256
                self._target_digest, self._target = cached_target(known_sha256, self._fetch_target)
            return self._target

    @property
    def coupling_map(self) -> CouplingMap | None:
        """The pairs of qubits with operations on both; None where all have them.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        with self._lock:
            if self._coupling_map is None:
                self._coupling_map = self.target.build_coupling_map()
            return self._coupling_map

    @property
    def max_circuits(self) -> int | None:
        """The most circuits that the backend itself takes at once; None for any number.

        A job may hold more: the server runs them in several parts.
        """
        listed = self._known.listed()
        return listed.max_circuits if listed.HasField("max_circuits") else None

    @property
    def options(self) -> Options:
        """The run options, with the server's defaults. What is set here goes with every run.

        Raises:
            ServerUnreachableError: no server answers.
        """
        with self._lock:
            if self._default_values is None:
                listed = self._known.listed()
                changed = dict(self._options)
                self._default_values = _default_values(listed)
                # Read twice, so that what is changed in place differs from its default.
                self._options = Options(**{**_default_values(listed), **changed})
            return self._options

    def set_options(self, **fields: Any) -> None:
        """Sets run options, which then go with every run.

        Args:
            fields: the options, by name. None leaves an option to the server.

        Raises:
            UnknownOptionError: the backend has no such option. It is an
                AttributeError, too, which Qiskit's backends raise.
            ServerUnreachableError: no server answers.
        """
        options = self.options
        for name in fields:
            if name not in options:
                raise UnknownOptionError(
                    f"Backend '{self._known.name}' has no option '{name}'; "
                    f"{unknown_name_hint(name, options)}",
                    details={"near": ",".join(near_names(name, options))},
                )
        options.update_options(**fields)

    def get_translation_stage_plugin(self) -> str | None:
        """The plugin for the stage ``translation`` that its driver wants; None for Qiskit's own.

        Raises:
            LongwireError: it is not installed here.
            ServerUnreachableError: no server answers.
        """
        return self._installed_plugin("translation", self._known.listed().translation_stage_plugin)

    def get_scheduling_stage_plugin(self) -> str | None:
        """The plugin for the stage ``scheduling`` that its driver wants; None for Qiskit's own.

        Raises:
            LongwireError: it is not installed here.
            ServerUnreachableError: no server answers.
        """
        return self._installed_plugin("scheduling", self._known.listed().scheduling_stage_plugin)

    def configuration(self) -> QasmBackendConfiguration:
        """Its configuration in the form of the classic interface, fetched once.

        Raises:
            BackendNotOperationalError: the server could not load the backend.
            ServerUnreachableError: no server answers.
        """
        return self._known.configuration()

    def properties(self) -> BackendProperties | None:
        """Its properties in the form of the classic interface, fetched once; None without any.

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
        """Forgets what was fetched; the next question goes to the server.

        Options that were set stay set.
        """
        with self._lock:
            self._known.forget()
            self._target = None
            self._target_digest = b""
            self._coupling_map = None
            self._options = Options(**self._changed_options())
            self._default_values = None

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
            run_input: one or many QuantumCircuits; one or many texts in OpenQASM 2 or
                3; or a QasmQobj or its dict.
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
                name (on simulators of Aer ``noise_model``), in place of those of
                :attr:`options`. None leaves an option as it is there.

        Raises:
            InvalidProgramError: the input cannot be sent to this backend.
            InvalidOptionError: an option is unknown, or its value is wrong.
            LimitExceededError: the program is too large, or the queue is full.
            BackendNotOperationalError: the backend cannot run jobs now.
            ServerUnreachableError: no server answers.

        Warns:
            CalibrationChangedWarning: the backend's Target is no longer the one that
                this object gave out.
        """
        transpilation = transpile_options(
            transpile=transpile,
            optimization_level=optimization_level,
            seed_transpiler=seed_transpiler,
            initial_layout=initial_layout,
        )
        described = self._runnable()
        given = {name: value for name, value in options.items() if value is not None}
        spec = run_spec(
            described,
            run_input,
            options={**self._changed_options(), **given, "parameter_binds": parameter_binds},
            transpilation=transpilation,
            job_name=job_name,
            job_tags=job_tags,
            max_run_seconds=max_run_seconds,
            max_queue_seconds=max_queue_seconds,
            priority=priority,
        )
        # What the server transpiles fits what the backend is now.
        target_sha256 = self._target_sha256 if transpilation is None else b""
        stream, job = submit(self._job_calls, described, spec, target_sha256=target_sha256)
        return RemoteJob(self, job, self._job_calls, stream)

    @property
    def _job_calls(self) -> JobCalls:
        return self._known.session._job_calls

    @property
    def _target_sha256(self) -> bytes:
        """The digest of the Target that was given out; empty where none was."""
        return self._target_digest

    def _runnable(self) -> Backend:
        """What the server tells of it, which has loaded it."""
        return self._known.runnable()

    def _fetch_target(self) -> EncodedTarget:
        return self._known.session._backend_calls.get_backend_target(self._known.name)

    def _installed_plugin(self, stage: str, plugin: str) -> str | None:
        if not plugin:
            return None
        if plugin not in list_stage_plugins(stage):
            raise LongwireError(
                f"Backend '{self._known.name}' wants the transpiler's plugin '{plugin}' for the "
                f"stage {stage}, which is not installed here: install the package that has it, "
                f"choose another ({stage}_method=...), or have the server transpile: "
                "backend.run(circuit, transpile=True)",
                reason="PLUGIN_NOT_INSTALLED",
            )
        return plugin

    def _changed_options(self) -> dict[str, Any]:
        """The options that are not as the server has them by default."""
        with self._lock:
            defaults = self._default_values or {}
            return {
                name: value
                for name, value in self._options.items()
                if name not in defaults or not _is_equal(value, defaults[name])
            }

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteBackendV2):
            return NotImplemented
        return self._known == other._known

    def __hash__(self) -> int:
        return hash(self._known)

    def __repr__(self) -> str:
        return f"<RemoteBackendV2('{self._known.name}') from {self._known.session!r}>"

    def _repr_html_(self) -> str:
        return self._known.html()


def _refuse_to_set(name: str, value: object) -> None:
    # BackendV2's constructor sets it to None.
    if value is not None:
        raise AttributeError(f"{name} is what the server tells of the backend; it cannot be set")


def _default_values(listed: Backend) -> dict[str, Any]:
    """The run options that a backend has, with their values where the server tells them."""
    told = struct_from_proto(listed.default_options)
    return {**dict.fromkeys(listed.option_names), **told}


def _is_equal(value: Any, default: Any) -> bool:
    if value is default:
        return True
    try:
        return type(value) is type(default) and bool(value == default)
    except ValueError:  # arrays, which compare element by element
        return False
