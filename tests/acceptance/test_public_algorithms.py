"""qiskit-algorithms, which knows nothing of Longwire, runs on its primitives.

Each algorithm runs twice with the same seeds, once with remote primitives and
once with local ones, and gives the same numbers to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from places import SEED, Place
from qiskit import QuantumCircuit
from qiskit.circuit.library import real_amplitudes
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit_algorithms import (
    QAOA,
    VQD,
    VQE,
    AdaptVQE,
    AmplificationProblem,
    EstimationProblem,
    Grover,
    IterativeAmplitudeEstimation,
    NumPyMinimumEigensolver,
    PhaseEstimation,
    SamplingVQE,
    TimeEvolutionProblem,
    TrotterQRTE,
)
from qiskit_algorithms.gradients import ParamShiftEstimatorGradient
from qiskit_algorithms.optimizers import COBYLA, SLSQP, SPSA
from qiskit_algorithms.state_fidelities import ComputeUncompute
from qiskit_algorithms.utils import algorithm_globals

# H2 at a distance of 0.735 Å in the STO-3G basis, parity mapping, two qubits:
# the Hamiltonian of qiskit-algorithms' own tutorials and tests.
HYDROGEN = SparsePauliOp(
    ["II", "IZ", "ZI", "ZZ", "XX"],
    [
        -1.052373245772859,
        0.39793742484318045,
        -0.39793742484318045,
        -0.01128010425623538,
        0.18093119978423156,
    ],
)
GROUND_STATE_ENERGY = -1.857275030202378

# A square with one diagonal: the best cuts go through four edges.
EDGES = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]
CUT = SparsePauliOp.from_sparse_list([("ZZ", edge, 0.5) for edge in EDGES], 4)

# qiskit-algorithms 0.4 builds its circuits from classes that Qiskit 2.1 deprecated.
OLD_GROVER_OPERATOR = pytest.mark.filterwarnings(
    r"ignore:The class ``.*\.GroverOperator``:DeprecationWarning",
    r"ignore:The method ``.*\.get_num_ancilla_qubits\(\)``:DeprecationWarning",
    r"ignore:``.*\.mcx\(\)``'s argument ``mode`` is deprecated:DeprecationWarning",
)
OLD_PHASE_ESTIMATION = pytest.mark.filterwarnings(
    r"ignore:The class ``.*\.PhaseEstimation``:DeprecationWarning",
    r"ignore:The class ``.*\.QFT``:DeprecationWarning",
    r"ignore:The class ``.*\.BlueprintCircuit``:DeprecationWarning",
)
OLD_QAOA_ANSATZ = pytest.mark.filterwarnings(
    r"ignore:The class ``.*\.NLocal``:DeprecationWarning",
    r"ignore:The class ``.*\.BlueprintCircuit``:DeprecationWarning",
)


@pytest.fixture(autouse=True)
def _fixed_random_numbers() -> None:
    algorithm_globals.random_seed = SEED


def transpiler(place: Place, name: str = "aer_simulator") -> PassManager:
    """A pass manager for the place's own backend object."""
    return generate_preset_pass_manager(1, backend=place.backend(name), seed_transpiler=1)


def start(circuit: QuantumCircuit, value: float = 0.1) -> np.ndarray:
    """The same first value for every parameter."""
    return np.full(circuit.num_parameters, value)


def test_vqe_finds_the_ground_state_of_hydrogen(both: Any) -> None:
    def solve(place: Place) -> tuple[float, list[float], float]:
        ansatz, path = real_amplitudes(2, reps=1), []
        vqe = VQE(
            place.estimator(seed_simulator=SEED),
            ansatz,
            SLSQP(maxiter=40),
            initial_point=start(ansatz),
            transpiler=transpiler(place),
            callback=lambda _count, _point, value, _metadata: path.append(float(value)),
        )
        result = vqe.compute_minimum_eigenvalue(HYDROGEN, aux_operators=[SparsePauliOp("ZZ")])
        return result.eigenvalue, path, result.aux_operators_evaluated[0][0]

    remote, local = both(solve)
    assert remote == local
    assert remote[0] == pytest.approx(GROUND_STATE_ENERGY, abs=1e-4)


