"""Files of circuits: what is sent of them, and what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from qiskit import QuantumCircuit, qpy

from longwire.cli.command_error import CommandError
from longwire.cli.program_file import read_program
from longwire.v1 import program_pb2

QASM2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nh q[0];\n'
QASM3 = '// first\nOPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nh q;\n'


def written(directory: Path, name: str, content: str | bytes) -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("text", "program_format"),
    [
        (QASM2, program_pb2.PROGRAM_FORMAT_OPENQASM2),
        (QASM3, program_pb2.PROGRAM_FORMAT_OPENQASM3),
    ],
)
def test_qasm_file_is_sent_as_its_text_under_the_name_of_the_file(
    tmp_path: Path, text: str, program_format: int
) -> None:
    program = read_program([written(tmp_path, "bell.qasm", text)])
    assert program.format == program_format
    assert list(program.payloads) == [text.encode()]
    assert list(program.circuit_names) == ["bell"]


def test_qasm_file_with_a_byte_order_mark_is_sent_without_it(tmp_path: Path) -> None:
    program = read_program([written(tmp_path, "a.qasm", b"\xef\xbb\xbf" + QASM2.encode())])
    assert list(program.payloads) == [QASM2.encode()]


def test_several_qasm_files_make_one_program_in_order(tmp_path: Path) -> None:
    paths = [written(tmp_path, name, QASM2 + f"// {name}") for name in ("b.qasm", "a.qasm")]
    program = read_program(paths)
    assert list(program.circuit_names) == ["b", "a"]
    assert [payload.decode().split()[-1] for payload in program.payloads] == ["b.qasm", "a.qasm"]


def test_qasm_files_of_equal_names_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{folder}/bell.qasm", QASM2) for folder in ("x", "y")]
    assert list(read_program(paths).circuit_names) == [str(path) for path in paths]


def test_qpy_file_is_sent_as_its_bytes_with_the_version_of_its_header(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    qpy.dump(QuantumCircuit(1), buffer, version=14)
    program = read_program([written(tmp_path, "a.qpy", buffer.getvalue())])
    assert program.format == program_pb2.PROGRAM_FORMAT_QPY
    assert program.qpy_version == 14
    assert list(program.payloads) == [buffer.getvalue()]


def test_qobj_file_is_sent_as_its_bytes(tmp_path: Path) -> None:
    text = json.dumps({"qobj_id": "a", "experiments": []})
    program = read_program([written(tmp_path, "a.json", text)])
    assert program.format == program_pb2.PROGRAM_FORMAT_QOBJ
    assert list(program.payloads) == [text.encode()]


@pytest.mark.parametrize(
    ("name", "content", "reason", "complaint"),
    [
        ("a.txt", QASM2, "FILE_KIND_UNKNOWN", "must end in .qasm"),
        ("a.qasm", "qreg q[1];", "PROGRAM_INVALID", "OPENQASM 3.0;"),
        ("a.qasm", "OPENQASM 4.0;", "PROGRAM_INVALID", "OPENQASM 3.0;"),
        ("a.qasm", b"OPENQASM 2.0; // \xff", "PROGRAM_INVALID", "byte 17"),
        ("a.qpy", b"PK\x03\x04", "PROGRAM_INVALID", "no QPY"),
        ("a.qpy", b"QISKIT", "PROGRAM_INVALID", "no QPY"),
        ("a.json", "{\n]", "PROGRAM_INVALID", "line 2, column 1"),
        ("a.json", b"\xff\xfe\xfa", "PROGRAM_INVALID", "no JSON"),
        ("a.json", '{"results": []}', "PROGRAM_INVALID", "no Qobj"),
    ],
)
def test_file_that_is_not_what_its_name_says_is_refused_by_its_name(
    tmp_path: Path, name: str, content: str | bytes, reason: str, complaint: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(CommandError) as caught:
        read_program([path])
    assert caught.value.reason == reason
    assert str(path) in caught.value.message
    assert complaint in caught.value.message


def test_missing_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file") as caught:
        read_program([tmp_path / "none.qasm"])
    assert caught.value.reason == "FILE_UNREADABLE"


def test_files_of_two_openqasm_versions_are_refused(tmp_path: Path) -> None:
    paths = [written(tmp_path, "a.qasm", QASM2), written(tmp_path, "b.qasm", QASM3)]
    with pytest.raises(CommandError, match="different versions") as caught:
        read_program(paths)
    assert caught.value.reason == "FILES_NOT_COMBINABLE"


def test_qpy_file_beside_another_file_is_refused(tmp_path: Path) -> None:
    paths = [written(tmp_path, "a.qasm", QASM2), written(tmp_path, "b.qpy", b"QISKIT\x0e")]
    with pytest.raises(CommandError, match=r"Only \.qasm files"):
        read_program(paths)
