"""Transpiling for a backend gives the same circuits here and elsewhere, and they run."""

from __future__ import annotations

import pytest
from circuits import asymmetric
from places import LocalPlace, Place
from qiskit import QuantumCircuit
from qiskit.circuit.library import QFTGate, UnitaryGate
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import random_unitary
from qiskit.transpiler import generate_preset_pass_manager

LEVELS = range(4)
DEVICES = ["generic", "fake_manila"]
BACKENDS = ["aer_simulator", "basic_simulator", *DEVICES]


def high_level() -> QuantumCircuit:
    """Operations that no device has."""
    circuit = QuantumCircuit(4, name="high level")
    circuit.append(QFTGate(3), [0, 1, 2])
    circuit.append(UnitaryGate(random_unitary(4, seed=3)), [1, 3])
    circuit.mcx([0, 1, 2], 3)
    circuit.measure_all()
    return circuit


def varied() -> QuantumCircuit:
    """Gates of many kinds, none of which Qiskit resynthesises for a simulator."""
    circuit = QuantumCircuit(4, 4, name="varied")
    for qubit in range(4):
        circuit.u(0.3 + qubit, 0.2, 1.1, qubit)
    circuit.cswap(0, 1, 2)
    circuit.ccx(1, 2, 3)
    circuit.reset(0)
    circuit.ecr(0, 3)
    circuit.barrier()
    circuit.h([1, 2])
    circuit.sxdg(3)
    circuit.p(0.4, 2)
    circuit.swap(2, 3)
    circuit.measure(range(4), range(4))
    circuit.global_phase = 0.7
    return circuit


def circuits_for(name: str, seed: int) -> list[QuantumCircuit]:
    """Circuits that Qiskit 2.6 transpiles alike in every call and process.

    Where a backend has several gates of two qubits, as simulators have, it takes now
    this one and now that when it makes a pair of qubits anew.
    """
    drawn = random_circuit(4, 4, measure=True, seed=seed) if name in DEVICES else varied()
    return [asymmetric(), high_level(), drawn]


def conditional() -> QuantumCircuit:
    """A block that must be transpiled inside."""
    circuit = QuantumCircuit(3, 2, name="conditional")
    circuit.ry(0.8, 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.ccx(0, 1, 2)
    circuit.measure(2, 1)
    return circuit


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", BACKENDS)
def test_transpiled_circuit_is_the_same_and_runs(place: Place, name: str, level: int) -> None:
    circuits = circuits_for(name, seed=level)
    transpiled = place.transpile(circuits, name, optimization_level=level)
    counts = place.run(transpiled, name, shots=100).get_counts()
    assert [sum(each.values()) for each in counts] == [100, 100, 100]


@pytest.mark.parametrize("level", LEVELS)
def test_control_flow_is_transpiled_inside(place: Place, level: int) -> None:
    transpiled = place.transpile(conditional(), optimization_level=level)
    assert sum(place.run(transpiled, shots=100).get_counts().values()) == 100


@pytest.mark.parametrize("name", ["generic", "fake_manila"])
def test_layout_tells_where_the_qubits_went(place: Place, name: str) -> None:
    layout = place.transpile(asymmetric(), name, optimization_level=3).layout
    expected = LocalPlace().transpile(asymmetric(), name, optimization_level=3).layout
    assert layout.final_index_layout() == expected.final_index_layout()
    assert layout.initial_index_layout() == expected.initial_index_layout()


@pytest.mark.parametrize("name", BACKENDS)
def test_preset_pass_manager_takes_the_backend(place: Place, name: str) -> None:
    manager = generate_preset_pass_manager(2, backend=place.backend(name), seed_transpiler=4)
    expected = generate_preset_pass_manager(
        2, backend=LocalPlace().backend(name), seed_transpiler=4
    )
    assert manager.run(high_level()) == expected.run(high_level())


@pytest.mark.parametrize("name", BACKENDS)
def test_backend_tells_the_same_of_itself(place: Place, name: str) -> None:
    backend, local = place.backend(name), LocalPlace().backend(name)
    assert backend.num_qubits == local.num_qubits
    # Aer takes the order from a set.
    assert sorted(backend.operation_names) == sorted(local.operation_names)
    assert backend.dt == local.dt
    assert backend.target.qargs == local.target.qargs
    edges, expected = backend.coupling_map, local.coupling_map
    assert (edges and set(edges.get_edges())) == (expected and set(expected.get_edges()))
    assert backend.instruction_durations.duration_by_name_qubits == (
        local.instruction_durations.duration_by_name_qubits
    )
