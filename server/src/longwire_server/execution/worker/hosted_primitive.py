"""A sampler or an estimator over a hosted backend."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2, PrimitiveResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from longwire_server.execution.worker.pub_seeds import SeedSteps

Pub: TypeAlias = SamplerPub | EstimatorPub


@dataclass(frozen=True)
class HostedPrimitive:
    """A sampler or an estimator, and how pubs are handed to it.

    Attributes:
        primitive: Qiskit's, Aer's, or the driver's own.
        shots_of: the shots of each point of a pub; None where that is the backend's
            default, or the driver's matter.
        seeds: those of the runs; None where all pubs must be run at once.
        takes_projectors: whether observables may hold projectors beside Paulis.
        takes_bare_shapes: whether a pub may have points where its circuit has no
            parameters.
        is_own: whether it is the driver's own, and runs circuits past the hosted backend.
        further_metadata: joins the metadata of each pub's result.
    """

    primitive: BaseSamplerV2 | BaseEstimatorV2
    shots_of: Callable[[Any], int | None]
    seeds: SeedSteps | None
    takes_projectors: bool = False
    takes_bare_shapes: bool = True
    is_own: bool = False
    further_metadata: Mapping[str, Any] = field(default_factory=dict)

    def run(self, pubs: Sequence[Pub]) -> PrimitiveResult[Any]:
        """Runs pubs and waits for their results.

        Primitives run in threads of their own, which end with them. What is raised
        there, panics of native code included, is raised here.
        """
        with warnings.catch_warnings():
            # That a circuit measures nothing: its sender was told.
            warnings.filterwarnings("ignore", "The .*-th pub's circuit has no output", UserWarning)
            job = self.primitive.run(pubs)
        result: PrimitiveResult[Any] = job.result()
        if self.further_metadata:
            for pub_result in result:
                pub_result.metadata.update(self.further_metadata)
        return result
