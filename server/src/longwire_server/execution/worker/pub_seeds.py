"""Seeds of runs that are parts of one: pub by pub as all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2

from longwire.providers import BaseBackend
from longwire_server.backends.aer_options import are_aer_options
from longwire_server.backends.hosted_backend import HostedBackend

# Seeds beyond this could pass the bound of 64-bit numbers on the way.
_SEED_BOUND: Final = 2**62
# Options with which Aer treats the circuits of one run together, by the values
# with which it does not.
_APART: Final[Mapping[str, tuple[Any, ...]]] = {
    "executor": (None,),
    "max_parallel_experiments": (None, 1),
    "runtime_parameter_bind_enable": (None, False),
}


class SeedSteps:
    """The seeds of runs whose circuits together are those of one run.

    Samplers and estimators of Qiskit and Aer run all pubs of equal shots at once,
    with one seed, from which Aer derives that of each circuit by its place. A run
    of some of the pubs gets the seed that its first circuit has there.

    Args:
        seed: the seed of the job; None where there is none.
        stride: how far the seeds of two neighbouring circuits of a run are apart.
    """

    def __init__(self, seed: int | None, stride: int) -> None:
        self._seed = seed
        self._stride = stride
        self._finished: Counter[int] = Counter()

    def next_seed(self, shots: int) -> int | None:
        """The seed for the next circuits with so many shots."""
        return None if self._seed is None else self._seed + self._stride * self._finished[shots]

    def advance(self, shots: int, num_circuits: int) -> None:
        """Counts circuits with so many shots as run."""
        self._finished[shots] += num_circuits

    def mark(self) -> Counter[int]:
        """The place that the runs have reached."""
        return self._finished.copy()

    def return_to(self, mark: Counter[int]) -> None:
        """Takes back what was counted since :meth:`mark`."""
        self._finished = mark.copy()


def runs_on_aer(driver: BackendV2 | BaseBackend) -> bool:
    """Whether a backend hands its circuits to Aer."""
    return isinstance(driver, BackendV2) and are_aer_options(driver.options)


def seed_steps(backend: HostedBackend, options: Mapping[str, Any]) -> SeedSteps | None:
    """The seeds of the runs of a sampler or an estimator.

    Args:
        backend: the backend.
        options: those of the primitive that are set.

    Returns:
        None where pubs must be run all at once: it is not known how the backend
        seeds each circuit of a run, or what they have in common. A device has a
        queue of its own, in which every run would wait anew.
    """
    on_aer = runs_on_aer(backend.driver)
    run_options = {**options.get("run_options", {}), **options}
    seed = run_options.get("seed_simulator")
    if seed is None:
        seed = backend.default_option("seed_simulator")
    if seed is None:
        return SeedSteps(None, 0) if on_aer or backend.is_simulator else None
    if not on_aer or seed >= _SEED_BOUND:
        return None
    for name, harmless in _APART.items():
        value = run_options.get(name)
        if (backend.default_option(name) if value is None else value) not in harmless:
            return None
    stride = _aer_seed_stride()
    return None if stride is None else SeedSteps(seed, stride)


@cache
def _aer_seed_stride() -> int | None:
    """The stride of the installed Aer, which its results tell (2113 in qiskit-aer 0.18.2)."""
    from qiskit_aer import AerSimulator

    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    simulator = AerSimulator(max_parallel_threads=1)
    result = simulator.run([circuit] * 3, shots=1, seed_simulator=0).result()
    first, second, third = (getattr(each, "seed_simulator", None) for each in result.results)
    if first != 0 or not isinstance(second, int) or third != 2 * second:
        return None
    return second
