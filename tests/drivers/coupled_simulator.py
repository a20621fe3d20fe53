"""Aer's simulator as a line of few qubits."""

from __future__ import annotations

from qiskit_aer import AerSimulator

NUM_QUBITS = 4


def coupled_simulator() -> AerSimulator:
    """One that transpiling moves qubits for."""
    pairs = [[qubit, qubit + 1] for qubit in range(NUM_QUBITS - 1)]
    return AerSimulator(
        n_qubits=NUM_QUBITS,
        coupling_map=pairs + [pair[::-1] for pair in pairs],
        basis_gates=["cx", "rz", "sx", "x", "save_statevector"],
    )
