"""``make bench``: what results weigh on the wire, beside the same data packed.

Packed data is what nobody could leave out without compressing:

    counts       for each outcome its bits in whole bytes, and how often it was seen in the
                 fewest whole bytes that hold the largest count of all
    memory,      for each shot its bits in whole bytes, as in qiskit.primitives.BitArray
    samples
    statevector  16 bytes an amplitude
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import recording
from aims import Ratio, ratio
from byte_counter import ByteCounter, byte_counter
from processes import longwire_server
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from timing import time_calls

from longwire import RemoteSampler, RemoteService

ROUNDS = 1 if recording.QUICK else 3
SHOTS = 1000 if recording.QUICK else 100_000
MANY_SHOTS = 10 * SHOTS
AIM = 1.1
Call = Callable[[], Any]


def spread(num_qubits: int, *, measured: bool = True) -> QuantumCircuit:
    """A circuit in which every outcome is about as likely, and no amplitude like another."""
    circuit = QuantumCircuit(num_qubits)
    angles = np.random.default_rng(num_qubits).uniform(1.2, 1.9, (2, num_qubits))
    for qubit in range(num_qubits):
        circuit.ry(angles[0, qubit], qubit)
        circuit.rz(angles[1, qubit], qubit)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    if measured:
        circuit.measure_all()
    return circuit


def statevector_circuit(num_qubits: int) -> QuantumCircuit:
    """The same, and its state is saved."""
    circuit = spread(num_qubits, measured=False)
    circuit.save_statevector()  # type: ignore[attr-defined]  # added by qiskit_aer
    return circuit


def packed_counts(counts: Mapping[str, int]) -> int:
    """Bytes of packed counts; see the top of the module."""
    num_bits = len(next(iter(counts)))
    return len(counts) * (_whole_bytes(num_bits) + _whole_bytes(max(counts.values()).bit_length()))


def packed_bits(num_bits: int, shots: int) -> int:
    """Bytes of packed memory or samples."""
    return shots * _whole_bytes(num_bits)


def _whole_bytes(num_bits: int) -> int:
    return (num_bits + 7) // 8


def received(counter: ByteCounter, call: Call) -> tuple[int, Any]:
    """Bytes from the server during a call, and what it returned."""
    before = counter.received_bytes
    returned = call()
    return counter.received_bytes - before, returned


def measure_bytes(address: str) -> dict[str, dict[str, int]]:
    """Bytes on the wire, and of the packed data."""
    with byte_counter(address) as counter, RemoteService(counter.address) as service:
        backend = service.backend("aer_simulator")
        sampler = RemoteSampler(backend)
        # The connection and what is fetched once are no part of a result.
        backend.run(spread(2), shots=10).result()
        sampler.run([spread(2)], shots=10).result()
        figures = {}
        for num_qubits in (10, 16):
            sent, result = received(
                counter, lambda n=num_qubits: backend.run(spread(n), shots=SHOTS).result()
            )
            name = f"counts, {num_qubits} bits, {SHOTS} shots"
            figures[name] = {"wire": sent, "packed": packed_counts(result.get_counts())}
        for shots in (SHOTS, MANY_SHOTS):
            sent, _ = received(
                counter, lambda n=shots: backend.run(spread(10), shots=n, memory=True).result()
            )
            # Whoever asks for memory is sent the counts too, as Qiskit's Result has both;
            # all that is beside the memory counts as overhead.
            figures[f"memory, 10 bits, {shots} shots"] = {
                "wire": sent,
                "packed": packed_bits(10, shots),
            }
        sent, _ = received(counter, lambda: sampler.run([spread(10)], shots=SHOTS).result())
        figures[f"samples, 10 bits, {SHOTS} shots"] = {
            "wire": sent,
            "packed": packed_bits(10, SHOTS),
        }
        sent, _ = received(counter, lambda: backend.run(statevector_circuit(16)).result())
        figures["statevector, 16 qubits"] = {"wire": sent, "packed": 16 << 16}
        return figures


def measure_memory_seconds(address: str) -> dict[str, list[float]]:
    """Seconds from the circuit to every shot's outcome as text, here and there."""

    def call_on(backend: Any) -> Call:
        circuit = spread(10)
        return lambda: backend.run(circuit, shots=MANY_SHOTS, memory=True).result().get_memory()

    with RemoteService(address) as service:
        calls = {
            "local": call_on(AerSimulator()),
            "remote": call_on(service.backend("aer_simulator")),
        }
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                seconds[name] += time_calls(call, 1)
    return seconds


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """What the figures say about the aims."""
    found = {
        f"{name}, wire / packed": ratio(each["wire"] / each["packed"], at_most=AIM)
        for name, each in figures["bytes"].items()
    }
    seconds = {k: statistics.median(v) for k, v in figures["memory_seconds"].items()}
    found[f"memory of {MANY_SHOTS} shots, end to end, remote / local"] = ratio(
        seconds["remote"] / seconds["local"]
    )
    return found


def main() -> None:
    recorded = recording.begin()
    with longwire_server() as longwire:
        recorded["bytes"] = measure_bytes(longwire.address)
        recorded["memory_seconds"] = measure_memory_seconds(longwire.address)
    recorded["ratios"] = ratios(recorded)
    for name, each in recorded["bytes"].items():
        print(f"{name}: {each['wire']} bytes, packed {each['packed']}")
    print("memory_seconds", recorded["memory_seconds"])
    recording.finish("bytes_figures", recorded)


if __name__ == "__main__":
    main()
