"""A circuit gives the same result at the other end of the wire as here."""

from __future__ import annotations

from typing import Any

import pytest
from circuits import asymmetric, bell, mid_circuit_measurement, several_registers
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr
from qiskit.circuit.random import random_circuit
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.result import Result
from qiskit_aer import AerSimulator
from same_results import assert_same_results

from longwire import RemoteBackend, RemoteProvider

SEED = 20_260_101


def run_locally(circuits: Any, **options: Any) -> Result:
    """Aer in this process."""
    return AerSimulator().run(circuits, seed_simulator=SEED, **options).result()


def run_remotely(aer: RemoteBackend, circuits: Any, **options: Any) -> Result:
    """Aer at the other end."""
    return aer.run(circuits, seed_simulator=SEED, **options).result()


def if_else() -> QuantumCircuit:
    """Corrects a qubit by what was measured."""
    circuit = QuantumCircuit(2, 2, name="if else")
    circuit.ry(1.1, 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.x(1)
    with otherwise:
        circuit.ry(0.7, 1)
    circuit.measure(1, 1)
    return circuit


def for_loop() -> QuantumCircuit:
    """Turns by a different angle in every turn, and leaves early."""
    circuit = QuantumCircuit(2, 2, name="for loop")
    with circuit.for_loop(range(1, 5)) as turn:
        circuit.rx(0.2 * turn, 0)
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.break_loop()
    circuit.measure(0, 1)
    return circuit


def while_loop() -> QuantumCircuit:
    """Repeats until success."""
    circuit = QuantumCircuit(1, 1, name="while loop")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.h(0)
        circuit.measure(0, 0)
    return circuit


def switch() -> QuantumCircuit:
    """Does one of three things by the value of a register."""
    qubits, choice, outcome = QuantumRegister(3), ClassicalRegister(2, "k"), ClassicalRegister(1)
    circuit = QuantumCircuit(qubits, choice, outcome, name="switch")
    circuit.ry(1.0, 0)
    circuit.ry(2.0, 1)
    circuit.measure([0, 1], choice)
    with circuit.switch(choice) as case:
        with case(0):
            circuit.x(2)
        with case(1, 2):
            circuit.ry(0.4, 2)
        with case(case.DEFAULT):
            circuit.ry(1.4, 2)
    circuit.measure(2, outcome)
    return circuit


def expression() -> QuantumCircuit:
    """Depends on an expression over registers."""
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(3, "c"), name="expression")
    circuit.ry(1.2, [0, 1])
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test(expr.less(circuit.cregs[0], 2)):
        circuit.x(2)
    circuit.measure(2, 2)
    return circuit


@pytest.mark.parametrize(
    "circuit",
    [
        asymmetric(),
        several_registers(),
        mid_circuit_measurement(),
        if_else(),
        for_loop(),
        while_loop(),
        switch(),
        expression(),
    ],
    ids=lambda circuit: circuit.name,
)
def test_circuit_on_aer_gives_the_local_result(aer: RemoteBackend, circuit: QuantumCircuit) -> None:
    remote = run_remotely(aer, circuit, shots=1500, memory=True)
    assert_same_results(remote, run_locally(circuit, shots=1500, memory=True))
    assert remote.success
    assert sum(remote.get_counts(circuit).values()) == 1500
    assert len(remote.get_memory(circuit)) == 1500


def test_mid_circuit_measurement_keeps_the_first_outcome(aer: RemoteBackend) -> None:
    assert aer.run(mid_circuit_measurement(), shots=50).result().get_counts() == {"01": 50}


def test_registers_come_back_in_the_places_that_qiskit_gives_them(aer: RemoteBackend) -> None:
    counts = aer.run(several_registers(), shots=200, seed_simulator=SEED).result().get_counts()
    assert set(counts) == {"100 00 0", "101 00 1"}


