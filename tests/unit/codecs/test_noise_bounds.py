"""Noise models that were made to break a simulator are refused as they are read."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hostile_payloads import noise_model_of_one_x, noise_model_of_paulis, with_circuit
from qiskit import QuantumCircuit
from qiskit.circuit.library import MCXGate, PauliGate, PhaseOracleGate, UnitaryGate
from qiskit.transpiler import Target
from qiskit_aer.noise import NoiseModel, PauliError, PauliLindbladError, QuantumError

from longwire.codecs.array import fill_array
from longwire.codecs.operation import fill_operation, read_operation
from longwire.codecs.value import value_from_proto, value_to_proto
from longwire.errors import CodecError
from longwire.v1 import noise_model_pb2, operation_pb2, value_pb2

Message = noise_model_pb2.NoiseModel


def read(message: Message) -> Any:
    value = value_pb2.Value()
    value.noise_model_value.data = message.SerializeToString()
    return value_from_proto(value)


def of_operation(class_name: str, *parameters: Any, name: str = "", num_qubits: int = 1) -> Message:
    """A model with an error that is one operation."""
    message = Message()
    operation = message.operations.add(class_name=class_name, name=name, num_qubits=num_qubits)
    for parameter in parameters:
        value = operation.parameters.add().value
        if isinstance(parameter, np.ndarray):
            fill_array(value.array_value, parameter)
        elif isinstance(parameter, str):
            value.string_value = parameter
        else:
            value.int_value = parameter
    return with_circuit(message, num_qubits)


def of_generators(generators: list[str], rates: list[float]) -> Message:
    message = Message()
    error = message.quantum_errors.add(id="x").pauli_lindblad
    error.generators.extend(generators)
    error.rates.extend(rates)
    return message


def of_readout(num_qubits: int) -> Message:
    message = Message()
    message.local_readout_errors.num_qubits.append(num_qubits)
    message.local_readout_errors.qubits.extend(range(num_qubits))
    return message


def of_width(instruction: str, paulis: str) -> Message:
    message = noise_model_of_paulis([paulis], [1.0])
    message.all_qubit_errors.add(instruction=instruction, error=0)
    return message


LIBRARY = "qiskit.circuit.library"
PLAIN = "qiskit.circuit:Instruction"
HOSTILE: dict[str, tuple[Callable[[], Message], str]] = {
    "circuit": (lambda: noise_model_of_one_x(1_000_000), "circuits have 1000000 qubits"),
    "phase": (lambda: noise_model_of_one_x(1, nan), "phases of its circuits are not all finite"),
    "paulis": (lambda: noise_model_of_paulis(["X" * 1_000_000], [1.0]), "on 1000000 qubits"),
    "paulis of several lengths": (
        lambda: noise_model_of_paulis(["X", "XX"], [0.5, 0.5]),
        "operators are none",
    ),
    "nan": (lambda: noise_model_of_paulis(["X"], [nan]), "not all finite"),
    "negative": (lambda: noise_model_of_paulis(["I", "X"], [1.5, -0.5]), "negative, or their sum"),
    "sum": (lambda: noise_model_of_paulis(["I", "X"], [0.5, 0.6]), "negative, or their sum"),
    "generators": (lambda: of_generators(["X" * 1_000_000], [0.1]), "on 1000000 qubits"),
    "nan rate": (lambda: of_generators(["X"], [nan]), "not all finite"),
    "infinite rate": (lambda: of_generators(["X"], [inf]), "not all finite"),
    "negative rate": (lambda: of_generators(["X"], [-1.0]), "negative"),
    "large gate": (lambda: of_operation(f"{LIBRARY}:MCXGate", 10**9), "whole number"),
    "huge number": (lambda: of_operation(f"{LIBRARY}:QFTGate", -(2**62)), "whole number"),
    "formula": (lambda: of_operation(f"{LIBRARY}:PhaseOracleGate", "x & y"), "no instruction"),
    "no instruction": (lambda: of_operation("qiskit.quantum_info:Clifford"), "no instruction"),
    "wide operation": (
        lambda: of_operation(PLAIN, name="foo", num_qubits=1001),
        "more than any may have",
    ),
    "kraus of another size": (lambda: of_operation(PLAIN, np.eye(4), name="kraus"), "other arrays"),
    "kraus of no size": (lambda: of_operation(PLAIN, name="kraus"), "other arrays"),
    "unitary beyond numbers": (
        lambda: of_operation(f"{LIBRARY}:UnitaryGate", np.eye(2) * 1e300, name="unitary"),
        "not unitary",
    ),
    "probabilities beyond numbers": (
        lambda: noise_model_of_paulis(["I", "X"], [1e308, 1e308]),
        "negative, or their sum",
    ),
    "superoperator": (lambda: of_operation(PLAIN, np.eye(2), name="superop"), "other arrays"),
    "kraus with nan": (
        lambda: of_operation(PLAIN, np.array([[nan, 0], [0, 1]]), name="kraus"),
        "not all finite",
    ),
    "pauli of another size": (lambda: of_operation(PLAIN, "XX", name="pauli"), "another label"),
    "readout": (lambda: of_readout(200_000), "readout error of 200000 qubits"),
    "readout with nan": (
        lambda: Message(all_qubit_readout_error=[nan] * 4),
        "not all finite",
    ),
    "two qubits on one": (lambda: of_width("h", "XX"), "cannot be applied to 1 qubit"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_noise_model_is_refused(name: str) -> None:
    make, complaint = HOSTILE[name]
    with pytest.raises(CodecError, match=complaint):
        read(make())


def test_error_of_a_whole_layer_is_kept() -> None:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(PauliError(["X" * 156, "I" * 156], [0.1, 0.9]), "layer")
    model.add_all_qubit_quantum_error(PauliLindbladError(["X" * 156], [0.1]), "generated")
    circuit = QuantumCircuit(156)
    circuit.append(PauliGate("XY" * 78), range(156))
    circuit.append(UnitaryGate(np.eye(8)), range(3))
    circuit.append(MCXGate(5), range(6))
    model.add_all_qubit_quantum_error(QuantumError([(circuit, 1.0)]), "gates")
    received = value_from_proto(value_to_proto(model))
    assert value_to_proto(received) == value_to_proto(model)
    assert repr(received.to_dict()) == repr(model.to_dict())


@pytest.mark.parametrize(("class_name", "parameter"), [("MCXGate", 10**9), ("PhaseOracleGate", 0)])
def test_operation_that_is_large_to_build_becomes_a_plain_one(
    class_name: str, parameter: int
) -> None:
    message = operation_pb2.Operation(class_name=f"{LIBRARY}:{class_name}", name="a", is_gate=True)
    message.num_qubits = 3
    message.parameters.add().value.int_value = parameter
    assert type(read_operation(message)).__name__ == "Gate"


def test_formula_of_a_target_arrives_as_a_gate_of_its_size() -> None:
    target = Target(num_qubits=3)
    target.add_instruction(PhaseOracleGate("x & y"), {(0, 1): None}, name="oracle")
    message = operation_pb2.Operation()
    assert not fill_operation(message, target.operation_from_name("oracle"))
    assert read_operation(message).num_qubits == 2
