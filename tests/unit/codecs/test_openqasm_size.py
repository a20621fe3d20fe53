"""What OpenQASM stands for is counted as its parser reads it, before that parser sees it."""

from __future__ import annotations

import pytest
from hostile_payloads import OPENQASM2, OPENQASM3
from qiskit import qasm2, qasm3

from longwire.codecs.openqasm_size import OpenqasmSizes
from longwire.errors import InvalidProgramError, LimitExceededError
from longwire.v1.program_pb2 import ProgramFormat

QASM2 = ProgramFormat.PROGRAM_FORMAT_OPENQASM2
QASM3 = ProgramFormat.PROGRAM_FORMAT_OPENQASM3

REGISTER3 = f"{OPENQASM3}qubit[50000] q;"
REGISTER2 = f"{OPENQASM2}qreg q[50000];"
# Each stands for so many h on fifty thousand qubits that forty are too many.
BROADCASTS3 = {
    "register": "h q;",
    "slice": "h q[0:49999];",
    "slice from an end": "h q[:];",
    "slice with brackets": "h q[(0):(49999)];",
    "slice of negative ends": "h q[0:-1];",
    "alias": "h all;",
    "alias of two": "h both;",
    "loop": "for int i in [0:1] h q;",
    "condition in brackets": "if ((c)) h q;",
    "two conditions": "if (c) if (c) h q;",
    "else": "if (c) { } else h q;",
    "while": "while (c) h q;",
    "modifier": "inv @ h q;",
    "delay": "delay[10ns] q;",
    "measurement": "d = measure q;",
    "measurement of slices": "d[0:49999] = measure q[0:49999];",
}


def count(text: str, program_format: ProgramFormat.ValueType = QASM3) -> OpenqasmSizes:
    """The sizes of one text."""
    sizes = OpenqasmSizes()
    sizes.add(text, program_format, "")
    return sizes


@pytest.mark.parametrize(
    "text",
    [
        '/* " */ qubit[100000000] q; /* " */',
        '// "\nqubit[100000000] q; // "',
        "/* // */ qubit[100000000] q;",
        "// /*\nqubit[100000000] q; // */",
        "// a carriage return ends a line\rqubit[100000000] q;",
        "/* /* */ qubit[100000000] q; /* */",
        "@mine /*\nqubit[100000000] q;\n@mine */\nqubit r;",
        '@mine.two "\nqubit[100000000] q;\n@mine "\nqubit r;',
        "pragma /*\nqubit[100000000] q;\n#pragma */\n",
        'include "stdgates.inc"; /* \' " */ qubit[100000000] q; /* \' " */',
        "qubit/* */[/* ; */100000000/* ] */]/* */q;",
        "qubit [ 100_000_000 ] q;",
        "qreg q [100000000];",
        "x $100000000;",
        "x $100000000000000000000000;",
    ],
)
def test_register_behind_a_trick_is_counted(text: str) -> None:
    with pytest.raises(LimitExceededError, match="qubits"):
        count(f"OPENQASM 3.0; {text}")


@pytest.mark.parametrize(
    "text",
    [
        '// "\nqreg q[100000000]; // "',
        "// /*\nqreg q[100000000]; // */",
        "// a carriage return ends no line \r/*\nqreg q[100000000]; // */",
        "gate pragma a { h a; } qreg r[1]; pragma r; qreg q[100000000];",
        "include '/*'; qreg q[100000000]; // */",
    ],
)
def test_register_behind_a_trick_is_counted_in_version_2(text: str) -> None:
    with pytest.raises(LimitExceededError, match="qubits"):
        count(f"{OPENQASM2}{text}", QASM2)


@pytest.mark.parametrize("name", BROADCASTS3)
def test_statement_on_a_register_is_counted_for_each_qubit(name: str) -> None:
    declarations = (
        f"{REGISTER3} bit c; bit[50000] d; let all = q[0:49999]; qubit[2] r; let both = r ++ q;"
    )
    with pytest.raises(LimitExceededError, match=r"at least \d+ instructions"):
        count(declarations + BROADCASTS3[name] * 40)


@pytest.mark.parametrize(
    "statement",
    ["h q;", "if(c==1) h q;", "while(0.1) q;", "else q;", "let q;", "bit q;", "for in;"],
)
def test_statement_on_a_register_is_counted_in_version_2(statement: str) -> None:
    gates = (
        "gate while(t) a { h a; } gate else a { h a; } gate let a { h a; } gate bit a { h a; }"
        " gate for a { h a; } qreg in[50000]; creg c[1];"
    )
    with pytest.raises(LimitExceededError, match=r"at least \d+ instructions"):
        count(REGISTER2 + gates + statement * 40, QASM2)


