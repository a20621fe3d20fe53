"""qiskit-addon-cutting, which knows nothing of Longwire, cuts circuits for its sampler."""

from __future__ import annotations

from typing import Any

import pytest
from places import SEED, Place
from qiskit.circuit.library import efficient_su2
from qiskit.primitives import PrimitiveResult
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_addon_cutting import (
    generate_cutting_experiments,
    partition_problem,
    reconstruct_expectation_values,
)


@pytest.mark.parametrize("name", ["aer_simulator", "fake_manila"])
def test_two_halves_of_a_circuit_give_its_expectation_value(both: Any, name: str) -> None:
    circuit = efficient_su2(4, entanglement="linear", reps=1)
    circuit.assign_parameters([0.4] * circuit.num_parameters, inplace=True)
    observable = SparsePauliOp(["ZZII", "IZZI", "XIIX"], [1.0, 1.0, 0.5])
    problem = partition_problem(circuit, "AABB", observables=observable.paulis)
    experiments, weights = generate_cutting_experiments(
        problem.subcircuits, problem.subobservables, num_samples=float("inf")
    )

    def reconstruct(place: Place) -> float:
        manager = generate_preset_pass_manager(1, backend=place.backend(name), seed_transpiler=1)
        sampler = place.sampler(name, seed_simulator=SEED, default_shots=1000)
        jobs = {label: sampler.run(manager.run(part)) for label, part in experiments.items()}
        results: dict[Any, PrimitiveResult] = {each: job.result() for each, job in jobs.items()}
        terms = reconstruct_expectation_values(results, weights, problem.subobservables)
        return float(sum(observable.coeffs.real * terms))

    remote, local = both(reconstruct)
    assert remote == local
    exact = Statevector(circuit).expectation_value(observable).real
    assert remote == pytest.approx(exact, abs=0.3)
