"""Payloads that were made to break whatever reads them."""

from __future__ import annotations

import io
import struct

from qiskit import QuantumCircuit, qpy

from longwire.v1.noise_model_pb2 import NoiseModel

OPENQASM2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
OPENQASM3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def qpy_of(*circuits: QuantumCircuit, version: int = 13) -> bytes:
    """Circuits as QPY."""
    buffer = io.BytesIO()
    qpy.dump(list(circuits), buffer, version=version)
    return buffer.getvalue()


def plain_circuit() -> QuantumCircuit:
    """Something valid, to begin with."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.rz(0.5, 1)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def qpy_that_names(name: str, parameter: int) -> bytes:
    """QPY of version 13 with one instruction of any name and a whole number for it."""
    instruction = struct.pack("!HHHIIBHqII", len(name), 0, 1, 0, 0, 0, 0, 0, 0, 0)
    value = struct.pack("!cQ", b"i", 8) + struct.pack("<q", parameter)
    return _file(_circuit(0, 0, instruction + name.encode() + value, instructions=1))


def qpy_that_claims(qubits: int, clbits: int = 0, instructions: int = 0) -> bytes:
    """QPY of version 13 whose header says so, with nothing behind it."""
    return _file(_circuit(qubits, clbits, b"", instructions=instructions))


def qpy_of_circuits(number: int) -> bytes:
    """QPY of version 13 whose header says so."""
    return _file(b"", number)


def nested_loops(depth: int) -> QuantumCircuit:
    """Loops in loops."""
    inner = QuantumCircuit(1)
    inner.x(0)
    for _ in range(depth):
        outer = QuantumCircuit(1)
        outer.for_loop(range(2), None, inner, [0], [])
        inner = outer
    return inner


def nested_definitions(depth: int) -> str:
    """OpenQASM 2 with gates each of which is defined by two of the one before."""
    gates = "gate g0 a { h a; h a; }\n" + "".join(
        f"gate g{n} a {{ g{n - 1} a; g{n - 1} a; }}\n" for n in range(1, depth)
    )
    return f"{OPENQASM2}{gates}qreg q[1];\ng{depth - 1} q[0];\n"


def noise_model_of_one_x(num_qubits: int, phase: float = 0.0) -> NoiseModel:
    """An error of one X among so many qubits."""
    message = NoiseModel()
    message.operations.add(
        class_name="qiskit.circuit.library.standard_gates:XGate", name="x", num_qubits=1
    )
    return with_circuit(message, num_qubits, phase)


def with_circuit(message: NoiseModel, num_qubits: int, phase: float = 0.0) -> NoiseModel:
    """The model with an error that is one circuit of the model's first operation."""
    width = message.operations[0].num_qubits
    message.circuits.num_qubits.append(num_qubits)
    message.circuits.num_operations.append(1)
    message.circuits.operations.append(0)
    message.circuits.qubits.extend(range(width))
    message.circuits.global_phases.append(phase)
    error = message.quantum_errors.add(id="x").circuits
    error.circuits.append(0)
    error.probabilities.append(1.0)
    return message


def noise_model_of_paulis(paulis: list[str], probabilities: list[float]) -> NoiseModel:
    """An error of Pauli operators."""
    message = NoiseModel()
    error = message.quantum_errors.add(id="x").paulis
    error.paulis.extend(paulis)
    error.probabilities.extend(probabilities)
    return message


def _file(circuits: bytes, number: int = 1) -> bytes:
    return struct.pack("!6sBBBBQcc", b"QISKIT", 13, 1, 3, 0, number, b"p", b"q") + circuits


def _circuit(qubits: int, clbits: int, body: bytes, *, instructions: int) -> bytes:
    metadata = b"{}"
    header = struct.pack(
        "!HcHIIQIQI", 0, b"f", 8, qubits, clbits, len(metadata), 0, instructions, 0
    )
    phase, definitions = struct.pack("!d", 0.0), struct.pack("!Q", 0)
    layout = struct.pack("!?iiiIi", False, -1, -1, -1, 0, 0)
    calibrations = struct.pack("!H", 0)
    return header + phase + metadata + definitions + body + calibrations + layout