def test_hundred_random_circuits_give_the_local_results(aer: RemoteBackend) -> None:
    circuits = [
        random_circuit(1 + index % 10, 6, measure=True, reset=index % 3 == 0, seed=index)
        for index in range(100)
    ]
    basis_gates = ["u", "cx", "swap", "ccx", "reset", "measure"]
    circuits = transpile(circuits, basis_gates=basis_gates, optimization_level=0)
    jobs = [
        aer.run(circuits[start : start + 25], shots=200, seed_simulator=SEED)
        for start in range(0, 100, 25)
    ]
    for index, job in enumerate(jobs):
        part = circuits[25 * index : 25 * index + 25]
        assert_same_results(job.result(), run_locally(part, shots=200))


def test_twenty_circuits_in_one_job_keep_order_names_and_metadata(aer: RemoteBackend) -> None:
    circuits = []
    for index in range(20):
        circuit = QuantumCircuit(5, 5, name=f"circuit number {index}", metadata={"index": index})
        for qubit in range(5):
            if index >> qubit & 1:
                circuit.x(qubit)
        circuit.measure(range(5), range(5))
        circuits.append(circuit)
    remote = run_remotely(aer, circuits, shots=10)
    assert_same_results(remote, run_locally(circuits, shots=10))
    for index, circuit in enumerate(circuits):
        assert remote.get_counts(circuit) == {f"{index:05b}": 10}
    assert [each.header["metadata"] for each in remote.results] == [
        {"index": index} for index in range(20)
    ]


def test_metadata_that_json_cannot_hold_comes_back_as_it_was(aer: RemoteBackend) -> None:
    circuit = bell()
    circuit.metadata = {"pair": (0, 1), 7: "seven", "amplitude": 1 + 2j}
    remote = run_remotely(aer, circuit, shots=5)
    assert remote.results[0].header["metadata"] == circuit.metadata


def test_parametrised_circuit_bound_before_gives_the_local_result(aer: RemoteBackend) -> None:
    theta, phi = Parameter("theta"), Parameter("phi")
    circuit = QuantumCircuit(2, 2)
    circuit.ry(2 * theta + phi, 0)
    circuit.crz(phi, 0, 1)
    circuit.measure([0, 1], [0, 1])
    bound = [circuit.assign_parameters({theta: 0.3 * k, phi: 0.1 * k}) for k in range(5)]
    assert_same_results(run_remotely(aer, bound, shots=300), run_locally(bound, shots=300))


def test_simulator_options_reach_the_simulator(aer: RemoteBackend) -> None:
    circuit = asymmetric()
    options: dict[str, Any] = {
        "shots": 100,
        "method": "matrix_product_state",
        "precision": "single",
    }
    remote = run_remotely(aer, circuit, **options)
    assert_same_results(remote, run_locally(circuit, **options))
    assert remote.results[0].metadata["method"] == "matrix_product_state"


def test_basic_simulator_gives_the_local_result(provider: RemoteProvider) -> None:
    circuits = [asymmetric(), bell()]
    options: dict[str, Any] = {"shots": 700, "seed_simulator": SEED, "memory": True}
    remote = provider.get_backend("basic_simulator").run(circuits, **options).result()
    assert_same_results(remote, BasicSimulator().run(circuits, **options).result())


def test_fake_sherbrooke_gives_the_result_of_the_device_model(provider: RemoteProvider) -> None:
    models = pytest.importorskip("qiskit_ibm_runtime.fake_provider")
    backend = provider.get_backend("fake_sherbrooke")
    configuration = backend.configuration()
    circuit = transpile(
        asymmetric(),
        basis_gates=configuration.basis_gates,
        coupling_map=configuration.coupling_map,
        initial_layout=[37, 38, 39, 40],
        seed_transpiler=1,
    )
    remote = backend.run(circuit, shots=400, seed_simulator=SEED).result()
    local = AerSimulator.from_backend(models.FakeSherbrooke())
    expected = local.run(circuit, shots=400, seed_simulator=SEED).result()
    assert remote.get_counts() == expected.get_counts()
    assert len(remote.get_counts()) > 4
