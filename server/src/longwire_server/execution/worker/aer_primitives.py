"""Aer's own sampler and estimator over its hosted simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from qiskit.circuit import ParameterExpression, QuantumCircuit
from qiskit.primitives import PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.result import Result
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from longwire.errors import InvalidOptionError
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.backends.parameters import Sweep
from longwire_server.execution.worker.backend_primitives import FinishedJob
from longwire_server.execution.worker.hosted_primitive import HostedPrimitive
from longwire_server.execution.worker.observed_circuit import ObservedCircuit
from longwire_server.execution.worker.pub_seeds import SeedSteps, seed_steps


def aer_sampler(backend: HostedBackend, options: Mapping[str, Any]) -> HostedPrimitive:
    """Aer's ``SamplerV2`` over a hosted AerSimulator.

    Args:
        backend: the backend.
        options: those of the sampler that are set.
    """
    seeds = seed_steps(backend, options)

    def run(sweeps: Sequence[Sweep], asked: dict[str, Any]) -> Result:
        shots = asked["shots"]
        if seeds is not None:
            asked["seed_simulator"] = seeds.next_seed(shots)
        result = backend.run_checked(sweeps, backend.checked_options(asked))
        if seeds is not None:
            seeds.advance(shots, len(result.results))
        return result

    own = {"default_shots": options["default_shots"]} if "default_shots" in options else {}
    sampler = SamplerV2.from_backend(
        HostedAsAerSimulator(run),
        seed=options.get("seed_simulator"),
        options={"run_options": options.get("run_options", {})},
        **own,
    )
    return HostedPrimitive(
        sampler,
        lambda pub: sampler.default_shots if pub.shots is None else pub.shots,
        seeds,
        takes_bare_shapes=False,
    )


def aer_estimator(backend: HostedBackend, options: Mapping[str, Any]) -> HostedPrimitive:
    """Aer's ``EstimatorV2`` over a hosted AerSimulator.

    It runs every pub by itself, with the seed of the job.

    Args:
        backend: the backend.
        options: those of the estimator that are set.

    Raises:
        InvalidOptionError: it has no such option.
    """
    if "abelian_grouping" in options:
        raise InvalidOptionError(
            f"backend {backend.name!r} has no abelian_grouping: its estimator computes each "
            "observable from the state; leave it out"
        )

    def run(sweeps: Sequence[Sweep], asked: dict[str, Any]) -> Result:
        return backend.run_checked(sweeps, backend.checked_options(asked))

    run_options = dict(options.get("run_options", {}))
    if "seed_simulator" in options:
        run_options["seed_simulator"] = options["seed_simulator"]
    own: dict[str, Any] = {"run_options": run_options}
    if "default_precision" in options:
        own["default_precision"] = options["default_precision"]
    estimator = _ObservingEstimator.from_backend(HostedAsAerSimulator(run), options=own)
    return HostedPrimitive(
        estimator,
        lambda _: run_options.get("shots"),
        SeedSteps(None, 0),
        takes_bare_shapes=False,
    )


class _ObservingEstimator(EstimatorV2):
    """Aer's estimator on circuits that keep the instructions which it makes."""

    def run(
        self, pubs: Iterable[EstimatorPub], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Runs pubs."""
        return super().run(map(_observed, pubs), precision=precision)


def _observed(pub: EstimatorPub) -> EstimatorPub:
    return EstimatorPub(
        ObservedCircuit.of(pub.circuit),
        pub.observables,
        pub.parameter_values,
        pub.precision,
        validate=False,
    )


class HostedAsAerSimulator(AerSimulator):
    """A hosted AerSimulator in the form that Aer's primitives take as it is.

    Of another class they would make a simulator of their own, without the limits of
    the worker.

    Args:
        run_hosted: runs circuits at their points, with options.
    """

    def __init__(self, run_hosted: Callable[[Sequence[Sweep], dict[str, Any]], Result]) -> None:
        super().__init__()
        self._run_hosted = run_hosted

    def run(
        self,
        circuits: QuantumCircuit | Sequence[QuantumCircuit],
        parameter_binds: Sequence[Mapping[Any, Any]] | None = None,
        **options: Any,
    ) -> FinishedJob:
        """Runs circuits at the points of their bindings, and waits for their result."""
        if isinstance(circuits, QuantumCircuit):
            circuits = [circuits]
        binds = parameter_binds or [{}] * len(circuits)
        sweeps = [each for pair in zip(circuits, binds, strict=True) for each in _sweeps(*pair)]
        return FinishedJob(self._run_hosted(sweeps, options))


def _sweeps(circuit: QuantumCircuit, binds: Mapping[Any, Any]) -> list[Sweep]:
    """The circuit at each point of its bindings."""
    if not binds:
        return [Sweep(circuit, np.empty((1, 0)))]
    num_points = len(next(iter(binds.values())))
    if isinstance(circuit.global_phase, ParameterExpression):
        # It changes no outcome, and Aer binds a circuit without it natively.
        circuit = circuit.copy()
        circuit.global_phase = 0
    columns = [binds[parameter] for parameter in circuit.parameters]
    if not columns:
        return [Sweep(circuit, np.empty((1, 0)))] * num_points
    return [Sweep(circuit, np.array(columns).T)]
