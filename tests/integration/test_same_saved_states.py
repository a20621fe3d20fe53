"""What a circuit saves in the simulator comes back bit for bit."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from circuits import asymmetric
from qiskit import QuantumCircuit, qpy
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector, random_unitary
from qiskit_aer import AerSimulator
from same_results import assert_same_results

from longwire import RemoteBackend

SEED = 7


def unmeasured() -> QuantumCircuit:
    """A state of three qubits without symmetry."""
    circuit = QuantumCircuit(3, name="state")
    for qubit, angle in enumerate((0.4, 1.3, 2.2)):
        circuit.ry(angle, qubit)
        circuit.p(angle / 3, qubit)
    circuit.cx(2, 0)
    return circuit


Save = Callable[[QuantumCircuit], object]

SAVES: dict[str, tuple[str, Save]] = {
    "statevector": ("automatic", lambda c: c.save_statevector()),
    "statevector with label": ("automatic", lambda c: c.save_statevector(label="here")),
    "statevector of each shot": ("automatic", lambda c: c.save_statevector(pershot=True)),
    "density matrix": ("automatic", lambda c: c.save_density_matrix()),
    "reduced density matrix": ("automatic", lambda c: c.save_density_matrix([2, 0])),
    "probabilities": ("automatic", lambda c: c.save_probabilities()),
    "probabilities as a dict": ("automatic", lambda c: c.save_probabilities_dict([0, 2])),
    "amplitudes": ("automatic", lambda c: c.save_amplitudes([1, 6])),
    "squared amplitudes": ("automatic", lambda c: c.save_amplitudes_squared([3])),
    "expectation value": (
        "automatic",
        lambda c: c.save_expectation_value(SparsePauliOp(["XYZ", "ZII"], [0.5, 2.0]), [0, 1, 2]),
    ),
    "expectation value and variance": (
        "automatic",
        lambda c: c.save_expectation_value_variance(Pauli("ZX"), [0, 2]),
    ),
    "unitary": ("unitary", lambda c: c.save_unitary()),
    "superoperator": ("superop", lambda c: c.save_superop()),
    "matrix product state": ("matrix_product_state", lambda c: c.save_matrix_product_state()),
    "state": ("density_matrix", lambda c: c.save_state()),
}


@pytest.mark.parametrize("what", SAVES)
def test_saved_data_equals_the_local_data(aer: RemoteBackend, what: str) -> None:
    method, save = SAVES[what]
    circuit = unmeasured()
    save(circuit)
    options: dict[str, Any] = {"shots": 3, "seed_simulator": SEED, "method": method}
    remote = aer.run(circuit, **options).result()
    assert_same_results(remote, AerSimulator().run(circuit, **options).result())


def test_saved_statevector_is_qiskits_object_with_the_right_numbers(aer: RemoteBackend) -> None:
    circuit = unmeasured()
    expected = Statevector(circuit)
    circuit.save_statevector()
    state = aer.run(circuit).result().get_statevector()
    assert isinstance(state, Statevector)
    np.testing.assert_allclose(state.data, expected.data, atol=1e-12)


def test_stabilizer_and_clifford_come_back(aer: RemoteBackend) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.s(1)
    circuit.save_stabilizer()
    options: dict[str, Any] = {"method": "stabilizer", "seed_simulator": SEED, "shots": 1}
    remote = aer.run(circuit, **options).result()
    assert_same_results(remote, AerSimulator().run(circuit, **options).result())


def test_saves_between_measurements_keep_their_conditions(aer: RemoteBackend) -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.ry(1.0, 0)
    circuit.measure(0, 0)
    circuit.save_statevector(label="after", conditional=True)
    circuit.ry(0.5, 1)
    circuit.measure(1, 1)
    options: dict[str, Any] = {"shots": 50, "seed_simulator": SEED}
    remote = aer.run(circuit, **options).result()
    assert_same_results(remote, AerSimulator().run(circuit, **options).result())


def test_job_of_five_megabytes_gives_the_local_result(aer: RemoteBackend) -> None:
    circuit = QuantumCircuit(8, 8, name="large")
    for index in range(5):
        circuit.unitary(random_unitary(2**8, seed=index), range(8))
    circuit.measure(range(8), range(8))
    written = io.BytesIO()
    qpy.dump(circuit, written)
    assert len(written.getvalue()) > 5_000_000
    options: dict[str, Any] = {"shots": 100, "seed_simulator": SEED}
    remote = aer.run(circuit, **options).result()
    assert_same_results(remote, AerSimulator().run(circuit, **options).result())


def test_result_of_twenty_megabytes_equals_the_local_result(aer: RemoteBackend) -> None:
    circuits = []
    for num_qubits in (20, 18):
        circuit = QuantumCircuit(num_qubits, name=f"{num_qubits} qubits")
        for qubit in range(num_qubits):
            circuit.ry(0.1 + 0.13 * qubit, qubit)
            circuit.p(0.7 * qubit, qubit)
        for qubit in range(num_qubits - 1):
            circuit.cx(qubit, qubit + 1)
        circuit.save_statevector()
        circuits.append(circuit)
    options: dict[str, Any] = {"shots": 1, "seed_simulator": SEED, "method": "statevector"}
    remote = aer.run(circuits, **options).result()
    assert sum(remote.get_statevector(c).data.nbytes for c in circuits) > 20_000_000
    assert_same_results(remote, AerSimulator().run(circuits, **options).result())


def test_memory_of_many_shots_equals_the_local_memory(aer: RemoteBackend) -> None:
    options: dict[str, Any] = {"shots": 100_000, "seed_simulator": SEED, "memory": True}
    remote = aer.run(asymmetric(), **options).result()
    assert_same_results(remote, AerSimulator().run(asymmetric(), **options).result())
