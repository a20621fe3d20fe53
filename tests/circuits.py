"""Circuits that several tests run."""

from __future__ import annotations

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister


def bell(name: str = "bell") -> QuantumCircuit:
    """Two qubits that agree."""
    circuit = QuantumCircuit(2, 2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def asymmetric() -> QuantumCircuit:
    """Every qubit has another probability of 1, so that no order of bits can be mistaken."""
    circuit = QuantumCircuit(4, 4, name="asymmetric")
    for qubit, angle in enumerate((0.3, 0.9, 1.7, 2.6)):
        circuit.ry(angle, qubit)
    circuit.cx(0, 2)
    circuit.measure(range(4), range(4))
    return circuit


def several_registers() -> QuantumCircuit:
    """Registers of several sizes, measured across, one never measured into."""
    a, b = QuantumRegister(2, "a"), QuantumRegister(3, "b")
    low, spare, high = (
        ClassicalRegister(1, "low"),
        ClassicalRegister(2, "spare"),
        ClassicalRegister(3, "high"),
    )
    circuit = QuantumCircuit(a, b, low, spare, high, name="several registers")
    circuit.x(a[1])
    circuit.ry(0.8, b[0])
    circuit.cx(b[0], b[2])
    circuit.measure(a[1], high[2])
    circuit.measure(b[0], low[0])
    circuit.measure(b[2], high[0])
    return circuit


def mid_circuit_measurement() -> QuantumCircuit:
    """Measures, resets, and measures again: the outcome is 01 and never 00."""
    circuit = QuantumCircuit(1, 2, name="mid-circuit measurement")
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.reset(0)
    circuit.measure(0, 1)
    return circuit


def hours_long(num_qubits: int) -> QuantumCircuit:
    """A circuit whose simulation does not end while a test runs."""
    circuit = QuantumCircuit(num_qubits, num_qubits, name="hours long")
    for layer in range(400):
        for qubit in range(num_qubits):
            circuit.rx(0.1 + layer, qubit)
        for qubit in range(num_qubits - 1):
            circuit.cx(qubit, qubit + 1)
    circuit.measure(range(num_qubits), range(num_qubits))
    return circuit
