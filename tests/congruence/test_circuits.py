"""Circuits run with the same outcome here and elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from circuits import asymmetric, bell, mid_circuit_measurement, several_registers
from places import LocalPlace, Place
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr
from qiskit.quantum_info import Operator, Pauli, Statevector
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

SIMULATORS = ["aer_simulator", "basic_simulator", "generic", "fake_manila"]


def ghz(num_qubits: int) -> QuantumCircuit:
    """All qubits agree."""
    circuit = QuantumCircuit(num_qubits, name=f"ghz {num_qubits}")
    circuit.h(0)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def teleportation() -> QuantumCircuit:
    """Moves a state to the third qubit with two corrections, and undoes it there."""
    circuit = QuantumCircuit(3, 3, name="teleportation")
    circuit.u(0.7, 0.2, 1.1, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    circuit.u(-0.7, -1.1, -0.2, 2)
    circuit.measure(2, 2)
    return circuit


def counting_loop() -> QuantumCircuit:
    """Four quarter turns, by a loop over indices."""
    circuit = QuantumCircuit(1, 1, name="counting loop")
    with circuit.for_loop(range(4)):
        circuit.rx(np.pi / 4, 0)
    circuit.measure(0, 0)
    return circuit


def repeat_until_one() -> QuantumCircuit:
    """Tosses until the outcome is one."""
    circuit = QuantumCircuit(1, 1, name="repeat until one")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.h(0)
        circuit.measure(0, 0)
    return circuit


def lookup() -> QuantumCircuit:
    """A switch that flips the target for the values 1 and 2 of a register."""
    qubits, choice, outcome = QuantumRegister(3), ClassicalRegister(2, "k"), ClassicalRegister(1)
    circuit = QuantumCircuit(qubits, choice, outcome, name="lookup")
    circuit.h([0, 1])
    circuit.measure([0, 1], choice)
    with circuit.switch(choice) as case:
        with case(1, 2):
            circuit.x(2)
        with case(case.DEFAULT):
            circuit.id(2)
    circuit.measure(2, outcome)
    return circuit


def agreement() -> QuantumCircuit:
    """An expression over a register. (Aer knows no typed variables.)"""
    seen, outcome = ClassicalRegister(2, "seen"), ClassicalRegister(1, "outcome")
    circuit = QuantumCircuit(QuantumRegister(3), seen, outcome, name="agreement")
    circuit.h([0, 1])
    circuit.measure([0, 1], seen)
    with circuit.if_test(expr.less(2, seen)):
        circuit.x(2)
    circuit.measure(2, outcome)
    return circuit


@pytest.mark.parametrize("name", SIMULATORS)
def test_bell_circuit_gives_two_outcomes_in_equal_parts(place: Place, name: str) -> None:
    circuit = place.transpile(bell(), name)
    counts = place.run(circuit, name, shots=2000).get_counts()
    assert sum(counts.values()) == 2000
    assert counts["00"] + counts["11"] > 1700
    assert abs(counts["00"] - counts["11"]) < 300


@pytest.mark.parametrize("num_qubits", [1, 3, 12, 30])
def test_ghz_circuit_gives_all_zeros_or_all_ones(place: Place, num_qubits: int) -> None:
    counts = place.run(ghz(num_qubits), shots=300, method="stabilizer").get_counts()
    assert set(counts) == {"0" * num_qubits, "1" * num_qubits}


def test_mid_circuit_measurement_keeps_what_was_measured(place: Place) -> None:
    assert place.run(mid_circuit_measurement(), shots=40).get_counts() == {"01": 40}


def test_teleported_state_arrives(place: Place) -> None:
    counts = place.run(teleportation(), shots=400).get_counts()
    assert len(counts) == 4
    assert all(outcome[0] == "0" for outcome in counts)


def test_for_loop_turns_as_often_as_it_says(place: Place) -> None:
    assert place.run(counting_loop(), shots=50).get_counts() == {"1": 50}


def test_while_loop_ends_with_its_condition(place: Place) -> None:
    assert place.run(repeat_until_one(), shots=50).get_counts() == {"1": 50}


def test_switch_takes_the_case_of_the_value(place: Place) -> None:
    counts = place.run(lookup(), shots=400).get_counts()
    assert set(counts) == {"0 00", "1 01", "1 10", "0 11"}


def test_expression_over_a_register_is_its_value(place: Place) -> None:
    counts = place.run(agreement(), shots=400).get_counts()
    assert set(counts) == {"0 00", "0 01", "0 10", "1 11"}


def test_several_registers_stay_apart(place: Place) -> None:
    counts = place.run(several_registers(), shots=100).get_counts()
    assert set(counts) == {"100 00 0", "101 00 1"}


@pytest.mark.parametrize("name", SIMULATORS)
def test_memory_lists_every_shot_in_order(place: Place, name: str) -> None:
    circuit = place.transpile(asymmetric(), name)
    result = place.run(circuit, name, shots=64, memory=True)
    memory = result.get_memory()
    assert len(memory) == 64
    assert {each: memory.count(each) for each in memory} == result.get_counts()


def test_several_circuits_keep_their_order_names_and_metadata(place: Place) -> None:
    circuits = [ghz(1), bell("first"), asymmetric()]
    for index, circuit in enumerate(circuits):
        circuit.metadata = {"index": index, "pair": (index, -1)}
    result = place.run(circuits, shots=30)
    assert [each.header["name"] for each in result.results] == ["ghz 1", "first", "asymmetric"]
    assert result.results[2].header["metadata"] == {"index": 2, "pair": (2, -1)}
    assert result.get_counts("first") == result.get_counts(1)


def test_parameter_binds_give_one_result_a_point(place: Place) -> None:
    theta, phi = Parameter("theta"), Parameter("phi")
    circuit = QuantumCircuit(1)
    circuit.rx(theta, 0)
    circuit.rz(phi, 0)
    circuit.rx(theta * 2, 0)
    circuit.measure_all()
    binds = [{theta: [0.0, np.pi, np.pi / 3], phi: [0.4, 0.0, 0.0]}]
    result = place.run(circuit, parameter_binds=binds, shots=200)
    assert [result.get_counts(point) for point in range(3)] == [{"0": 200}, {"1": 200}, {"1": 200}]


def test_parameter_binds_of_several_circuits_stay_with_their_circuit(place: Place) -> None:
    theta = Parameter("theta")
    one = QuantumCircuit(1, name="one")
    one.ry(theta, 0)
    one.measure_all()
    two = QuantumCircuit(2, name="two")
    two.ry(theta, [0, 1])
    two.measure_all()
    binds = [{theta: [0.0, np.pi]}, {theta: [np.pi, 0.0]}]
    result = place.run([one, two], parameter_binds=binds, shots=20)
    counts = [result.get_counts(index) for index in range(4)]
    assert counts == [{"0": 20}, {"1": 20}, {"11": 20}, {"00": 20}]


def _saving(kind: str) -> tuple[QuantumCircuit, dict[str, Any]]:
    circuit = QuantumCircuit(2, name=kind)
    circuit.ry(0.8, 0)
    circuit.cx(0, 1)
    match kind:
        case "statevector":
            circuit.save_statevector()
        case "density matrix":
            circuit.save_density_matrix([1])
        case "probabilities":
            circuit.save_probabilities_dict(label="odds")
        case "expectation value":
            circuit.save_expectation_value(Pauli("XX"), [0, 1])
        case "expectation value and variance":
            circuit.save_expectation_value_variance(Pauli("ZI"), [0, 1])
        case "amplitudes":
            circuit.save_amplitudes([0, 3])
        case "unitary":
            circuit.save_unitary()
            return circuit, {"method": "unitary"}
        case "superoperator":
            circuit.save_superop()
            return circuit, {"method": "superop"}
        case "matrix product state":
            circuit.save_matrix_product_state()
            return circuit, {"method": "matrix_product_state"}
        case "state of each shot":
            circuit.save_statevector(label="each", pershot=True)
        case "state by outcome":
            circuit.measure_all()
            circuit.save_statevector(label="after", conditional=True)
    return circuit, {}


@pytest.mark.parametrize(
    "kind",
    [
        "statevector",
        "density matrix",
        "probabilities",
        "expectation value",
        "expectation value and variance",
        "amplitudes",
        "unitary",
        "superoperator",
        "matrix product state",
        "state of each shot",
        "state by outcome",
    ],
)
def test_saved_data_comes_back(place: Place, kind: str) -> None:
    circuit, options = _saving(kind)
    data = place.run(circuit, shots=5, **options).data()
    assert {name for name in data if name not in {"counts", "memory"}}


def test_saved_states_are_what_qiskit_computes(place: Place) -> None:
    circuit, _ = _saving("")
    expected = Statevector(circuit)
    statevector, _ = _saving("statevector")
    state = place.run(statevector).get_statevector()
    np.testing.assert_allclose(state.data, expected.data, atol=1e-12)
    unitary, options = _saving("unitary")
    matrix = place.run(unitary, **options).get_unitary()
    np.testing.assert_allclose(matrix.data, Operator(circuit).data, atol=1e-12)


def test_noise_model_of_a_run_takes_effect(place: Place) -> None:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
    noise.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    noisy = place.run(ghz(3), shots=2000, noise_model=noise).get_counts()
    assert len(noisy) == 8
    assert len(place.run(ghz(3), shots=2000).get_counts()) == 2


def test_noise_model_of_a_device_takes_effect(place: Place) -> None:
    noise = NoiseModel.from_backend(place.backend("fake_manila"))
    assert noise == NoiseModel.from_backend(LocalPlace().backend("fake_manila"))
    circuit = place.transpile(ghz(3), "fake_manila")
    counts = place.run(circuit, shots=1000, noise_model=noise).get_counts()
    assert 2 < len(counts) <= 8


def test_option_set_on_the_backend_holds_for_its_runs(place: Place) -> None:
    backend = place.backend()
    backend.set_options(shots=77, seed_simulator=5)
    set_before = backend.run(asymmetric()).result().get_counts()
    assert sum(set_before.values()) == 77
    given = place.backend().run(asymmetric(), shots=77, seed_simulator=5).result().get_counts()
    assert set_before == given
    assert sum(backend.run(asymmetric(), shots=5).result().get_counts().values()) == 5
    backend.options.shots = 33
    assert sum(backend.run(asymmetric()).result().get_counts().values()) == 33


def test_options_of_one_backend_object_are_not_those_of_another(place: Place) -> None:
    backend, other = place.backend("generic"), place.backend("generic")
    backend.set_options(shots=10)
    assert backend.options.shots == 10
    assert other.options.shots == 1024


@pytest.mark.parametrize("method", ["statevector", "density_matrix", "matrix_product_state"])
def test_method_of_the_simulator_is_the_one_that_was_asked_for(place: Place, method: str) -> None:
    result = place.run(asymmetric(), shots=100, method=method)
    assert result.results[0].metadata["method"] == method


def test_result_draws_as_a_histogram(place: Place) -> None:
    from matplotlib.figure import Figure
    from qiskit.visualization import plot_histogram

    counts = place.run(bell(), shots=100).get_counts()
    assert isinstance(plot_histogram(counts), Figure)
