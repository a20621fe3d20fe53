"""Devices: circuits must fit, and the noise is the device's."""

from __future__ import annotations

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, transpile
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeSherbrooke

from longwire.errors import InvalidProgramError, LimitExceededError
from longwire_server.backends.loading import HostedBackend


@pytest.fixture(scope="module")
def local() -> AerSimulator:
    """What users compare with: it takes five seconds to make."""
    return AerSimulator.from_backend(FakeSherbrooke(), max_parallel_threads=1)


def fitting(hosted: HostedBackend, circuit: QuantumCircuit, first_qubit: int) -> QuantumCircuit:
    configuration = hosted.describe().configuration
    return transpile(
        circuit,
        basis_gates=[*configuration.basis_gates, "reset", "delay", "if_else"],
        coupling_map=configuration.coupling_map,
        initial_layout=list(range(first_qubit, first_qubit + circuit.num_qubits)),
        optimization_level=1,
        seed_transpiler=1,
    )


def dynamic() -> QuantumCircuit:
    """Several registers, a measurement on the way, a condition, a reset and a delay."""
    circuit = QuantumCircuit(2, 1, name="dynamic")
    circuit.add_register(ClassicalRegister(2, "end"))
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.reset(0)
    circuit.delay(16_000, 0)
    circuit.measure([0, 1], circuit.cregs[1])
    return circuit


def entangled(num_qubits: int = 3) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits, name="entangled")
    circuit.ry(0.4, 0)
    for qubit in range(1, num_qubits):
        circuit.cx(qubit - 1, qubit)
    circuit.measure_all()
    return circuit


def flipped() -> QuantumCircuit:
    """Noise of one Clifford gate alone, the case in which Aer would choose another method."""
    circuit = QuantumCircuit(1, name="flipped")
    circuit.x(0)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize(
    ("circuit", "first_qubit"), [(dynamic(), 0), (dynamic(), 3), (entangled(), 5), (flipped(), 24)]
)
def test_run_on_the_device_equals_aer_with_the_whole_noise_model(
    sherbrooke: HostedBackend, local: AerSimulator, circuit: QuantumCircuit, first_qubit: int
) -> None:
    there = fitting(sherbrooke, circuit, first_qubit)
    options = {"shots": 300, "seed_simulator": 5, "memory": True}
    expected = local.run([there], **options).result()
    assert sherbrooke.run([there], options).get_memory() == expected.get_memory()
    # Noise and all: an ideal run differs.
    assert AerSimulator().run([there], **options).result().get_memory() != expected.get_memory()


@pytest.mark.parametrize("fixture", ["generic", "sherbrooke"])
def test_run_of_a_transpiled_circuit_fits(fixture: str, request: pytest.FixtureRequest) -> None:
    hosted: HostedBackend = request.getfixturevalue(fixture)
    there = fitting(hosted, entangled(2), 0)
    counts = hosted.run([there], {"shots": 1000, "seed_simulator": 1}).get_counts()
    assert counts["00"] > 800


def test_run_of_an_operation_that_the_device_lacks_is_refused(sherbrooke: HostedBackend) -> None:
    circuit = QuantumCircuit(2, name="raw")
    circuit.x(0)
    circuit.h(1)
    with pytest.raises(InvalidProgramError) as caught:
        sherbrooke.run([circuit], {})
    message = caught.value.message
    assert "circuit 'raw': backend 'fake_sherbrooke' has no operation 'h' on qubits (1)" in message
    assert "basis_gates and coupling_map" in message
    assert "transpile=True" in message


def test_run_on_qubits_that_are_not_coupled_is_refused(generic: HostedBackend) -> None:
    circuit = QuantumCircuit(3, name="far")
    circuit.cx(0, 1)
    circuit.cx(2, 1)
    with pytest.raises(InvalidProgramError, match=r"'cx' on qubits \(2, 1\)"):
        generic.run([circuit], {})


def test_run_of_a_block_with_what_the_device_lacks_is_refused(generic: HostedBackend) -> None:
    circuit = QuantumCircuit(3, 1, name="inner")
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.cx(2, 0)
    with pytest.raises(InvalidProgramError, match=r"'inner'.*'cx' on qubits \(2, 0\)"):
        generic.run([circuit], {})


def test_run_of_a_loop_that_the_device_can_do_is_accepted(generic: HostedBackend) -> None:
    circuit = QuantumCircuit(3, 1, name="loop")
    with circuit.for_loop(range(3)):
        circuit.x(2)
        circuit.barrier(2)
        circuit.break_loop()
    circuit.measure(2, 0)
    counts = generic.run([circuit], {"shots": 100, "seed_simulator": 1}).get_counts()
    assert counts["1"] > 80


def test_run_of_more_qubits_than_the_device_has_is_refused(sherbrooke: HostedBackend) -> None:
    with pytest.raises(LimitExceededError, match="n_qubits is 127"):
        sherbrooke.run([QuantumCircuit(128, name="wide")], {})


def test_run_beyond_the_devices_own_limits_is_refused(sherbrooke: HostedBackend) -> None:
    with pytest.raises(LimitExceededError, match="max_shots is 100000"):
        sherbrooke.run([QuantumCircuit(1)], {"shots": 100_001})


def test_run_of_more_circuits_than_the_device_takes_at_once_equals_aers_one_run(
    sherbrooke: HostedBackend, local: AerSimulator
) -> None:
    options = {"shots": 20, "seed_simulator": 5, "memory": True}
    circuits = [fitting(sherbrooke, flipped(), 24)] * 301
    told: list[tuple[int, int]] = []
    result = sherbrooke.run(circuits, options, on_progress=lambda *numbers: told.append(numbers))
    expected = local.run(circuits, **options).result()
    assert told == [(300, 301)]
    assert [result.get_memory(index) for index in range(301)] == [
        expected.get_memory(index) for index in range(301)
    ]