@pytest.mark.parametrize("statement", ["g39 q[{0, 1}];", "if ((c)) g39 q[0];", "g39 q[0];"])
def test_definitions_of_definitions_are_counted_wherever_they_are_used(statement: str) -> None:
    gates = "gate g0 a { h a; h a; }" + "".join(
        f"gate g{n} a {{ for int i in [0:1] g{n - 1} a; g{n - 1} a; }}" for n in range(1, 40)
    )
    with pytest.raises(LimitExceededError, match="definitions"):
        count(f"{OPENQASM3}{gates} qubit[2] q; bit c; {statement}")


def test_index_that_names_a_qubit_often_is_counted_as_often() -> None:
    assert count(f"{OPENQASM3}qubit q1; qubit[1] q; h q[{{0, 0, 0}}];").instructions >= 3


def test_bits_of_all_texts_are_counted_together() -> None:
    sizes = OpenqasmSizes()
    text = "OPENQASM 3.0; qubit[99999] q;"
    for _ in range(40):
        sizes.add(text, QASM3, "")
    with pytest.raises(LimitExceededError, match="bits of all circuits"):
        sizes.add(text, QASM3, "")


def test_aliases_are_counted_among_the_bits() -> None:
    aliases = "".join(f"let a{n} = q[0:49999];" for n in range(100))
    with pytest.raises(LimitExceededError, match="bits of all circuits"):
        count(REGISTER3 + aliases)


@pytest.mark.parametrize(
    "text",
    [
        "qubit[1000 * 1000] q;",
        "qubit[int[32](100000000)] q;",
        "qreg q[int[32](100000000)];",
        "qubit[0x7fffffff] q;",
        "qubit[1e9] q;",
        "bit[b[0]] c;",
        "qubit[2] q; ctrl(10 * 10) @ x q[0], q[1];",
        "qubit[2] q; negctrl((2)) @ x q[0], q[1];",
    ],
)
def test_size_that_is_worked_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidProgramError, match="must be written as a number"):
        count(OPENQASM3 + text)


@pytest.mark.parametrize("modifier", ["ctrl", "negctrl", "inv @ ctrl"])
def test_gate_with_too_many_controls_is_refused(modifier: str) -> None:
    with pytest.raises(LimitExceededError, match="control qubits"):
        count(f"{OPENQASM3}qubit[2] q; {modifier}(1_000_000_000) @ x q[0], q[1];")


@pytest.mark.parametrize(
    "text",
    [
        '/* " */ qubit[3] q; // "\rh q[0:1]; /* // */ x q[{0, 2}];',
        "qubit[4] q; bit[4] c; let low = q[0:1]; h low; if (c == 3) x q[2]; c = measure q;",
        "qubit[3] q; ctrl(2) @ x q[0], q[1], q[2]; for int i in {1, 2} { h q; }",
        "x $1; cx $0, $3;",
        "qreg q[2]; creg c[2]; measure q -> c; reset q; barrier q;",
    ],
)
def test_honest_text_is_accepted_and_parsed(text: str) -> None:
    circuit = qasm3.loads(OPENQASM3 + text)
    assert count(OPENQASM3 + text).bits >= circuit.num_qubits


def test_honest_text_of_version_2_is_accepted_and_parsed() -> None:
    text = (
        f"{OPENQASM2}gate bit a {{ h a; }} qreg q[5]; creg c[5]; bit q; bit q[0]; if(c==1) x q[0];"
    )
    include = {"include_path": (), "custom_instructions": qasm2.LEGACY_CUSTOM_INSTRUCTIONS}
    assert qasm2.loads(text, **include).num_qubits == 5
    assert count(text, QASM2).instructions >= 6


def test_long_text_that_ends_in_the_middle_is_looked_through_once() -> None:
    text = f"{OPENQASM3}gate g a {{ h a; }} qubit q; g q; " + "a" * 3_000_000
    assert count(text).instructions <= 4


def test_large_register_may_be_used_qubit_by_qubit() -> None:
    text = f"{REGISTER3} bit[500] c;" + "if (c == 5) h q[3]; x q[0:9];" * 5000
    assert count(text).instructions < 60_000
