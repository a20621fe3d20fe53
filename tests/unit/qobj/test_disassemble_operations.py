"""What instructions become: the allow-list, parameters, labels, Aer's saves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import (
    MCPhaseGate,
    MCXGate,
    UnitaryGate,
    get_standard_gate_name_mapping,
)
from qiskit.quantum_info import Operator, Statevector
from unit.qobj.qobj_documents import counts, disassembled, measure, op, run

from longwire.errors import InvalidQobjError

GATES = {
    name: gate
    for name, gate in get_standard_gate_name_mapping().items()
    if isinstance(gate, Gate) and name != "global_phase"
}


@pytest.mark.parametrize("name", sorted(GATES))
def test_standard_gate_by_name_is_the_gate(name: str) -> None:
    gate = GATES[name]
    angles = [0.1 * (number + 1) for number in range(len(gate.params))]
    qubits = list(reversed(range(gate.num_qubits)))
    built = disassembled(op(name, *qubits, params=angles), n_qubits=gate.num_qubits).circuit

    expected = QuantumCircuit(gate.num_qubits)
    expected.append(gate.base_class(*angles), qubits)
    assert np.allclose(Operator(built).data, Operator(expected).data)


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        (op("U", 0, params=[0.1, 0.2, 0.3]), op("u", 0, params=[0.1, 0.2, 0.3])),
        (op("CX", 1, 0), op("cx", 1, 0)),
        (op("u0", 0, params=[1]), op("id", 0)),
        (op("iden", 0), op("id", 0)),
    ],
    ids=lambda instruction: instruction["name"],
)
def test_alias_is_the_gate_it_stands_for(
    instruction: dict[str, Any], expected: dict[str, Any]
) -> None:
    built, wanted = (disassembled(one, n_qubits=2).circuit for one in (instruction, expected))

    assert built.data == wanted.data


@pytest.mark.parametrize(
    ("name", "num_qubits", "num_controls"),
    [
        ("mcx", 4, 3),
        ("mcx", 7, 6),
        ("mcx_gray", 5, 4),
        ("mcx_recursive", 5, 4),
        ("mcx_recursive", 7, 5),
        ("mcx_vchain", 3, 2),
        ("mcx_vchain", 5, 3),
        ("mcx_vchain", 7, 4),
    ],
)
def test_mcx_family_flips_the_target_after_the_controls(
    name: str, num_qubits: int, num_controls: int
) -> None:
    built = disassembled(op(name, *range(num_qubits))).circuit
    expected = QuantumCircuit(num_qubits)
    expected.append(MCXGate(num_controls), range(num_controls + 1))

    assert Operator(built).equiv(Operator(expected))


@pytest.mark.parametrize("name", ["mcp", "mcphase", "mcu1"])
def test_mcp_family_turns_the_phase(name: str) -> None:
    built = disassembled(op(name, 0, 2, 1, params=[0.7])).circuit
    expected = QuantumCircuit(3)
    expected.append(MCPhaseGate(0.7, 2), [0, 2, 1])

    assert np.allclose(Operator(built).data, Operator(expected).data)


@pytest.mark.parametrize(
    "name",
    [
        "draw",
        "from_qasm_file",
        "qasm",
        "__class__",
        "__init__",
        "append",
        "to_gate",
        "if_test",
        "while_loop",
        "for_loop",
        "store",
        "set_statevector",
        "copy",
        "QFT",
        "x ",
        "",
    ],
)
def test_name_that_is_not_on_the_list_is_refused_with_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    attack = {"name": name, "qubits": [0], "params": ["mpl", None, "written.png"]}

    with pytest.raises(InvalidQobjError, match=r"experiments\[0\]\.instructions\[1\]"):
        disassembled(op("x", 0), attack)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "instruction",
    [
        op("x", 0, 1),
        op("x", 0, params=[1]),
        op("rx", 0),
        op("rx", 0, params=["0.1"]),
        op("rx", 0, params=[math.nan]),
        op("rx", 0, params=[math.inf]),
        op("rx", 0, params=[10**400]),
        op("rx", 0, params=[[0.1, 0.2]]),
        op("rx", 0, params=[True]),
        op("cx", 0, 0),
        op("x", -1),
        op("x", True),
        {"name": "x", "qubits": [0.0]},
        op("x", 0, memory=[0]),
        op("mcx", 0),
        op("mcx_vchain", 0, 1, 2, 3),
        op("barrier"),
        op("reset"),
        op("delay", 0, params=[0.5]),
        op("delay", 0, params=[-1]),
        op("initialize", 0, params=[1, 1]),
        op("initialize", 0, 1, params=[[1, 0], [0, 0]]),
        op("initialize", 0, params=["01"]),
        op("initialize", 0, params=[2]),
        op("unitary", 0, params=[[[1, 0], [0, 2]]]),
        op("unitary", 0, params=[[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]),
        op("unitary", 0, params=[[[1, 0], [0]]]),
        op("unitary", 0, params=[[["a", 0], [0, 1]]]),
        op("unitary", 0, params=[]),
        op("kraus", 0, params=[[[1, 0], [0, 2]]]),
        op("kraus", 0, params=[]),
        op("save_statevector", 0, snapshot_type="c_accum"),
        op("save_amplitudes", 0, params=[2]),
        op("save_expval", 0, params=[["ZZ", [1, 0]]]),
        op("save_expval", 0, params=[]),
        op("snapshot", 0, label="a", snapshot_type="unknown"),
        {"name": "measure", "qubits": [0, 1], "memory": [0]},
        {"name": "measure", "qubits": [0, 1], "memory": [0, 0]},
        {"name": "measure", "qubits": [0], "memory": [0], "register": [0, 1]},
        op("h", 0, label=3),
    ],
    ids=str,
)
def test_instruction_that_does_not_fit_is_refused_with_its_place(
    instruction: dict[str, Any],
) -> None:
    with pytest.raises(InvalidQobjError, match=r"experiments\[0\]\.instructions\[1\]"):
        disassembled(op("h", 0), instruction, n_qubits=4, memory_slots=2)


def test_gate_with_a_label_keeps_it() -> None:
    circuit = disassembled(op("rx", 0, params=[0.1], label="turn")).circuit

    assert circuit.data[0].operation.label == "turn"


def test_measure_and_reset_of_several_qubits_act_on_each() -> None:
    assert counts(
        op("x", 0),
        op("x", 1),
        op("x", 2),
        op("reset", 0, 2),
        {"name": "measure", "qubits": [0, 1, 2], "memory": [2, 0, 1]},
    ) == {"001": 100}


@pytest.mark.parametrize(
    "amplitudes",
    [
        [[0.6, 0], [0, 0.8]],
        [0.6, 0.8j],
        [complex(0.6), np.complex128(0.8j)],
    ],
    ids=["pairs", "complex", "numpy"],
)
def test_initialize_with_complex_amplitudes_prepares_them(amplitudes: list[Any]) -> None:
    built = disassembled(
        op("initialize", 0, params=amplitudes), op("save_statevector", label="state")
    )
    result = run([built])

    assert np.allclose(result.data(0)["state"], [0.6, 0.8j])


def test_initialize_of_two_qubits_in_turned_order_is_asymmetric() -> None:
    assert counts(
        op("initialize", 2, 0, params=[0, 1, 0, 0]),
        *(measure(qubit, qubit) for qubit in range(3)),
    ) == {"100": 100}


def test_initialize_in_the_middle_resets_first() -> None:
    assert counts(
        op("x", 0),
        op("initialize", 0, params=[1, 0]),
        op("initialize", 1, params=["1"]),
        op("initialize", 2, 3, params=[2]),
        *(measure(qubit, qubit) for qubit in range(4)),
    ) == {"1010": 100}


@pytest.mark.parametrize("as_pairs", [True, False])
def test_unitary_with_an_asymmetric_complex_matrix_is_that_matrix(as_pairs: bool) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cu(0.3, 0.4, 0.5, 0.6, 0, 1)
    matrix = Operator(circuit).data
    params = np.stack([matrix.real, matrix.imag], -1).tolist() if as_pairs else matrix
    built = disassembled(op("unitary", 1, 0, params=[params], label="mine")).circuit

    expected = QuantumCircuit(2)
    expected.append(UnitaryGate(matrix, label="mine"), [1, 0])
    assert built.data == expected.data


def test_kraus_channel_of_one_outcome_is_applied() -> None:
    reset_to_one = [[[0, 0], [0, 1]], [[0, 0], [1, 0]]]

    assert counts(op("h", 0), op("kraus", 0, params=reset_to_one), measure(0, 0)) == {"1": 100}


def test_global_phase_of_header_and_gate_add_up() -> None:
    circuit = disassembled(op("h", 0), op("global_phase", params=[0.25]), global_phase=0.5).circuit

    assert circuit.global_phase == pytest.approx(0.75)
    assert circuit.count_ops() == {"h": 1}


def test_delay_and_barrier_are_kept() -> None:
    circuit = disassembled(
        op("delay", 0, params=[100]), op("barrier", 0, 2), measure(2, 0), n_qubits=3
    ).circuit

    expected = QuantumCircuit(3, 1)
    expected.delay(100, 0, unit="dt")
    expected.barrier(0, 2)
    expected.measure(2, 0)
    assert circuit.data == expected.data


def test_save_instructions_give_their_data_under_their_labels() -> None:
    result = run(
        [
            disassembled(
                op("ry", 0, params=[0.4]),
                op("cx", 0, 1),
                op("save_statevector", 0, 1, label="psi", snapshot_type="single"),
                op("save_probabilities", 0, label="p", snapshot_type="average"),
                op("save_expval", 0, 1, label="zz", params=[["ZI", [0.5, 0]], ["XX", [2, 0]]]),
                op("save_amplitudes", 0, 1, label="amp", params=[3]),
                op("snapshot", label="old", snapshot_type="statevector"),
                measure(0, 0),
                memory_slots=1,
            )
        ],
        shots=3,
    )
    circuit = QuantumCircuit(2)
    circuit.ry(0.4, 0)
    circuit.cx(0, 1)
    psi = Statevector(circuit)
    data = result.data(0)

    assert np.allclose(data["psi"], psi.data)
    assert np.allclose(data["p"], psi.probabilities([0]))
    assert data["zz"] == pytest.approx(0.5 * math.cos(0.4) + 2 * math.sin(0.4))
    assert np.allclose(data["amp"], psi.data[3])
    assert np.allclose(data["old"][-1], psi.data)


def test_asymmetric_circuit_gives_the_counts_of_the_same_circuit_written_by_hand() -> None:
    built = disassembled(
        op("h", 0),
        op("cx", 0, 2),
        op("u3", 1, params=[0.3, 0.2, 0.1]),
        op("cu1", 2, 1, params=[0.9]),
        op("ry", 2, params=[1.1]),
        {"name": "measure", "qubits": [2, 0, 1], "memory": [0, 1, 2]},
    )
    circuit = QuantumCircuit(3, 3)
    circuit.h(0)
    circuit.cx(0, 2)
    circuit.append(get_standard_gate_name_mapping()["u3"].base_class(0.3, 0.2, 0.1), [1])
    circuit.append(get_standard_gate_name_mapping()["cu1"].base_class(0.9), [2, 1])
    circuit.ry(1.1, 2)
    circuit.measure([2, 0, 1], [0, 1, 2])

    assert built.circuit == circuit
