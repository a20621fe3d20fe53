"""An estimator on a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.primitives import BaseEstimatorV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike

from longwire.codecs.pubs import estimator_spec_to_proto
from longwire.primitive_job import RemotePrimitiveJob
from longwire.primitive_options import EstimatorOptions
from longwire.remote_primitive import RemotePrimitive

if TYPE_CHECKING:
    from longwire.backend import RemoteBackend
    from longwire.backend_v2 import RemoteBackendV2
    from longwire.execution_mode import ExecutionMode


class RemoteEstimator(RemotePrimitive[EstimatorOptions], BaseEstimatorV2):
    """Estimates expectation values, on a backend that is elsewhere.

    The server uses the backend's own estimator where it has one (Aer's), and
    Qiskit's ``BackendEstimatorV2`` otherwise; equal seeds give equal values.

    Args:
        backend: a RemoteBackendV2, or a classic RemoteBackend, which is taken as one; or
            a session or a batch on one (RemoteService.session, RemoteService.batch).
        options: a dictionary, or :class:`longwire.primitive_options.EstimatorOptions`.
        mode: the same as ``backend``, by the name that it has in IBM's primitives.
        unknown: none; any other argument is refused with what to write.

    Raises:
        InvalidArgumentError: the backend is not on a server, or there is another argument.
        InvalidOptionError: an option is unknown.
    """

    def __init__(
        self,
        backend: RemoteBackendV2 | RemoteBackend | ExecutionMode | None = None,
        options: EstimatorOptions | Mapping[str, Any] | None = None,
        *,
        mode: RemoteBackendV2 | RemoteBackend | ExecutionMode | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__(backend, options, EstimatorOptions, mode, unknown)

    @property
    def default_precision(self) -> float | None:
        """Precision of pubs that state none; None where the backend decides."""
        return self._options.default_precision

    def run(
        self,
        pubs: Iterable[EstimatorPubLike],
        *,
        precision: float | None = None,
        job_name: str = "",
        job_tags: Sequence[str] = (),
        max_run_seconds: float | None = None,
        max_queue_seconds: float | None = None,
        priority: int = 0,
    ) -> RemotePrimitiveJob:
        """Submits a job, and returns when the server has recorded it.

        Args:
            pubs: tuples ``(circuit, observables, parameter_values, precision)``
                without what is not needed: whatever ``EstimatorPub.coerce`` takes. The
                shapes of observables and parameter values are broadcast.
            precision: the standard error that is aimed at for pubs that state none.
            job_name: a name for people.
            job_tags: labels by which the job is found again.
            max_run_seconds: how long the job may run, in seconds; None leaves that to
                the server, whose own limits hold in any case.
            max_queue_seconds: how long it may wait in the queue, in seconds; None for
                any time.
            priority: how urgent it is among your jobs, -10 to 10; a step is worth ten
                minutes of waiting.

        Returns:
            The job. Its result has an entry for each pub, with arrays ``evs`` and
            ``stds`` of the pub's shape.

        Raises:
            ValueError, TypeError: a pub is none, as Qiskit's own estimators say it.
            InvalidProgramError: there is no pub, or one cannot be sent.
            InvalidOptionError: an option's value is wrong.
            LimitExceededError: the program is too large, or the queue is full.
            BackendNotOperationalError: the backend cannot run jobs now.
            ServerUnreachableError: no server answers.

        Warns:
            CalibrationChangedWarning: the backend's Target is another by now.
        """
        coerced = [EstimatorPub.coerce(pub, precision) for pub in pubs]
        circuits, spec = estimator_spec_to_proto(
            coerced,
            default_precision=self._options.default_precision,
            abelian_grouping=self._options.abelian_grouping,
            **self._backend_options(),
        )
        return self._submit(
            circuits,
            estimator=spec,
            job_name=job_name,
            job_tags=job_tags,
            max_run_seconds=max_run_seconds,
            max_queue_seconds=max_queue_seconds,
            priority=priority,
        )
