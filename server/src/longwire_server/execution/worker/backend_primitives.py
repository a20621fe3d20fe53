"""Qiskit's generic sampler and estimator over any hosted backend.

They take a BackendV2, and a hosted backend is made to look like one: so that its
options, limits and checks hold, classic drivers included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.primitives.backend_estimator_v2 import Options as BackendEstimatorOptions
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.providers import BackendV2, Options
from qiskit.result import Result
from qiskit.transpiler import Target

from longwire.errors import InvalidOptionError
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.backends.outcome import check_shots
from longwire_server.backends.parameters import sweeps_of
from longwire_server.execution.worker.hosted_primitive import HostedPrimitive
from longwire_server.execution.worker.pub_seeds import SeedSteps, runs_on_aer, seed_steps

# Below it, shots are more than any backend takes.
_LEAST_VARIANCE: Final = 1e-18


def backend_sampler(backend: HostedBackend, options: Mapping[str, Any]) -> HostedPrimitive:
    """A ``BackendSamplerV2`` over a hosted backend.

    A driver that cannot return the outcome of every shot gives counts instead. The
    shots are then put in an order that is drawn at random, and the metadata of
    each pub's result says so: ``shot_order`` is ``random``.

    Args:
        backend: the backend.
        options: those of the sampler that are set.
    """
    seeds = seed_steps(backend, options)
    adapter = _adapter(backend, seeds)
    adapter.draws_memory = not _has_memory(backend)
    sampler = BackendSamplerV2(backend=adapter, options=dict(options))
    return HostedPrimitive(
        sampler,
        lambda pub: sampler.options.default_shots if pub.shots is None else pub.shots,
        seeds,
        further_metadata={"shot_order": "random"} if adapter.draws_memory else {},
    )


def backend_estimator(backend: HostedBackend, options: Mapping[str, Any]) -> HostedPrimitive:
    """A ``BackendEstimatorV2`` over a hosted backend.

    Args:
        backend: the backend.
        options: those of the estimator that are set.

    Raises:
        InvalidOptionError: the estimator sets one of the run options itself.
    """
    if "shots" in options.get("run_options", {}):
        raise InvalidOptionError(
            f"shots is not an option for the backend here: the estimator of backend "
            f"{backend.name!r} takes as many as the precision needs"
        )
    seeds = seed_steps(backend, options)
    adapter = _adapter(backend, seeds)
    # Qiskit's estimator has no options for the backend: the adapter adds them.
    adapter.run_options = options.get("run_options", {})
    own = {name: value for name, value in options.items() if name != "run_options"}
    own.setdefault("default_precision", _default_precision(backend.max_shots))
    estimator = BackendEstimatorV2(backend=adapter, options=own)

    def shots_of(pub: EstimatorPub) -> int:
        precision = estimator.options.default_precision if pub.precision is None else pub.precision
        if precision <= 0:
            raise InvalidOptionError(
                f"precision {precision} cannot be reached: backend {backend.name!r} estimates "
                "from shots; ask for more than 0"
            )
        return math.ceil(1.0 / max(float(precision) ** 2, _LEAST_VARIANCE))

    return HostedPrimitive(estimator, shots_of, seeds)


def _default_precision(max_shots: int) -> float:
    """The default of Qiskit's estimator, or the best that a backend of few shots reaches."""
    usual: float = BackendEstimatorOptions().default_precision
    precision = max(usual, 1.0 / math.sqrt(max_shots))
    while math.ceil(1.0 / precision**2) > max_shots:
        precision = math.nextafter(precision, math.inf)
    return precision


class HostedAsBackendV2(BackendV2):
    """A hosted backend in the form of a BackendV2.

    Circuits that it runs must have been checked, and are checked no more: Qiskit's
    primitives make one for each point of a sweep.

    Args:
        backend: the hosted backend.
        max_circuits: most circuits of one run.
        seeds: gives each run its seed; None leaves the one that is asked for.

    Attributes:
        run_options: options of every run.
        draws_memory: whether the outcome of every shot is made from the counts.
    """

    def __init__(
        self, backend: HostedBackend, max_circuits: int | None, seeds: SeedSteps | None
    ) -> None:
        super().__init__(name=backend.name)
        self._hosted = backend
        self._max_circuits = max_circuits
        self._seeds = seeds
        self.run_options: Mapping[str, Any] = {}
        self.draws_memory = False

    @property
    def target(self) -> Target:
        """The hosted backend's Target."""
        return self._hosted.target

    @property
    def max_circuits(self) -> int | None:
        """Most circuits of one run; None where the hosted backend sees to it."""
        return self._max_circuits

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(
        self, run_input: QuantumCircuit | Sequence[QuantumCircuit], **options: Any
    ) -> FinishedJob:
        """Runs bound circuits and waits for their result."""
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        asked = {**self.run_options, **options}
        if self._seeds is not None:
            asked["seed_simulator"] = self._seeds.next_seed(asked["shots"])
        if self.draws_memory:
            del asked["memory"]
        checked = self._hosted.checked_options(asked)
        result = self._hosted.run_checked(sweeps_of(circuits, ()), checked)
        check_shots(result, asked["shots"], self._hosted.name)
        if self._seeds is not None:
            self._seeds.advance(asked["shots"], len(circuits))
        if self.draws_memory:
            _draw_memory(result, np.random.default_rng(asked.get("seed_simulator")))
        return FinishedJob(result)


class FinishedJob:
    """What a primitive asks of the job that a backend's ``run`` returns."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def result(self) -> Result:
        """The result."""
        return self._result


def _adapter(backend: HostedBackend, seeds: SeedSteps | None) -> HostedAsBackendV2:
    driver = backend.driver
    # What runs on Aer takes any number, and is run in parts with the seeds of one run.
    # Others get the parts, and the seeds, that Qiskit's primitives would give them.
    if not isinstance(driver, BackendV2) or runs_on_aer(driver):
        return HostedAsBackendV2(backend, None, seeds)
    return HostedAsBackendV2(backend, driver.max_circuits, seeds)


def _has_memory(backend: HostedBackend) -> bool:
    try:
        backend.checked_options({"memory": True})
    except InvalidOptionError:
        return False
    return True


def _draw_memory(result: Result, rng: np.random.Generator) -> None:
    """Adds the outcome of every shot to results that have counts, in a random order."""
    for outcome in result.results:
        counts = getattr(outcome.data, "counts", None)
        if counts:
            names = np.array(list(map(_hexadecimal, counts)), dtype=object)
            shots = np.repeat(names, list(counts.values()))
            rng.shuffle(shots)
            outcome.data.memory = shots.tolist()


def _hexadecimal(outcome: str) -> str:
    """An outcome as Qiskit's sampler reads it."""
    if outcome.startswith("0x"):
        return outcome
    return hex(int(outcome.replace(" ", ""), 2))
