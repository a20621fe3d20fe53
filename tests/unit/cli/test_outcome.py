"""Outcomes read from a result without Qiskit, compared with what Qiskit says of it."""

from __future__ import annotations

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit
from qiskit.result import Result
from qiskit_aer import AerSimulator

from longwire.cli.outcome import format_outcome, read_outcome
from longwire.codecs.result import encode_result
from longwire.errors import CodecError
from longwire.v1.program_pb2 import COUNTS_FORMAT_BITSTRINGS


def ran(*circuits: QuantumCircuit, **options: object) -> Result:
    return AerSimulator(max_parallel_threads=1).run(list(circuits), **options).result()


def one_register() -> QuantumCircuit:
    circuit = QuantumCircuit(3, 3, name="one register")
    circuit.x(0)
    circuit.h(1)
    circuit.measure(range(3), range(3))
    return circuit


def several_registers() -> QuantumCircuit:
    qubits = QuantumRegister(4)
    circuit = QuantumCircuit(
        qubits, ClassicalRegister(1, "a"), ClassicalRegister(3, "b"), ClassicalRegister(2, "c")
    )
    circuit.x(0)
    circuit.h(2)
    circuit.measure([0, 1, 2], [0, 2, 5])
    return circuit


def bits_without_a_register() -> QuantumCircuit:
    circuit = QuantumCircuit([Clbit(), Clbit()], QuantumRegister(1))
    circuit.x(0)
    circuit.measure(0, 1)
    return circuit


def more_than_64_bits() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 70, name="wide")
    circuit.x(0)
    circuit.h(1)
    circuit.measure([0, 1], [69, 3])
    return circuit


@pytest.mark.parametrize(
    "circuit",
    [one_register(), several_registers(), bits_without_a_register(), more_than_64_bits()],
    ids=lambda circuit: circuit.name,
)
def test_outcome_has_the_bit_strings_of_qiskits_counts_and_memory(circuit: QuantumCircuit) -> None:
    result = ran(circuit, shots=50, memory=True, seed_simulator=7)
    (outcome,) = read_outcome(encode_result(result)).circuits
    assert outcome.counts == dict(result.get_counts())
    assert outcome.memory == result.get_memory()
    assert list(outcome.counts or ()) == sorted(outcome.counts or ())


def test_outcome_tells_name_shots_and_seed_of_each_circuit() -> None:
    outcome = read_outcome(
        encode_result(ran(one_register(), more_than_64_bits(), shots=5, seed_simulator=7))
    )
    assert [circuit.name for circuit in outcome.circuits] == ["one register", "wide"]
    assert [circuit.shots for circuit in outcome.circuits] == [5, 5]
    assert outcome.circuits[0].seed == 7
    assert outcome.backend_version


def test_outcome_of_counts_sent_as_bit_strings_is_the_same() -> None:
    result = ran(several_registers(), shots=20)
    compact = read_outcome(encode_result(result))
    strings = read_outcome(encode_result(result, counts_format=COUNTS_FORMAT_BITSTRINGS))
    assert strings == compact


def test_outcome_of_saved_data_alone_has_no_counts_but_names_the_data() -> None:
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.save_statevector()
    (outcome,) = read_outcome(encode_result(ran(circuit))).circuits
    assert outcome.counts is None
    assert outcome.data_names == ("statevector",)


def test_damaged_result_is_refused_by_its_digest() -> None:
    encoded = encode_result(ran(one_register()))
    encoded.data = encoded.data[:-1]
    with pytest.raises(CodecError, match="digest"):
        read_outcome(encoded)


def test_registers_that_do_not_cover_the_bits_do_not_separate_them() -> None:
    assert format_outcome("0x5", 4, (2, 1)) == "0101"


def test_outcome_of_another_form_is_left_as_it_is() -> None:
    assert format_outcome("up down", 2, (1, 1)) == "up down"
