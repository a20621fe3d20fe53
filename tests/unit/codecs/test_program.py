"""Programs of every format reach the worker as they were meant, or are refused with the reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from qiskit import QuantumCircuit, qasm2, qasm3, qpy
from qiskit.circuit import Parameter
from qiskit.circuit.random import random_circuit

from longwire.codecs.program import (
    label_circuits,
    parse_payloads,
    program_from_proto,
    program_to_proto,
)
from longwire.errors import InvalidProgramError
from longwire.v1 import program_pb2

QPY, OPENQASM2, OPENQASM3, QOBJ = (
    program_pb2.PROGRAM_FORMAT_QPY,
    program_pb2.PROGRAM_FORMAT_OPENQASM2,
    program_pb2.PROGRAM_FORMAT_OPENQASM3,
    program_pb2.PROGRAM_FORMAT_QOBJ,
)
Program, Support = program_pb2.Program, program_pb2.ProgramFormatSupport


def round_trip(program: object, **arguments: object) -> object:
    message = program_to_proto(program, **arguments)
    return program_from_proto(Program.FromString(message.SerializeToString()))


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_texts_without_names_are_named_by_their_places() -> None:
    text = "OPENQASM 3.0; qubit q;"
    for _ in range(2):
        found = program_from_proto(program_to_proto([text, text]))
        assert [circuit.name for circuit in found] == ["circuit-0", "circuit-1"]


def test_one_circuit_and_many_come_back_equal_in_order():
    circuits = [random_circuit(4, 5, measure=True, seed=seed) for seed in range(10)]
    assert round_trip(circuits[0]) == circuits[:1]
    received = round_trip(tuple(circuits))
    assert received == circuits
    assert [circuit.name for circuit in received] == [circuit.name for circuit in circuits]


def test_circuit_with_parameters_and_control_flow_comes_back_equal():
    circuit = bell()
    circuit.rx(Parameter("theta") * 2, 0)
    with circuit.while_loop((circuit.clbits[0], 1)):
        circuit.h(0)
        circuit.measure(0, 0)
    assert round_trip(circuit) == [circuit]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"a": [1, 2.5, None, {"b": True}]},
        {"a": (1, 2)},
        {3: 4, (1, 2): "x"},
        {"a": np.arange(3).tolist(), "z": 1j},
        {"a": np.float64(0.5)},
    ],
    ids=str,
)
def test_metadata_comes_back_with_its_types(metadata):
    circuits = [bell(), bell(), bell()]
    circuits[1].metadata = metadata
    received = round_trip(circuits)
    assert repr(received[1].metadata) == repr(metadata)
    assert [received[0].metadata, received[2].metadata] == [{}, {}]
    assert circuits[1].metadata is metadata


def test_metadata_that_cannot_be_sent_is_refused_with_the_circuit_and_the_place():
    circuit = bell()
    circuit.metadata = {"a": [object()]}
    with pytest.raises(InvalidProgramError, match=r"circuit 1 \('bell'\): metadata\.a\[0\]: "):
        program_to_proto([bell(), circuit])


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [(13, 99, qpy.QPY_VERSION), (13, 15, 15), (10, 13, 13), (14, 14, 14), (0, 0, qpy.QPY_VERSION)],
)
def test_qpy_is_written_in_the_newest_version_that_both_sides_know(lowest, highest, expected):
    support = Support(format=QPY, min_version=lowest, max_version=highest)
    message = program_to_proto(bell(), accepted_programs=[support])
    assert message.qpy_version == expected
    assert message.payloads[0][6] == expected
    assert program_from_proto(message) == [bell()]


@pytest.mark.parametrize(("lowest", "highest"), [(8, 12), (90, 99)])
def test_circuit_is_refused_where_no_version_of_qpy_suits_both_sides(lowest, highest):
    support = Support(format=QPY, min_version=lowest, max_version=highest)
    with pytest.raises(InvalidProgramError, match="no version of QPY suits both") as caught:
        program_to_proto(bell(), accepted_programs=[support])
    assert caught.value.reason == "PROGRAM_FORMAT_UNSUPPORTED"


@pytest.mark.parametrize("program", [bell(), qasm3.dumps(bell())], ids=["circuit", "text"])
def test_program_in_a_format_that_the_backend_does_not_accept_is_refused(program):
    with pytest.raises(InvalidProgramError, match="it accepts OpenQASM 2") as caught:
        program_to_proto(program, accepted_programs=[Support(format=OPENQASM2)])
    assert caught.value.reason == "PROGRAM_FORMAT_UNSUPPORTED"


@pytest.mark.parametrize(
    ("dumps", "program_format"), [(qasm2.dumps, OPENQASM2), (qasm3.dumps, OPENQASM3)]
)
def test_openqasm_is_recognised_and_gives_the_same_circuit(dumps, program_format):
    circuit = QuantumCircuit(3, 3)
    circuit.h(0)
    circuit.ccx(0, 1, 2)
    circuit.rz(0.3, 1)
    circuit.measure([0, 1, 2], [2, 0, 1])
    block_comment = "/* another\n one */" if program_format == OPENQASM3 else ""
    text = f"\n// a comment\n{block_comment}  {dumps(circuit)}"
    message = program_to_proto([text, dumps(bell())], circuit_names=["first", "second"])
    assert message.format == program_format
    first, second = program_from_proto(message)
    assert first.count_ops() == circuit.count_ops()
    assert [first.name, second.name] == ["first", "second"]
    bits = [[first.find_bit(bit).index for bit in item.clbits] for item in first.data[-3:]]
    assert bits == [[2], [0], [1]]


def test_openqasm_2_of_older_qiskit_is_read_with_gates_beyond_the_paper():
    text = (
        'OPENQASM 2.0; include "qelib1.inc"; qreg q[4]; creg c[4];'
        "csx q[0],q[1]; rxx(0.1) q[0],q[1]; c3x q[0],q[1],q[2],q[3]; p(0.2) q[0];"
        "cu(1,2,3,4) q[0],q[1]; measure q -> c;"
    )
    (circuit,) = round_trip(text)
    assert {"csx", "rxx", "p", "cu", "measure"} <= set(circuit.count_ops())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("qreg q[2];", "put 'OPENQASM 3.0;'"),
        ("bell.qasm", "read the file first"),
        ("", "put 'OPENQASM 3.0;'"),
        ("// OPENQASM 3.0;\nqubit q;", "put 'OPENQASM 3.0;'"),
        ("OPENQASM 1.0; x;", "OpenQASM 1 is not known"),
        ("/* " + "* " * 50_000, "put 'OPENQASM 3.0;'"),
    ],
    ids=["no-header", "file", "empty", "in-comment", "old", "long-comment"],
)
def test_openqasm_without_a_known_version_is_refused_before_it_is_sent(text, complaint):
    with pytest.raises(InvalidProgramError, match=complaint):
        program_to_proto(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "OPENQASM 2.0;\nqreg q[2];\nfoo q[0];",
            "circuit 1: line 3, column 0: 'foo' is not defined",
        ),
        ("OPENQASM 2.0;\nqreg q[", "circuit 1: line 2, column 6: unexpected end-of-file"),
    ],
)
def test_openqasm_2_that_is_wrong_is_refused_with_index_line_and_column(text, complaint):
    with pytest.raises(InvalidProgramError) as caught:
        round_trip(["OPENQASM 2.0; qreg q[1];", text])
    assert caught.value.message.startswith(complaint)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "OPENQASM 3.0;\nqubit q;\nfoo q;",
            "circuit 1: line 3, column 0: gate 'foo' is not defined",
        ),
        ("OPENQASM 3.0;\nqubit[2] q;; x", "circuit 1: line 2, column 11: ';' is not expected"),
        ("OPENQASM 3;\nqubit[2] q;\nU(0,0,0) q[5];", "circuit 1: "),
    ],
)
def test_openqasm_3_that_is_wrong_is_refused_with_index_line_and_column(text, complaint):
    with pytest.raises(InvalidProgramError) as caught:
        round_trip(["OPENQASM 3.0; qubit q;", text])
    assert caught.value.message.startswith(complaint)


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_openqasm_cannot_read_files_of_the_server(version, tmp_path):
    secret = tmp_path / "secret.inc"
    secret.write_text("the secret;")
    with pytest.raises(InvalidProgramError) as caught:
        round_trip(f'OPENQASM {version};\ninclude "{secret}";')
    assert "the secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ([], "nothing to run"),
        (5, "an object of type int cannot be run"),
        (None, "an object of type NoneType cannot be run"),
        ([bell(), 5], "entry 1: an object of type int"),
        ([bell(), "OPENQASM 3.0;"], "cannot be mixed"),
        (["OPENQASM 2.0;", "OPENQASM 3.0;"], "cannot be mixed"),
    ],
    ids=["empty", "int", "none", "mixed-int", "mixed-text", "mixed-versions"],
)
def test_what_is_no_program_is_refused(program, complaint):
    with pytest.raises(InvalidProgramError, match=complaint):
        program_to_proto(program)


def test_circuit_that_qpy_cannot_hold_is_refused_with_its_index_and_name():
    from qiskit.circuit import Instruction

    class Odd(Instruction):
        def validate_parameter(self, parameter):
            return parameter

    odd = QuantumCircuit(1, name="odd one")
    odd.append(Odd("odd", 1, 0, [{1, 2}]), [0])
    with pytest.raises(InvalidProgramError, match=r"circuit 1 \('odd one'\)"):
        program_to_proto([bell(), odd])


def qpy_payload(circuits: list[QuantumCircuit] | None = None) -> bytes:
    buffer = io.BytesIO()
    qpy.dump(circuits or [bell()], buffer)
    return buffer.getvalue()


def with_version(version: int) -> bytes:
    payload = bytearray(qpy_payload())
    payload[6] = version
    return bytes(payload)


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (Program(payloads=[b""]), "format 0 is unknown"),
        (Program(format=QPY), "has one payload, this has 0"),
        (Program(format=QPY, payloads=[b"", b""]), "has one payload, this has 2"),
        (Program(format=QOBJ), "has one payload, this has 0"),
        (Program(format=QPY, payloads=[b"QASM"]), "the payload is not QPY"),
        (Program(format=QPY, qpy_version=12, payloads=[with_version(12)]), "can execute code"),
        (Program(format=QPY, qpy_version=99, payloads=[with_version(99)]), "newer than this"),
        (Program(format=QPY, qpy_version=13, payloads=[qpy_payload()]), "says version 13"),
        (Program(format=OPENQASM3), "nothing to run"),
        (Program(format=OPENQASM3, payloads=[b"OPENQASM 2.0;"]), "does not say OpenQASM 3"),
        (Program(format=OPENQASM3, payloads=[b"\xff"]), "circuit 0: the text is not UTF-8"),
        (
            Program(format=OPENQASM3, payloads=[b"OPENQASM 3;"], circuit_names=["a", "b"]),
            "names of 2 circuits came with 1 circuits",
        ),
    ],
    ids=[
        *["format", "no-payload", "two-payloads", "no-qobj", "no-qpy", "old", "new", "other"],
        *["no-text", "other-text", "bytes", "names"],
    ],
)
def test_message_that_contradicts_itself_is_refused(message, complaint):
    with pytest.raises(InvalidProgramError, match=complaint):
        program_from_proto(message)


def test_qpy_with_metadata_of_another_number_of_circuits_is_refused():
    message = program_to_proto([bell(), bell()])
    message.circuit_metadata.add().int_value = 1
    with pytest.raises(InvalidProgramError, match="metadata of 1 circuits came with 2"):
        program_from_proto(message)


@given(st.integers(7, len(qpy_payload()) - 1))
@settings(deadline=None)
def test_qpy_that_is_cut_off_is_refused(length):
    message = Program(format=QPY, qpy_version=qpy.QPY_VERSION, payloads=[qpy_payload()[:length]])
    with pytest.raises(InvalidProgramError, match="the QPY payload cannot be read"):
        program_from_proto(message)


def test_qobj_and_its_dictionary_come_back_as_the_same_qobj():
    from longwire.qobj import QasmQobj

    document = {
        "qobj_id": "q1",
        "schema_version": "1.3.0",
        "type": "QASM",
        "header": {"description": "a test"},
        "config": {"shots": 10, "memory_slots": 1},
        "experiments": [
            {
                "header": {"name": "e", "memory_slots": 1, "n_qubits": 1},
                "config": {},
                "instructions": [
                    {"name": "u2", "qubits": [0], "params": [0.0, 0.5]},
                    {"name": "measure", "qubits": [0], "memory": [0]},
                ],
            }
        ],
    }
    received = round_trip(document)
    assert isinstance(received, QasmQobj)
    assert received == round_trip(received)
    assert (
        received.to_dict()["experiments"] == QasmQobj.from_dict(document).to_dict()["experiments"]
    )


def test_payloads_are_read_without_what_the_job_adds_to_them():
    circuit = QuantumCircuit(1, name="own", metadata={(1,): 2})
    message = program_to_proto(circuit)
    (found,) = parse_payloads(message)
    assert (found.name, found.metadata) == ("own", {})
    label_circuits([found], message)
    assert found.metadata == {(1,): 2}
    text = program_to_proto(["OPENQASM 3.0; qubit q;"], circuit_names=["mine"])
    (found,) = parse_payloads(text)
    assert found.name != "mine"
    label_circuits([found], text)
    assert found.name == "mine"
    with pytest.raises(InvalidProgramError, match="names of 1 circuits came with 2 circuits"):
        label_circuits([found, found], text)
