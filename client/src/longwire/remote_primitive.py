"""What a remote sampler and a remote estimator have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from longwire.codecs.program import program_to_proto
from longwire.errors import InvalidArgumentError, InvalidOptionError
from longwire.execution_mode import ExecutionMode, mode_and_backend
from longwire.primitive_job import RemotePrimitiveJob
from longwire.primitive_options import PrimitiveOptions
from longwire.run_spec import check_labels, checked_priority, set_time_limits, transpile_options
from longwire.submission import submit
from longwire.v1.job_pb2 import JobSpec

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from longwire.backend import RemoteBackend
    from longwire.backend_v2 import RemoteBackendV2
    from longwire.v1.primitive_pb2 import EstimatorSpec, SamplerSpec

# The primitive decides these itself.
_OF_PRIMITIVES = frozenset({"shots", "memory", "seed_simulator"})

OptionsT = TypeVar("OptionsT", bound=PrimitiveOptions)


class RemotePrimitive(Generic[OptionsT]):
    """A primitive on a backend of a server.

    Args:
        backend: the backend, or a session or a batch on one.
        options: the options, as a dictionary or an object.
        options_class: their class.
        mode: the same as ``backend``, by the name that it has in IBM's primitives.
        unknown: other arguments; all are refused.

    Raises:
        InvalidArgumentError: the backend is not on a server, or there is another argument.
        InvalidOptionError: an option is unknown.
    """

    def __init__(
        self,
        backend: RemoteBackendV2 | RemoteBackend | ExecutionMode | None,
        options: OptionsT | Mapping[str, Any] | None,
        options_class: type[OptionsT],
        mode: RemoteBackendV2 | RemoteBackend | ExecutionMode | None,
        unknown: Mapping[str, Any],
    ) -> None:
        for name in unknown:
            own = type(self).__name__
            raise InvalidArgumentError(
                f"{own}() has no argument '{name}': write {own}(backend, options=...)"
            )
        if backend is not None and mode is not None:
            raise InvalidArgumentError(
                f"{type(self).__name__}() got a backend and a mode: a mode has its backend, so "
                "give one of the two"
            )
        self._mode, backend = mode_and_backend(backend if mode is None else mode)
        self._backend = _as_remote_v2(backend)
        self._options_class = options_class
        self._options = options_class.of(options)

    @property
    def backend(self) -> RemoteBackendV2:
        """The backend on which it runs."""
        return self._backend

    @property
    def options(self) -> OptionsT:
        """The options, which can be assigned, one by one or all at once.

        Raises:
            InvalidOptionError: an option that is assigned is unknown.
        """
        return self._options

    @options.setter
    def options(self, options: OptionsT | Mapping[str, Any]) -> None:
        self._options = self._options_class.of(options)

    def _backend_options(self) -> dict[str, Any]:
        """The run options and the seed that go with a job.

        What was set on the backend counts as it does with a local one: not its
        shots, and its seed where the primitive has none.

        Raises:
            InvalidOptionError: the run options are no dictionary.
        """
        run_options = self._options.run_options or {}
        if not isinstance(run_options, Mapping):
            raise InvalidOptionError(
                "run_options must be a dictionary of the backend's options, "
                f"not {run_options!r:.100}",
                reason="OPTION_INVALID",
            )
        of_backend = self._backend._changed_options()
        seed = self._options.seed_simulator
        return {
            "seed_simulator": of_backend.get("seed_simulator") if seed is None else seed,
            "run_options": {
                **{name: of_backend[name] for name in of_backend if name not in _OF_PRIMITIVES},
                **run_options,
            },
        }

    def _submit(
        self,
        circuits: Sequence[QuantumCircuit],
        *,
        job_name: str,
        job_tags: Sequence[str],
        max_run_seconds: float | None,
        max_queue_seconds: float | None,
        priority: int,
        sampler: SamplerSpec | None = None,
        estimator: EstimatorSpec | None = None,
    ) -> RemotePrimitiveJob:
        """Submits a job with the primitive's part of it, and returns when it is recorded."""
        check_labels(job_name, job_tags)
        transpilation = transpile_options(
            transpile=self._options.transpile,
            optimization_level=self._options.optimization_level,
            seed_transpiler=self._options.seed_transpiler,
            initial_layout=self._options.initial_layout,
        )
        backend = self._backend
        described = backend._runnable()
        spec = JobSpec(
            backend_name=described.name,
            program=program_to_proto(circuits, accepted_programs=described.accepted_programs),
            name=job_name,
            tags=job_tags,
            sampler=sampler,
            estimator=estimator,
            transpile=transpilation,
        )
        set_time_limits(spec, max_run_seconds=max_run_seconds, max_queue_seconds=max_queue_seconds)
        spec.priority = checked_priority(priority)
        # What the server transpiles fits what the backend is now.
        target_sha256 = backend._target_sha256 if transpilation is None else b""
        calls = backend._job_calls
        stream, job = submit(calls, described, spec, target_sha256=target_sha256, mode=self._mode)
        return RemotePrimitiveJob(backend, job, backend._job_calls, stream)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._backend!r}, {self._options!r})"


def _as_remote_v2(backend: Any) -> RemoteBackendV2:
    # By their methods: both classes are built on top of this module.
    if hasattr(backend, "to_v2"):
        backend = backend.to_v2()
    if not hasattr(backend, "_runnable"):
        raise InvalidArgumentError(
            f"A remote primitive needs a backend of a server, such as "
            f"RemoteService(address).backend(name), not {backend!r:.100}; for a local backend "
            "there are qiskit.primitives.BackendSamplerV2 and BackendEstimatorV2"
        )
    remote: RemoteBackendV2 = backend
    return remote
