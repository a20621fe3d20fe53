"""qiskit-machine-learning, which knows nothing of Longwire, trains on its primitives.

Each model is trained twice with the same seeds, once with remote primitives and
once with local ones, and learns the same to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from places import SEED, Place
from qiskit import QuantumCircuit
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit_machine_learning.algorithms import QSVC, NeuralNetworkClassifier
from qiskit_machine_learning.gradients import (
    ParamShiftEstimatorGradient,
    ParamShiftSamplerGradient,
)
from qiskit_machine_learning.kernels import FidelityQuantumKernel
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from qiskit_machine_learning.optimizers import COBYLA, SLSQP
from qiskit_machine_learning.state_fidelities import ComputeUncompute

POINTS = np.array([[0.1, 0.2], [1.0, 1.4], [0.3, 0.1], [1.2, 1.5], [0.2, 0.4], [1.1, 1.2]])
LABELS = np.array([1, -1, 1, -1, 1, -1])
FEATURES = zz_feature_map(2, reps=1)
WEIGHTS = real_amplitudes(2, reps=1)


def transpiler(place: Place, name: str = "aer_simulator") -> PassManager:
    """A pass manager for the place's own backend object."""
    return generate_preset_pass_manager(1, backend=place.backend(name), seed_transpiler=1)


def network() -> QuantumCircuit:
    """Features, then weights."""
    return FEATURES.compose(WEIGHTS)


def test_estimator_network_learns_two_classes(both: Any) -> None:
    def train(place: Place) -> tuple[list[float], list[float], float]:
        estimator, manager, losses = place.estimator(seed_simulator=SEED), transpiler(place), []
        qnn = EstimatorQNN(
            circuit=network(),
            estimator=estimator,
            input_params=FEATURES.parameters,
            weight_params=WEIGHTS.parameters,
            gradient=ParamShiftEstimatorGradient(estimator, pass_manager=manager),
            default_precision=0.0,
            pass_manager=manager,
        )
        classifier = NeuralNetworkClassifier(
            qnn,
            optimizer=SLSQP(maxiter=8),
            initial_point=np.full(WEIGHTS.num_parameters, 0.1),
            callback=lambda _weights, loss: losses.append(float(loss)),
        )
        classifier.fit(POINTS, LABELS)
        return losses, list(classifier.weights), classifier.score(POINTS, LABELS)

    remote, local = both(train)
    assert remote == local
    losses, _, score = remote
    assert min(losses) < losses[0]
    assert score == 1.0


def test_sampler_network_takes_the_local_steps(both: Any) -> None:
    def train(place: Place) -> tuple[list[float], list[float]]:
        losses: list[float] = []
        qnn = SamplerQNN(
            circuit=network(),
            sampler=place.sampler(seed_simulator=SEED, default_shots=300),
            input_params=FEATURES.parameters,
            weight_params=WEIGHTS.parameters,
            interpret=lambda outcome: outcome.bit_count() % 2,
            output_shape=2,
            pass_manager=transpiler(place),
        )
        classifier = NeuralNetworkClassifier(
            qnn,
            optimizer=COBYLA(maxiter=12),
            initial_point=np.full(WEIGHTS.num_parameters, 0.1),
            callback=lambda _weights, loss: losses.append(float(loss)),
        )
        classifier.fit(POINTS, (LABELS + 1) // 2)
        return losses, list(classifier.weights)

    remote, local = both(train)
    assert remote == local
    assert min(remote[0]) < remote[0][0]


def test_gradient_of_a_sampler_network_on_a_noisy_device_is_the_local_one(both: Any) -> None:
    def gradient(place: Place) -> list[float]:
        sampler = place.sampler("fake_manila", seed_simulator=SEED, default_shots=300)
        manager = transpiler(place, "fake_manila")
        qnn = SamplerQNN(
            circuit=network(),
            sampler=sampler,
            input_params=FEATURES.parameters,
            weight_params=WEIGHTS.parameters,
            interpret=lambda outcome: outcome.bit_count() % 2,
            output_shape=2,
            gradient=ParamShiftSamplerGradient(sampler, pass_manager=manager),
            pass_manager=manager,
        )
        _, weights = qnn.backward(POINTS[:2], np.full(WEIGHTS.num_parameters, 0.3))
        return list(np.ravel(weights))

    remote, local = both(gradient)
    assert remote == local
    assert np.any(np.asarray(remote) != 0)


@pytest.mark.parametrize("name", ["aer_simulator", "fake_manila"])
def test_kernel_of_fidelities_separates_two_classes(both: Any, name: str) -> None:
    def train(place: Place) -> tuple[list[float], float]:
        sampler = place.sampler(name, seed_simulator=SEED, default_shots=400)
        kernel = FidelityQuantumKernel(
            feature_map=zz_feature_map(2, reps=2),
            fidelity=ComputeUncompute(sampler, pass_manager=transpiler(place, name)),
        )
        classifier = QSVC(quantum_kernel=kernel)
        classifier.fit(POINTS, LABELS)
        return list(np.ravel(kernel.evaluate(POINTS))), classifier.score(POINTS, LABELS)

    remote, local = both(train)
    assert remote == local
    assert remote[1] == 1.0
