"""Runs asymmetric circuits on a server for as long as its stdin is open, and compares.

``checked_results.py ADDRESS SECONDS``: every so many seconds a circuit of its own, with a
seed, on the server and on Aer in this process. Counts that are swapped, shifted or another
job's cannot be equal. The figures are written to stdout when stdin ends.
"""

from __future__ import annotations

import json
import random
import select
import sys

from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from longwire import RemoteProvider

SHOTS = 256
QUBITS = 4


def asymmetric(chance: random.Random) -> QuantumCircuit:
    """Rotations of different angles, so that every qubit has counts of its own."""
    circuit = QuantumCircuit(QUBITS, QUBITS)
    for qubit in range(QUBITS):
        circuit.ry(chance.uniform(0.2, 2.9), qubit)
    circuit.cx(0, QUBITS - 1)
    circuit.measure(range(QUBITS), range(QUBITS))
    return circuit


def main() -> None:
    address, seconds = sys.argv[1], float(sys.argv[2])
    chance, local = random.Random(1), AerSimulator(max_parallel_threads=1)
    compared, unequal = 0, []
    with RemoteProvider(address) as provider:
        backend = provider.get_backend("aer_simulator")
        while not select.select([sys.stdin], [], [], seconds)[0]:
            circuit, seed = asymmetric(chance), chance.getrandbits(30)
            job = backend.run(circuit, shots=SHOTS, seed_simulator=seed)
            ours = job.result(timeout=120).get_counts()
            expected = local.run(circuit, shots=SHOTS, seed_simulator=seed).result()
            compared += 1
            if ours != expected.get_counts():
                unequal.append(job.job_id())
    print(json.dumps({"compared": compared, "unequal": unequal}))


if __name__ == "__main__":
    main()
