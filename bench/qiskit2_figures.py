"""``make bench``: transpiling, a VQE and a sweep, local and remote in one run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import recording
from aims import Ratio, ratio
from byte_counter import byte_counter
from processes import longwire_server
from processor_time import processor_seconds
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import efficient_su2, quantum_volume
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2
from timing import summary_ms, time_calls

from longwire import RemoteEstimator, RemoteService

HERE = Path(__file__).parent
ROUNDS = 1 if recording.QUICK else 5
# A VQE in parts, so that all share the busy moments of the machine.
VQE_ROUNDS, VQE_ITERATIONS, VQE_PARTS = (1, 4, 2) if recording.QUICK else (3, 200, 10)
VQE = f"vqe, 10 qubits, {VQE_ITERATIONS // VQE_PARTS} of {VQE_ITERATIONS} iterations"
SWEEP_POINTS = 1000
SWEEP = f"sweep, {SWEEP_POINTS} x 40"


def transpile_calls(backend: Any) -> Callable[[], object]:
    """Transpiles a circuit of 20 qubits for a device."""
    circuit = quantum_volume(20, 5, seed=7)
    return lambda: transpile(circuit, backend, optimization_level=1, seed_transpiler=11)


def first_target(*arguments: str, cache_dir: str) -> float:
    """Seconds of a new process."""
    done = subprocess.run(
        [sys.executable, str(HERE / "first_target.py"), *arguments],
        env=os.environ | {"LONGWIRE_CACHE_DIR": cache_dir},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


def ansatz(reps: int) -> QuantumCircuit:
    """A circuit of 10 qubits with 20 parameters a repetition, and 20 more."""
    return transpile(efficient_su2(10, reps=reps), AerSimulator(), optimization_level=1)


def ising() -> SparsePauliOp:
    """The transverse-field Ising model on a ring of 10."""
    bonds = [("ZZ", [i, (i + 1) % 10], -1.0) for i in range(10)]
    fields = [("X", [i], -0.5) for i in range(10)]
    return SparsePauliOp.from_sparse_list(bonds + fields, num_qubits=10)


def vqe_call(estimator: Any) -> Callable[[], object]:
    """The next evaluations of a VQE, one after another: the same points for everybody."""
    circuit, observable = ansatz(3), ising()
    points = np.random.default_rng(5).uniform(-np.pi, np.pi, (VQE_ITERATIONS, 80))
    parts = cycle(np.split(points, VQE_PARTS))

    def call() -> object:
        pubs = [(circuit, observable, point) for point in next(parts)]
        return [estimator.run([pub]).result()[0].data.evs for pub in pubs]

    return call


def sweep_call(estimator: Any) -> Callable[[], object]:
    """1,000 points of 40 parameters, one pub."""
    points = np.random.default_rng(6).uniform(-np.pi, np.pi, (SWEEP_POINTS, 40))
    pub = (ansatz(1), ising(), points)
    return lambda: estimator.run([pub]).result()[0].data.evs


def take_turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """The times of several calls that take turns, after one each to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    processor = dict.fromkeys(calls, 0.0)
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            before = processor_seconds()
            seconds[name] += time_calls(call, 1)
            processor[name] += processor_seconds() - before
    return {
        name: {**summary_ms(taken), "processor_ms": round(processor[name] / rounds * 1e3, 1)}
        for name, taken in seconds.items()
    }


def measure_targets(address: str) -> dict[str, Any]:
    """First Targets of new processes, and transpiling once it is there."""
    from qiskit_ibm_runtime.fake_provider import FakeSherbrooke

    seconds: dict[str, list[float]] = {"local": [], "remote": [], "remote, on disk": []}
    with tempfile.TemporaryDirectory() as kept:
        first_target("remote", address, cache_dir=kept)
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as empty:
                seconds["local"].append(first_target("local", cache_dir=empty))
                seconds["remote"].append(first_target("remote", address, cache_dir=empty))
            seconds["remote, on disk"].append(first_target("remote", address, cache_dir=kept))
    backends = {
        "local": FakeSherbrooke(),
        "remote": RemoteService(address).backend("fake_sherbrooke"),
    }
    calls = {name: transpile_calls(backend) for name, backend in backends.items()}
    return {
        "first target of 127 qubits": {name: summary_ms(each) for name, each in seconds.items()},
        "transpile, 20 qubits": take_turns(calls, 8 * ROUNDS),
    }


def measure_primitives(address: str) -> dict[str, Any]:
    """A VQE and a sweep, and the bytes of one sweep."""
    estimators = {
        "local": EstimatorV2(),
        # As the server's workers compute by default.
        "local, one thread": EstimatorV2(options={"backend_options": {"max_parallel_threads": 1}}),
        "remote": RemoteEstimator(RemoteService(address).backend("aer_simulator")),
    }

    def take(make: Callable[[Any], Callable[[], object]], rounds: int) -> dict[str, Any]:
        return take_turns({name: make(each) for name, each in estimators.items()}, rounds)

    figures = {VQE: take(vqe_call, VQE_ROUNDS * VQE_PARTS), SWEEP: take(sweep_call, ROUNDS)}
    with byte_counter(address) as counter, RemoteService(counter.address) as service:
        sweep_call(RemoteEstimator(service.backend("aer_simulator")))()
        wire = {"sent_bytes": counter.sent_bytes, "received_bytes": counter.received_bytes}
    return {**figures, "wire of the first sweep of a connection": wire}


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """What the figures say about the aims."""
    found = {}
    for name, aim in (
        ("transpile, 20 qubits", 1.05),
        ("first target of 127 qubits", 2.0),
        (VQE, 1.5),
        (SWEEP, 1.3),
    ):
        each = figures[name]
        for other in [who for who in each if who.startswith("local")]:
            found[f"{name}: remote / {other}"] = ratio(
                each["remote"]["p50_ms"] / each[other]["p50_ms"], at_most=aim
            )
            # Where the server takes part: to the others it adds what it does meanwhile.
            if name in (VQE, SWEEP) and each[other]["processor_ms"]:
                found[f"{name}: processor time, remote / {other}"] = ratio(
                    each["remote"]["processor_ms"] / each[other]["processor_ms"]
                )
    found["first target of 127 qubits: on disk / local"] = ratio(
        figures["first target of 127 qubits"]["remote, on disk"]["p50_ms"]
        / figures["first target of 127 qubits"]["local"]["p50_ms"]
    )
    wire = figures["wire of the first sweep of a connection"]
    found["sweep, MB on the wire"] = ratio(sum(wire.values()) / 1e6, at_most=1)
    return found


def main() -> None:
    recorded = recording.begin()
    with ExitStack() as stack:
        address = stack.enter_context(longwire_server()).address
        figures = measure_targets(address) | measure_primitives(address)
    recorded |= {"figures": figures, "ratios": ratios(figures)}
    recording.finish("qiskit2_figures", recorded)


if __name__ == "__main__":
    main()
