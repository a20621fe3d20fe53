"""Registers, headers and options of experiments."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from unit.qobj.qobj_documents import disassembled, document, experiment, measure, op, run

from longwire.errors import InvalidQobjError
from longwire.qobj import PulseQobj, QasmQobj
from longwire.qobj.disassemble import disassemble, disassemble_experiments


def test_disassemble_gives_circuits_options_and_header_in_order() -> None:
    qobj = QasmQobj.from_dict(
        document(
            experiment(op("x", 0), measure(0, 0), name="one"),
            experiment(op("y", 0), measure(0, 0), name="two"),
            shots=7,
            seed=3,
        )
    )
    circuits, run_config, header = disassemble(qobj)

    assert [circuit.name for circuit in circuits] == ["one", "two"]
    assert [circuit.data[0].operation.name for circuit in circuits] == ["x", "y"]
    assert run_config == {"shots": 7, "seed": 3}
    assert header == {"backend_name": "aer_simulator", "description": "test"}


def test_disassemble_twice_gives_equal_circuits_and_leaves_the_qobj() -> None:
    qobj = QasmQobj.from_dict(
        document(experiment(op("x", 0), measure(0, 0, 0), op("x", 0, conditional=0)))
    )
    before = copy.deepcopy(qobj)

    assert disassemble(qobj).circuits == disassemble(qobj).circuits
    assert qobj == before


def test_header_with_registers_gives_them_to_the_circuit() -> None:
    circuit = disassembled(
        op("cx", 3, 1),
        measure(3, 2),
        qreg_sizes=[["left", 3], ["right", 1]],
        creg_sizes=[["a", 1], ["b", 2]],
        n_qubits=4,
        memory_slots=3,
        name="named",
        metadata={"run": 4},
    ).circuit

    left, right = QuantumRegister(3, "left"), QuantumRegister(1, "right")
    a, b = ClassicalRegister(1, "a"), ClassicalRegister(2, "b")
    expected = QuantumCircuit(left, right, a, b, name="named", metadata={"run": 4})
    expected.cx(right[0], left[1])
    expected.measure(right[0], b[1])
    assert circuit == expected
    assert (circuit.name, circuit.metadata) == ("named", {"run": 4})
    assert (circuit.qregs, circuit.cregs) == ([left, right], [a, b])


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"n_qubits": 3, "memory_slots": 2},
        {"qubit_labels": [None, ["q", 0], ["q", 1]], "clbit_labels": [["c1", 0]]},
        {"qreg_sizes": [["q", 3]]},
    ],
    ids=["nothing", "numbers", "some labels", "qubits only"],
)
def test_header_without_all_registers_still_runs(header: dict[str, Any]) -> None:
    built = disassembled(op("x", 1), measure(1, 1), measure(2, 0), **header)

    assert run([built]).get_counts() == {"10": 100}


def test_header_with_labels_only_names_the_registers_by_them() -> None:
    circuit = disassembled(
        measure(0, 2), clbit_labels=[["a", 0], ["b", 0], ["b", 1]], qubit_labels=[["q", 0]]
    ).circuit

    assert [(register.name, register.size) for register in circuit.cregs] == [("a", 1), ("b", 2)]


def test_config_of_the_qobj_gives_the_memory_slots_where_the_experiment_does_not() -> None:
    qobj = QasmQobj.from_dict(
        document(experiment(op("x", 0), measure(0, 0)), memory_slots=3, n_qubits=2)
    )
    (built,) = disassemble_experiments(qobj)

    assert run([built]).get_counts() == {"001": 100}
    assert built.circuit.num_qubits == 2


def test_experiment_config_goes_before_that_of_the_qobj() -> None:
    first = experiment(op("x", 0), measure(0, 0))
    second = {**experiment(op("x", 0), measure(0, 0)), "config": {"shots": 5, "memory_slots": 2}}
    qobj = QasmQobj.from_dict(document(first, second, memory=True, seed=9, n_qubits=1))
    experiments = disassemble_experiments(qobj)

    assert [one.run_config for one in experiments] == [
        {"shots": 100, "memory": True, "seed_simulator": 9},
        {"shots": 5, "memory": True, "seed_simulator": 9},
    ]
    assert [one.memory_slots for one in experiments] == [1, 2]


def test_result_header_holds_what_the_sender_wrote() -> None:
    built = disassembled(
        op("x", 0),
        measure(0, 1),
        name="mine",
        creg_sizes=[["a", 1], ["b", 1]],
        metadata={"angle": 0.5},
        laboratory={"fridge": 3},
    )
    result = run([built])
    header = result.results[0].header

    assert result.get_counts("mine") == {"1 0": 100}
    assert header["metadata"] == {"angle": 0.5}
    assert header["laboratory"] == {"fridge": 3}
    assert header["creg_sizes"] == [["a", 1], ["b", 1]]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"creg_sizes": [["c", 1]], "memory_slots": 2}, "add up to 1"),
        ({"memory_slots": 1}, "index 1.*memory_slots is 1"),
        ({"n_qubits": 1}, "index 1.*n_qubits is 1"),
        ({"creg_sizes": [["c", 1], ["c", 1]]}, r"creg_sizes\[1\].*twice"),
        ({"creg_sizes": [["c", "2"]]}, r"creg_sizes\[0\]"),
        ({"creg_sizes": 3}, "creg_sizes"),
        ({"qreg_sizes": [["r", 2]], "creg_sizes": [["r", 2]]}, "share the name 'r'"),
        ({"n_qubits": 1_000_000_000}, "more than 10000"),
        ({"memory_slots": 1_000_000_000}, "more than 100000"),
        ({"qreg_sizes": [["q", 10**9]]}, "more than 10000"),
        ({"n_qubits": -1}, "n_qubits"),
        ({"n_qubits": 2.5}, "n_qubits"),
        ({"name": 3}, r"header\.name"),
        ({"metadata": [1]}, r"header\.metadata"),
        ({"global_phase": "pi"}, r"header\.global_phase"),
    ],
)
def test_header_that_contradicts_itself_is_refused_with_its_place(
    header: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidQobjError, match=rf"experiments\[0\].*{message}"):
        disassembled(measure(1, 1), **header)


def test_instruction_with_a_huge_qubit_index_is_refused_before_a_circuit_is_built() -> None:
    with pytest.raises(InvalidQobjError, match="more than 10000"):
        disassembled(op("x", 10**12))


def test_conditions_in_registers_wider_than_a_machine_word_are_right() -> None:
    wide = 70
    guard = {"name": "bfunc", "mask": hex((1 << wide) - 1), "relation": "==", "register": 90}
    built = disassembled(
        op("x", 0),
        measure(0, 69, 69),
        {**guard, "val": hex(1 << 69)},
        op("x", 1, conditional=90),
        measure(1, 0, 0),
        memory_slots=wide,
        creg_sizes=[["c", wide]],
    )

    assert run([built]).get_counts() == {"1" + "0" * 68 + "1": 100}


@pytest.mark.parametrize(
    "config",
    [
        {"parameter_binds": [{"a": 1}]},
        {
            "calibrations": {
                "gates": [{"name": "x", "qubits": [0], "params": [], "instructions": []}]
            }
        },
    ],
    ids=["parameters", "pulses"],
)
def test_config_with_what_circuits_cannot_hold_is_refused(config: dict[str, Any]) -> None:
    qobj = QasmQobj.from_dict(document(experiment(op("x", 0)), **config))

    with pytest.raises(InvalidQobjError, match=rf"config\.{next(iter(config))}"):
        disassemble(qobj)


def test_pulse_qobj_is_refused() -> None:
    with pytest.raises(InvalidQobjError, match="no pulses"):
        disassemble(PulseQobj("id", None, []))  # type: ignore[arg-type]


def test_official_example_of_the_schema_with_partial_headers_runs() -> None:
    instructions = [
        op("u1", 1, params=[0.4]),
        op("u2", 1, params=[0.4, 0.2]),
        op("u3", 1, params=[0.4, 0.2, -0.3]),
        {"name": "snapshot", "label": "snapstate1", "type": "state"},
        op("cx", 1, 2),
        op("barrier", 1),
        measure(1, 0, 2),
        op("u2", 1, params=[0.4, 0.2], conditional=2),
    ]
    header = {
        "memory_slots": 3,
        "n_qubits": 3,
        "clbit_labels": [["c1", 0]],
        "qubit_labels": [None, ["q", 0], ["q", 1]],
    }
    result = run([disassembled(*instructions, **header)])

    assert set(result.get_counts()) == {"000", "001"}
    assert result.data(0)["snapstate1"][0].num_qubits == 3
