"""The same backends in two places: in this process, and at the other end of a wire.

A test that takes a place runs in both. The remote one compares every outcome
with what the local one gives for the same call and seed, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from qiskit import transpile
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BaseEstimatorV2,
    BaseSamplerV2,
    PrimitiveResult,
)
from qiskit.providers import BackendV2
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.result import Result
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2
from same_results import assert_same_primitive_results, assert_same_results

from longwire import RemoteEstimator, RemoteSampler, RemoteService

SEED = 20_260_101

# What a server must host to be a remote place.
HOSTED = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "aer_simulator"

[[backend]]
name = "basic_simulator"

[[backend]]
name = "fake_manila"
factory = "longwire_server.backends.hosted:fake_device"
arguments = { model = "FakeManilaV2" }

[[backend]]
name = "generic"
factory = "qiskit.providers.fake_provider:GenericBackendV2"
arguments = { num_qubits = 4, seed = 7 }
"""


class Place:
    """Where backends, samplers and estimators are. Seeds are fixed unless a call gives one."""

    def backend(self, name: str = "aer_simulator") -> BackendV2:
        """Returns a backend object."""
        raise NotImplementedError

    def sampler(self, name: str = "aer_simulator", **options: Any) -> BaseSamplerV2:
        """Returns a sampler: ``default_shots``, ``seed_simulator``, ``run_options``."""
        raise NotImplementedError

    def estimator(self, name: str = "aer_simulator", **options: Any) -> BaseEstimatorV2:
        """Returns an estimator: ``default_precision``, ``seed_simulator``, ``run_options``..."""
        raise NotImplementedError

    def run(self, circuits: Any, name: str = "aer_simulator", **options: Any) -> Result:
        """Runs circuits on a fresh backend object."""
        return self.backend(name).run(circuits, **{"seed_simulator": SEED, **options}).result()

    def sample(
        self, pubs: Sequence[Any], *, shots: int | None = None, **sampler: Any
    ) -> PrimitiveResult:
        """Samples pubs with a fresh sampler."""
        return self.sampler(**{"seed_simulator": SEED, **sampler}).run(pubs, shots=shots).result()

    def estimate(
        self, pubs: Sequence[Any], *, precision: float | None = None, **estimator: Any
    ) -> PrimitiveResult:
        """Estimates pubs with a fresh estimator."""
        made = self.estimator(**{"seed_simulator": SEED, **estimator})
        return made.run(pubs, precision=precision).result()

    def transpile(self, circuits: Any, name: str = "aer_simulator", **options: Any) -> Any:
        """Transpiles circuits for a backend."""
        return transpile(circuits, self.backend(name), **{"seed_transpiler": 11, **options})


class LocalPlace(Place):
    """This process: the backends and primitives that a user would take without Longwire."""

    def backend(self, name: str = "aer_simulator") -> BackendV2:
        match name:
            case "aer_simulator":
                return AerSimulator()
            case "basic_simulator":
                return BasicSimulator()
            case "fake_manila":
                return _noisy_manila()
            case "generic":
                return GenericBackendV2(num_qubits=4, seed=7)
        raise ValueError(name)

    def sampler(self, name: str = "aer_simulator", **options: Any) -> BaseSamplerV2:
        if name != "aer_simulator":
            return BackendSamplerV2(backend=self.backend(name), options=options)
        return SamplerV2(
            default_shots=options.get("default_shots", 1024),
            seed=options.get("seed_simulator"),
            options={"run_options": options.get("run_options", {})},
        )

    def estimator(self, name: str = "aer_simulator", **options: Any) -> BaseEstimatorV2:
        if name != "aer_simulator":
            return BackendEstimatorV2(backend=self.backend(name), options=options)
        run_options = dict(options.get("run_options", {}))
        if "seed_simulator" in options:
            run_options["seed_simulator"] = options["seed_simulator"]
        precision = options.get("default_precision", 0.0)
        return EstimatorV2(options={"default_precision": precision, "run_options": run_options})


class RemotePlace(Place):
    """A server: every outcome is compared with the local one before it is returned."""

    def __init__(self, service: RemoteService) -> None:
        self._service = service
        self._twin = LocalPlace()

    def backend(self, name: str = "aer_simulator") -> BackendV2:
        return self._service.backend(name)

    def sampler(self, name: str = "aer_simulator", **options: Any) -> BaseSamplerV2:
        return RemoteSampler(self._service.backend(name), options=options)

    def estimator(self, name: str = "aer_simulator", **options: Any) -> BaseEstimatorV2:
        return RemoteEstimator(self._service.backend(name), options=options)

    def run(self, circuits: Any, name: str = "aer_simulator", **options: Any) -> Result:
        result = super().run(circuits, name, **options)
        assert_same_results(result, self._twin.run(circuits, name, **options))
        return result

    def sample(
        self, pubs: Sequence[Any], *, shots: int | None = None, **sampler: Any
    ) -> PrimitiveResult:
        result = super().sample(pubs, shots=shots, **sampler)
        assert_same_primitive_results(result, self._twin.sample(pubs, shots=shots, **sampler))
        return result

    def estimate(
        self, pubs: Sequence[Any], *, precision: float | None = None, **estimator: Any
    ) -> PrimitiveResult:
        result = super().estimate(pubs, precision=precision, **estimator)
        expected = self._twin.estimate(pubs, precision=precision, **estimator)
        assert_same_primitive_results(result, expected)
        return result

    def transpile(self, circuits: Any, name: str = "aer_simulator", **options: Any) -> Any:
        transpiled = super().transpile(circuits, name, **options)
        assert transpiled == self._twin.transpile(circuits, name, **options)
        return transpiled


@cache
def _noisy_manila() -> AerSimulator:
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    return AerSimulator.from_backend(FakeManilaV2())
