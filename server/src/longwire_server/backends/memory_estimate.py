"""How much memory Aer needs at least for a circuit: 2^n by method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from qiskit.circuit import QuantumCircuit

# How many amplitudes of 16 bytes a state has is 2 to the power of its qubits times
# this. With other methods, such as stabilizer and matrix_product_state, it depends on
# the circuit, and where nothing is chosen (automatic) Aer may take one of these.
_POWERS: Final[Mapping[str, int]] = {
    "statevector": 1,
    "density_matrix": 2,
    "unitary": 2,
    "superop": 4,
}
# The same for what a circuit saves, by whichever method it is simulated. What is made
# small by any method, such as a list of probabilities, is left to Aer.
_SAVED_POWERS: Final[Mapping[str, int]] = {
    "save_statevector": 1,
    "save_density_matrix": 2,
    "save_unitary": 2,
    "save_superop": 4,
}
_AMPLITUDE_BYTES: Final = 16
# So many qubits have no amplitudes that a number of any use could count.
_MOST_QUBITS: Final = 500


def state_bytes(circuit: QuantumCircuit, method: str, *, single_precision: bool) -> int:
    """Bytes of the state of a circuit; 0 where that is not known before it is run.

    Args:
        circuit: the circuit. Qubits that nothing acts on are not simulated.
        method: Aer's method.
        single_precision: whether amplitudes have half the bytes.
    """
    power = _POWERS.get(method)
    if power is None:
        return 0
    amplitude = _AMPLITUDE_BYTES // 2 if single_precision else _AMPLITUDE_BYTES
    exponent: int = min(power * num_active_qubits(circuit), _MOST_QUBITS)
    return amplitude << exponent


def saved_bytes(circuit: QuantumCircuit, shots: int) -> int:
    """Bytes of the largest of what a circuit saves, in its result.

    Args:
        circuit: the circuit.
        shots: its shots, each of which has its own where that is asked for.
    """
    if not any(name in _SAVED_POWERS for name in circuit.count_ops()):
        return 0
    return max(_saved(circuit, shots), default=0)


def num_active_qubits(circuit: QuantumCircuit) -> int:
    """How many qubits some operation other than a barrier acts on."""
    active = {
        qubit
        for instruction in circuit.data
        if instruction.operation.name != "barrier"
        for qubit in instruction.qubits
    }
    return len(active)


def upper_bound(circuits: Sequence[QuantumCircuit], shots: int) -> int:
    """More bytes than any of these circuits can need, found out in no time."""
    qubits = max(circuit.num_qubits for circuit in circuits)
    exponent: int = min(4 * qubits, _MOST_QUBITS)
    return (_AMPLITUDE_BYTES * shots) << exponent


def _saved(circuit: QuantumCircuit, shots: int) -> Iterator[int]:
    for instruction in circuit.data:
        operation: Any = instruction.operation
        power = _SAVED_POWERS.get(operation.name)
        if power is not None:
            each_shot = getattr(operation, "_subtype", "") in ("list", "c_list")
            size = _AMPLITUDE_BYTES << min(power * len(instruction.qubits), _MOST_QUBITS)
            yield size * (shots if each_shot else 1)
