"""A sampler on a server."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.primitives import BaseSamplerV2
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike

from longwire.codecs.pubs import sampler_spec_to_proto
from longwire.primitive_job import RemotePrimitiveJob
from longwire.primitive_options import SamplerOptions
from longwire.remote_primitive import RemotePrimitive

if TYPE_CHECKING:
    from longwire.backend import RemoteBackend
    from longwire.backend_v2 import RemoteBackendV2
    from longwire.execution_mode import ExecutionMode


class RemoteSampler(RemotePrimitive[SamplerOptions], BaseSamplerV2):
    """Samples bits from circuits, on a backend that is elsewhere.

    The server uses the backend's own sampler where it has one (Aer's), and Qiskit's
    ``BackendSamplerV2`` otherwise; equal seeds give equal bits.

    Args:
        backend: a RemoteBackendV2, or a classic RemoteBackend, which is taken as one; or
            a session or a batch on one (RemoteService.session, RemoteService.batch).
        options: a dictionary, or :class:`longwire.primitive_options.SamplerOptions`.
        mode: the same as ``backend``, by the name that it has in IBM's primitives.
        unknown: none; any other argument is refused with what to write.

    Raises:
        InvalidArgumentError: the backend is not on a server, or there is another argument.
        InvalidOptionError: an option is unknown.
    """

    def __init__(
        self,
        backend: RemoteBackendV2 | RemoteBackend | ExecutionMode | None = None,
        options: SamplerOptions | Mapping[str, Any] | None = None,
        *,
        mode: RemoteBackendV2 | RemoteBackend | ExecutionMode | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__(backend, options, SamplerOptions, mode, unknown)

    @property
    def default_shots(self) -> int:
        """Shots of pubs that state none."""
        return self._options.default_shots

    def run(
        self,
        pubs: Iterable[SamplerPubLike],
        *,
        shots: int | None = None,
        job_name: str = "",
        job_tags: Sequence[str] = (),
        max_run_seconds: float | None = None,
        max_queue_seconds: float | None = None,
        priority: int = 0,
    ) -> RemotePrimitiveJob:
        """Submits a job, and returns when the server has recorded it.

        Args:
            pubs: circuits, or tuples ``(circuit, parameter_values, shots)`` without
                what is not needed: whatever ``SamplerPub.coerce`` takes.
            shots: shots of pubs that state none.
            job_name: a name for people.
            job_tags: labels by which the job is found again.
            max_run_seconds: how long the job may run, in seconds; None leaves that to
                the server, whose own limits hold in any case.
            max_queue_seconds: how long it may wait in the queue, in seconds; None for
                any time.
            priority: how urgent it is among your jobs, -10 to 10; a step is worth ten
                minutes of waiting.

        Returns:
            The job. Its result has an entry for each pub, with a ``BitArray`` of the
            pub's shape for each classical register.

        Raises:
            ValueError, TypeError: a pub is none, as Qiskit's own samplers say it.
            InvalidProgramError: there is no pub, or one cannot be sent.
            InvalidOptionError: an option's value is wrong.
            LimitExceededError: the program is too large, or the queue is full.
            BackendNotOperationalError: the backend cannot run jobs now.
            ServerUnreachableError: no server answers.

        Warns:
            UserWarning: a circuit has no classical register.
            CalibrationChangedWarning: the backend's Target is another by now.
        """
        coerced = [SamplerPub.coerce(pub, shots) for pub in pubs]
        for index, pub in enumerate(coerced):
            if not pub.circuit.cregs:
                # In Qiskit's words.
                warnings.warn(
                    f"The {index}-th pub's circuit has no output classical registers and so the "
                    "result will be empty. Did you mean to add measurement instructions?",
                    UserWarning,
                    stacklevel=2,
                )
        circuits, spec = sampler_spec_to_proto(
            coerced,
            default_shots=self._options.default_shots,
            **self._backend_options(),
        )
        return self._submit(
            circuits,
            sampler=spec,
            job_name=job_name,
            job_tags=job_tags,
            max_run_seconds=max_run_seconds,
            max_queue_seconds=max_queue_seconds,
            priority=priority,
        )