def test_vqe_with_gradients_finds_the_ground_state_of_hydrogen(both: Any) -> None:
    def solve(place: Place) -> tuple[float, list[float]]:
        ansatz, estimator = real_amplitudes(2, reps=1), place.estimator(seed_simulator=SEED)
        vqe = VQE(
            estimator,
            ansatz,
            SLSQP(maxiter=20),
            gradient=ParamShiftEstimatorGradient(estimator),
            initial_point=start(ansatz),
        )
        result = vqe.compute_minimum_eigenvalue(HYDROGEN)
        return result.eigenvalue, list(result.optimal_point)

    remote, local = both(solve)
    assert remote == local
    assert remote[0] == pytest.approx(GROUND_STATE_ENERGY, abs=1e-4)


def test_vqe_on_a_noisy_device_takes_the_local_path(both: Any) -> None:
    def solve(place: Place) -> list[float]:
        # Both places draw the same perturbations.
        algorithm_globals.random_seed = SEED
        ansatz, path = real_amplitudes(2, reps=1), []
        vqe = VQE(
            place.estimator("fake_manila", seed_simulator=SEED, default_precision=0.05),
            ansatz,
            SPSA(maxiter=8, learning_rate=0.2, perturbation=0.2),
            initial_point=start(ansatz),
            transpiler=transpiler(place, "fake_manila"),
            callback=lambda _count, _point, value, _metadata: path.append(float(value)),
        )
        vqe.compute_minimum_eigenvalue(HYDROGEN)
        return path

    remote, local = both(solve)
    assert remote == local
    assert len(set(remote)) > 10


def test_adapt_vqe_finds_the_ground_state_of_hydrogen(both: Any) -> None:
    reference = QuantumCircuit(2)
    reference.x(0)

    def solve(place: Place) -> float:
        vqe = VQE(
            place.estimator(seed_simulator=SEED),
            real_amplitudes(2, reps=1),
            SLSQP(maxiter=20),
            transpiler=transpiler(place),
        )
        pool = [SparsePauliOp("YX"), SparsePauliOp("XY")]
        adapt = AdaptVQE(vqe, operators=pool, initial_state=reference)
        energy: float = adapt.compute_minimum_eigenvalue(HYDROGEN).eigenvalue
        return energy

    remote, local = both(solve)
    assert remote == local
    assert remote == pytest.approx(GROUND_STATE_ENERGY, abs=1e-4)


def test_vqd_finds_two_levels_of_hydrogen(both: Any) -> None:
    def solve(place: Place) -> list[complex]:
        algorithm_globals.random_seed = SEED
        ansatz = real_amplitudes(2, reps=1)
        sampler = place.sampler(seed_simulator=SEED, default_shots=1000)
        vqd = VQD(
            place.estimator(seed_simulator=SEED),
            ComputeUncompute(sampler, transpiler=transpiler(place)),
            ansatz,
            COBYLA(maxiter=40),
            k=2,
            initial_point=start(ansatz),
        )
        return list(vqd.compute_eigenvalues(HYDROGEN).eigenvalues)

    remote, local = both(solve)
    assert remote == local
    assert remote[0].real == pytest.approx(GROUND_STATE_ENERGY, abs=1e-3)
    assert remote[1].real > remote[0].real + 0.5


@OLD_QAOA_ANSATZ
def test_qaoa_finds_the_largest_cut_of_a_graph(both: Any) -> None:
    def solve(place: Place) -> tuple[float, str, dict[str, float]]:
        qaoa = QAOA(
            place.sampler(seed_simulator=SEED, default_shots=1000),
            COBYLA(maxiter=20),
            reps=2,
            initial_point=[0.3] * 4,
            transpiler=transpiler(place),
        )
        result = qaoa.compute_minimum_eigenvalue(CUT)
        return result.eigenvalue, result.best_measurement["bitstring"], dict(result.eigenstate)

    remote, local = both(solve)
    assert remote == local
    exact = NumPyMinimumEigensolver().compute_minimum_eigenvalue(CUT).eigenvalue
    assert exact == pytest.approx(-1.5)
    assert remote[1] in {"0101", "1010"}


