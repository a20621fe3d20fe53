"""Circuits as Qobj, and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import XGate
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Kraus
from qiskit.result import Result
from qiskit_aer import AerSimulator
from unit.qobj.qobj_documents import run

from longwire.codecs.qobj import qobj_from_json, qobj_to_json
from longwire.errors import InvalidProgramError
from longwire.qobj import QobjHeader, validate_qobj_against_schema
from longwire.qobj.assemble import assemble
from longwire.qobj.disassemble import disassemble, disassemble_experiments
from longwire.qobj.gates import standard_gates


def local(circuits: list[QuantumCircuit]) -> Result:
    return AerSimulator().run(circuits, shots=100, seed_simulator=5, memory=True).result()


def there_and_back(circuits: list[QuantumCircuit]) -> Result:
    qobj = qobj_from_json(qobj_to_json(assemble(circuits)))
    return run(disassemble_experiments(qobj))


def test_assemble_names_everything_that_the_circuit_holds() -> None:
    circuit = QuantumCircuit(
        QuantumRegister(2, "q"),
        ClassicalRegister(1, "a"),
        ClassicalRegister(1, "b"),
        name="named",
        global_phase=0.5,
        metadata={"run": 1},
    )
    circuit.append(XGate(label="flip"), [1])
    circuit.measure([1, 0], [0, 1])
    qobj = assemble(
        circuit, qobj_id="id", qobj_header={"note": "n"}, shots=9, seed_simulator=4, rep_delay=0.1
    )
    validate_qobj_against_schema(qobj)
    data = qobj.to_dict()

    assert data["qobj_id"] == "id"
    assert data["header"] == {"note": "n"}
    assert data["config"] == {
        "shots": 9,
        "memory": False,
        "seed_simulator": 4,
        "memory_slots": 2,
        "n_qubits": 2,
        "rep_delay": 0.1,
    }
    assert data["experiments"][0] == {
        "config": {"memory_slots": 2, "n_qubits": 2},
        "header": {
            "name": "named",
            "memory_slots": 2,
            "n_qubits": 2,
            "global_phase": 0.5,
            "metadata": {"run": 1},
            "qreg_sizes": [["q", 2]],
            "qubit_labels": [["q", 0], ["q", 1]],
            "creg_sizes": [["a", 1], ["b", 1]],
            "clbit_labels": [["a", 0], ["b", 0]],
        },
        "instructions": [
            {"name": "x", "qubits": [1], "label": "flip"},
            {"name": "measure", "qubits": [1], "memory": [0]},
            {"name": "measure", "qubits": [0], "memory": [1]},
        ],
    }


def test_assemble_condition_on_a_register_is_one_bfunc() -> None:
    circuit = QuantumCircuit(
        QuantumRegister(1), ClassicalRegister(2, "a"), ClassicalRegister(2, "b")
    )
    circuit.measure(0, 3)
    with circuit.if_test((circuit.cregs[1], 2)):
        circuit.x(0)
    (experiment,) = assemble(circuit).experiments

    assert [instruction.to_dict() for instruction in experiment.instructions] == [
        {"name": "measure", "qubits": [0], "memory": [3], "register": [3]},
        {"name": "bfunc", "mask": "0xC", "relation": "==", "val": "0x8", "register": 4},
        {"name": "x", "qubits": [0], "conditional": 4},
    ]


def test_assemble_without_options_gives_each_qobj_its_own_id() -> None:
    circuit = QuantumCircuit(1)

    assert assemble(circuit).qobj_id != assemble(circuit).qobj_id
    assert assemble(circuit, qobj_header=QobjHeader(a=1)).header == QobjHeader(a=1)


@pytest.mark.parametrize("seed", range(12))
def test_random_circuit_comes_back_equal(seed: int) -> None:
    circuit = random_circuit(4, 6, max_operands=3, measure=True, seed=seed)
    circuit = circuit.decompose(
        [name for name in circuit.count_ops() if name not in {*standard_gates(), "measure"}]
    )
    circuit.metadata = {"seed": seed}
    (back,) = disassemble(qobj_from_json(qobj_to_json(assemble(circuit)))).circuits

    assert back == circuit
    assert (back.name, back.metadata) == (circuit.name, circuit.metadata)


def two_registers() -> QuantumCircuit:
    circuit = QuantumCircuit(
        QuantumRegister(3, "q"), ClassicalRegister(2, "a"), ClassicalRegister(3, "b")
    )
    circuit.h([0, 1])
    circuit.ry(0.7, 2)
    circuit.measure([0, 1, 2], [0, 1, 3])
    return circuit


def _register_equal(circuit: QuantumCircuit) -> None:
    with circuit.if_test((circuit.cregs[0], 2)):
        circuit.x(2)


def _else_body_after_a_body_that_changes_the_memory(circuit: QuantumCircuit) -> None:
    with circuit.if_test((circuit.clbits[0], True)) as otherwise:
        circuit.x(0)
        circuit.measure(0, 0)
        circuit.x(2)
    with otherwise:
        circuit.y(1)


def _masks_of_two_registers(circuit: QuantumCircuit) -> None:
    a, b = circuit.cregs
    condition = expr.logic_and(
        expr.equal(expr.bit_and(a, 2), 2), expr.not_equal(expr.bit_and(b, 6), 2)
    )
    with circuit.if_test(expr.logic_not(condition)):
        circuit.h(2)


def _or_of_comparisons(circuit: QuantumCircuit) -> None:
    a, b = circuit.cregs
    with circuit.if_test(
        expr.logic_or(expr.logic_or(expr.equal(a, 3), b[1]), expr.not_equal(a, b"\x01"[0]))
    ):
        circuit.x(0)


def _nested(circuit: QuantumCircuit) -> None:
    a, b = circuit.cregs
    with circuit.if_test(expr.not_equal(a, 3)):
        circuit.x(0)
        circuit.measure(0, a[0])
        with circuit.if_test((a[0], 1)) as otherwise:
            circuit.h(1)
        with otherwise, circuit.if_test((b, 2)):
            circuit.x(1)


def _stored_bit(circuit: QuantumCircuit) -> None:
    circuit.store(circuit.clbits[4], expr.equal(circuit.cregs[0], 1))
    with circuit.if_test((circuit.clbits[4], 1)):
        circuit.x(2)


@pytest.mark.parametrize(
    "append",
    [
        _register_equal,
        _else_body_after_a_body_that_changes_the_memory,
        _masks_of_two_registers,
        _or_of_comparisons,
        _nested,
        _stored_bit,
    ],
)
def test_conditions_come_back_with_the_same_meaning(
    append: Callable[[QuantumCircuit], None],
) -> None:
    circuit = two_registers()
    append(circuit)
    circuit.measure([0, 1, 2], [0, 1, 2])
    expected, actual = local([circuit]), there_and_back([circuit])

    assert actual.get_counts() == expected.get_counts()
    assert actual.get_memory() == expected.get_memory()


def test_condition_with_an_index_and_a_cast_means_the_bits() -> None:
    # Aer has no index in a condition, so that the expected circuit says it otherwise.
    circuit, plain = two_registers(), two_registers()
    a, b = circuit.cregs
    with circuit.if_test(expr.logic_and(expr.index(a, 1), expr.cast(b, types.Bool()))):
        circuit.x(2)
    with plain.if_test(expr.logic_and(a[1], expr.not_equal(b, 0))):
        plain.x(2)
    for one in (circuit, plain):
        one.measure([0, 1, 2], [0, 1, 2])

    assert there_and_back([circuit]).get_counts() == local([plain]).get_counts()


def test_simple_conditions_come_back_as_equal_circuits() -> None:
    circuit = two_registers()
    _register_equal(circuit)
    with circuit.if_test((circuit.clbits[1], False)):
        circuit.x(0)
        circuit.z(1)
    (back,) = disassemble(assemble(circuit)).circuits

    assert back == circuit


def test_all_kinds_of_operations_come_back() -> None:
    circuit = QuantumCircuit(4, 2)
    circuit.initialize([0.6, 0.8j], 1)
    circuit.initialize("1", 2)
    circuit.initialize(2, [0, 3])
    circuit.unitary(np.array([[0, 1], [1j, 0]]), 1, label="mine")
    circuit.append(Kraus([[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]]).to_instruction(), [1])
    circuit.mcx([0, 1, 2], 3)
    circuit.mcp(0.4, [0, 1], 2)
    circuit.barrier()
    circuit.delay(16, 0, unit="dt")
    circuit.reset(2)
    circuit.global_phase = 0.3
    circuit.save_statevector(label="psi", pershot=True)
    circuit.save_expectation_value(np.diag([1, -1]), [1], label="z")
    circuit.save_amplitudes_squared([1, 3], label="two", unnormalized=True)
    circuit.measure([1, 2], [1, 0])
    expected, actual = local([circuit]), there_and_back([circuit])

    assert actual.get_counts() == expected.get_counts()
    assert actual.data(0)["psi"] == expected.data(0)["psi"]
    assert actual.data(0)["z"] == expected.data(0)["z"]
    assert np.array_equal(actual.data(0)["two"], expected.data(0)["two"])


def test_bits_without_registers_come_back_in_their_places() -> None:
    circuit = QuantumCircuit(QuantumCircuit(2, 2).qubits, QuantumCircuit(2, 3).clbits)
    circuit.x(1)
    circuit.measure(1, 2)
    (back,) = disassemble(assemble(circuit)).circuits

    assert back.num_clbits == 3
    assert local([back]).get_counts() == {"100": 100}


def _loop(circuit: QuantumCircuit) -> None:
    with circuit.for_loop(range(3)):
        circuit.x(0)


def _variable(circuit: QuantumCircuit) -> None:
    circuit.add_var("v", expr.lift(1, types.Uint(8)))


def _order(circuit: QuantumCircuit) -> None:
    with circuit.if_test(expr.less(circuit.cregs[0], 2)):
        circuit.x(0)


def _free_parameter(circuit: QuantumCircuit) -> None:
    circuit.rx(Parameter("theta"), 0)


def _free_phase(circuit: QuantumCircuit) -> None:
    circuit.global_phase = Parameter("theta")


def _gate_of_its_own(circuit: QuantumCircuit) -> None:
    circuit.append(Gate("mine", 1, []), [0])


def _gate_under_a_borrowed_name(circuit: QuantumCircuit) -> None:
    circuit.append(Gate("x", 1, []), [0])


def _open_control(circuit: QuantumCircuit) -> None:
    circuit.cx(0, 1, ctrl_state=0)


def _delay_in_seconds(circuit: QuantumCircuit) -> None:
    circuit.delay(1, 0, unit="us")


@pytest.mark.parametrize(
    ("append", "message"),
    [
        (_loop, r"circuit 'c', instruction 0 \(for_loop\)"),
        (_variable, "circuit 'c'.*variables"),
        (_order, r"circuit 'c', instruction 0 \(if_else\).*LESS"),
        (_free_parameter, r"circuit 'c', instruction 0 \(rx\).*theta"),
        (_free_phase, "circuit 'c'.*global_phase.*theta"),
        (_gate_of_its_own, r"circuit 'c', instruction 0 \(mine\)"),
        (_gate_under_a_borrowed_name, r"circuit 'c', instruction 0 \(x\)"),
        (_open_control, r"circuit 'c', instruction 0 \(cx_o0\)"),
        (_delay_in_seconds, r"circuit 'c', instruction 0 \(delay\)"),
    ],
)
def test_circuit_that_a_qobj_cannot_hold_is_refused_by_name_and_instruction(
    append: Callable[[QuantumCircuit], None], message: str
) -> None:
    circuit = QuantumCircuit(2, 2, name="c")
    append(circuit)

    with pytest.raises(InvalidProgramError, match=message):
        assemble(circuit)
