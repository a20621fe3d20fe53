"""Programs in every form that a user has: circuits, OpenQASM text, Qobj."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from circuits import asymmetric, bell, several_registers
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit_aer import AerSimulator

from longwire import RemoteBackend
from longwire.errors import InvalidProgramError, InvalidQobjError, JobFailedError
from longwire.qobj import QasmQobj
from longwire.qobj.assemble import assemble

OPTIONS: dict[str, Any] = {"shots": 500, "seed_simulator": 11}


def local_counts(*circuits: QuantumCircuit) -> list[dict[str, int]]:
    """The counts of a run in this process."""
    result = AerSimulator().run(list(circuits), **OPTIONS).result()
    return [result.get_counts(index) for index in range(len(circuits))]


def test_openqasm_2_gives_the_counts_of_its_circuit(aer: RemoteBackend) -> None:
    text = qasm2.dumps(asymmetric())
    assert [aer.run(text, **OPTIONS).result().get_counts()] == local_counts(asymmetric())


def test_openqasm_3_gives_the_counts_of_its_circuit(aer: RemoteBackend) -> None:
    text = qasm3.dumps(several_registers())
    assert [aer.run(text, **OPTIONS).result().get_counts()] == local_counts(several_registers())


def test_openqasm_3_with_a_condition_runs_it(aer: RemoteBackend) -> None:
    text = """
    OPENQASM 3.0;
    include "stdgates.inc";
    bit[2] c;
    qubit[2] q;
    x q[0];
    c[0] = measure q[0];
    if (c[0] == true) { x q[1]; }
    c[1] = measure q[1];
    """
    assert aer.run(text, shots=20).result().get_counts() == {"11": 20}


def test_several_texts_run_as_one_job_in_their_order(aer: RemoteBackend) -> None:
    texts = [qasm3.dumps(asymmetric()), qasm3.dumps(bell())]
    result = aer.run(texts, **OPTIONS).result()
    assert [result.get_counts(0), result.get_counts(1)] == local_counts(asymmetric(), bell())


def test_text_with_a_syntax_error_fails_the_job_with_the_line(aer: RemoteBackend) -> None:
    job = aer.run("OPENQASM 2.0;\nqreg q[1];\nnonsense q[0];\n")
    with pytest.raises(JobFailedError, match="3") as caught:
        job.result()
    assert caught.value.reason == "PROGRAM_INVALID"


@pytest.mark.parametrize("as_dict", [False, True], ids=["object", "dict"])
def test_qobj_gives_the_counts_and_headers_of_its_circuits(
    aer: RemoteBackend, as_dict: bool
) -> None:
    circuits = [asymmetric(), several_registers(), bell()]
    qobj = assemble(circuits, **OPTIONS)
    document = qobj.to_dict()
    sent = copy.deepcopy(document) if as_dict else qobj
    result = aer.run(sent).result()
    expected = local_counts(*circuits)
    assert [result.get_counts(each.name) for each in circuits] == expected
    assert [result.get_counts(index) for index in range(3)] == expected
    assert (sent if as_dict else qobj.to_dict()) == document, "the Qobj was changed"


def test_options_of_run_win_over_those_of_the_qobj(aer: RemoteBackend) -> None:
    qobj = assemble(bell(), shots=10)
    assert sum(aer.run(qobj, shots=30).result().get_counts().values()) == 30
    assert sum(aer.run(qobj).result().get_counts().values()) == 10


def conditional_document() -> dict[str, Any]:
    """A Qobj written by hand in the style of the schema's examples.

    The second qubit is flipped because the masked bits of the memory equal the
    value, the third is not because they do not differ.
    """
    return {
        "qobj_id": "by-hand",
        "schema_version": "1.1.0",
        "type": "QASM",
        "header": {"backend_name": "aer_simulator", "description": "conditions"},
        "config": {"shots": 40, "memory_slots": 3, "n_qubits": 3},
        "experiments": [
            {
                "header": {
                    "name": "conditions",
                    "memory_slots": 3,
                    "n_qubits": 3,
                    "clbit_labels": [["c", 0], ["c", 1], ["c", 2]],
                    "creg_sizes": [["c", 3]],
                    "qubit_labels": [["q", 0], ["q", 1], ["q", 2]],
                    "qreg_sizes": [["q", 3]],
                },
                "config": {},
                "instructions": [
                    {"name": "u2", "qubits": [0], "params": [0.0, 3.141592653589793]},
                    {"name": "reset", "qubits": [0]},
                    {"name": "u3", "qubits": [0], "params": [3.141592653589793, 0.0, 0.0]},
                    {"name": "measure", "qubits": [0], "memory": [0], "register": [0]},
                    {
                        "name": "bfunc",
                        "mask": "0x3",
                        "relation": "==",
                        "val": "0x1",
                        "register": 3,
                    },
                    {"name": "x", "qubits": [1], "conditional": 3},
                    {
                        "name": "bfunc",
                        "mask": "0x3",
                        "relation": "!=",
                        "val": "0x1",
                        "register": 4,
                    },
                    {"name": "x", "qubits": [2], "conditional": 4},
                    {"name": "measure", "qubits": [1, 2], "memory": [1, 2]},
                ],
            }
        ],
    }


def test_qobj_with_conditions_of_both_relations_runs_them(aer: RemoteBackend) -> None:
    result = aer.run(QasmQobj.from_dict(conditional_document())).result()
    assert result.get_counts() == {"011": 40}
    assert result.results[0].header["name"] == "conditions"


@pytest.mark.parametrize("name", ["draw", "from_qasm_file", "__init__", "compose"])
def test_qobj_that_names_a_method_of_a_circuit_is_refused(aer: RemoteBackend, name: str) -> None:
    document = conditional_document()
    document["experiments"][0]["instructions"][1] = {"name": name, "qubits": [0]}
    with pytest.raises((JobFailedError, InvalidQobjError), match=name):
        aer.run(document).result()


@pytest.mark.parametrize("program", [[], 3, None, object(), [bell(), "OPENQASM 3.0;"]])
def test_program_of_another_kind_is_refused_before_it_is_sent(
    aer: RemoteBackend, program: object
) -> None:
    with pytest.raises(InvalidProgramError):
        aer.run(program)