def test_sampling_vqe_finds_the_largest_cut_of_a_graph(both: Any) -> None:
    def solve(place: Place) -> tuple[float, str]:
        ansatz = real_amplitudes(4, reps=1)
        vqe = SamplingVQE(
            place.sampler(seed_simulator=SEED, default_shots=500),
            ansatz,
            COBYLA(maxiter=20),
            initial_point=start(ansatz, 0.3),
            aggregation=0.3,
        )
        result = vqe.compute_minimum_eigenvalue(CUT)
        return result.eigenvalue, result.best_measurement["bitstring"]

    remote, local = both(solve)
    assert remote == local
    assert remote[0] == pytest.approx(-1.5)


@OLD_GROVER_OPERATOR
@pytest.mark.parametrize("name", ["aer_simulator", "fake_manila"])
def test_grover_finds_the_marked_state(both: Any, name: str) -> None:
    def search(place: Place) -> tuple[str, list[dict[str, float]]]:
        oracle = QuantumCircuit(2)
        oracle.cz(0, 1)
        grover = Grover(
            iterations=1,
            sampler=place.sampler(name, seed_simulator=SEED, default_shots=1000),
            transpiler=transpiler(place, name),
        )
        result = grover.amplify(AmplificationProblem(oracle, is_good_state=["11"]))
        return result.top_measurement, result.circuit_results

    remote, local = both(search)
    assert remote == local
    assert remote[0] == "11"


@OLD_GROVER_OPERATOR
def test_amplitude_estimation_finds_the_probability(both: Any) -> None:
    def estimate(place: Place) -> float:
        preparation = QuantumCircuit(1)
        preparation.ry(2 * np.arcsin(np.sqrt(0.2)), 0)
        estimation = IterativeAmplitudeEstimation(
            epsilon_target=0.02,
            alpha=0.05,
            sampler=place.sampler(seed_simulator=SEED, default_shots=1000),
            transpiler=transpiler(place),
        )
        problem = EstimationProblem(preparation, objective_qubits=[0])
        probability: float = estimation.estimate(problem).estimation
        return probability

    remote, local = both(estimate)
    assert remote == local
    assert remote == pytest.approx(0.2, abs=0.02)


@OLD_PHASE_ESTIMATION
def test_phase_estimation_finds_the_phase(both: Any) -> None:
    def estimate(place: Place) -> tuple[float, dict[str, float]]:
        gate, eigenstate = QuantumCircuit(1), QuantumCircuit(1)
        gate.p(2 * np.pi * 0.3, 0)
        eigenstate.x(0)
        estimation = PhaseEstimation(
            6,
            place.sampler(seed_simulator=SEED, default_shots=1000),
            transpiler=transpiler(place),
        )
        result = estimation.estimate(gate, eigenstate)
        return result.phase, result.phases

    remote, local = both(estimate)
    assert remote == local
    assert remote[0] == pytest.approx(0.3, abs=1 / 64)


def test_trotter_evolution_gives_the_local_expectation_value(both: Any) -> None:
    def evolve(place: Place) -> list[float]:
        evolution = TrotterQRTE(
            estimator=place.estimator(seed_simulator=SEED),
            num_timesteps=5,
            transpiler=transpiler(place),
        )
        problem = TimeEvolutionProblem(
            HYDROGEN,
            time=1.0,
            initial_state=QuantumCircuit(2),
            aux_operators=[SparsePauliOp("ZI"), SparsePauliOp("XY")],
        )
        return [float(value) for value, _ in evolution.evolve(problem).aux_ops_evaluated]

    remote, local = both(evolve)
    assert remote == local
    assert -1 <= remote[0] < 1
