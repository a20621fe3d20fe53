"""Boolean functions and conditions, run on Aer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from unit.qobj.qobj_documents import bfunc, counts, disassembled, measure, op, run

from longwire.errors import InvalidQobjError

TWO_REGISTERS = {"creg_sizes": [["a", 1], ["b", 3]], "memory_slots": 4}


def test_conditional_on_a_measured_register_slot_follows_the_outcome() -> None:
    assert counts(op("x", 0), measure(0, 0, 2), op("x", 1, conditional=2), measure(1, 1, 3)) == {
        "11": 100
    }


def test_bfunc_with_several_gates_guards_all_of_them() -> None:
    assert counts(
        op("x", 0),
        measure(0, 0, 0),
        bfunc(0x1, "==", 0x0, 5),
        op("x", 1, conditional=5),
        op("x", 2, conditional=5),
        bfunc(0x1, "==", 0x1, 6),
        op("x", 3, conditional=6),
        op("x", 4, conditional=6),
        *(measure(qubit, qubit, qubit) for qubit in range(1, 5)),
    ) == {"11001": 100}


@pytest.mark.parametrize(("relation", "expected"), [("==", "0001"), ("!=", "1001")])
def test_bfunc_relation_decides_which_outcomes_run_the_gate(relation: str, expected: str) -> None:
    guarded = op("x", 1, conditional=9)
    result = counts(
        op("x", 0),
        measure(0, 0, 0),
        bfunc(0x7, relation, 0x3, 9),
        guarded,
        measure(1, 3, 3),
        memory_slots=4,
    )

    assert result == {expected: 100}


@pytest.mark.parametrize(
    ("mask", "value", "runs"),
    [
        (0b0101, 0b0101, True),
        (0b0101, 0b0001, False),
        (0b1111, 0b0101, True),
        (0b1110, 0b0100, True),
        (0b1010, 0b0000, True),
        (0b0001, 0b0011, False),
        (0b0000, 0b0000, True),
    ],
)
def test_bfunc_mask_over_two_registers_compares_only_its_bits(
    mask: int, value: int, runs: bool
) -> None:
    result = counts(
        op("x", 0),
        op("x", 2),
        *(measure(qubit, qubit, qubit) for qubit in range(4)),
        bfunc(mask, "==", value, 10),
        op("x", 3, conditional=10),
        measure(3, 3, 3),
        **TWO_REGISTERS,
    )

    assert result == {("110 1" if runs else "010 1"): 100}


def test_bfunc_with_a_measurement_between_it_and_the_gate_keeps_its_value() -> None:
    experiment = disassembled(
        op("x", 0),
        measure(0, 0, 0),
        bfunc(0x1, "==", 0x1, 1),
        op("x", 0),
        measure(0, 0, 0),
        op("x", 1, conditional=1),
        measure(1, 1, 2),
    )
    result = run([experiment])

    assert experiment.num_scratch_clbits == 1
    assert result.get_counts() == {"10": 100}
    assert set(result.get_memory()) == {"10"}
    assert result.results[0].data.counts == {"0x2": 100}


def test_bfunc_with_memory_writes_the_memory_slot() -> None:
    assert counts(
        op("x", 0), measure(0, 0, 0), bfunc(0x1, "==", 0x1, 7, memory=2), memory_slots=3
    ) == {"101": 100}


def test_measure_with_register_slots_apart_from_memory_is_read_at_the_register() -> None:
    assert counts(
        op("x", 1),
        {"name": "measure", "qubits": [0, 1], "memory": [0, 1], "register": [4, 3]},
        op("x", 2, conditional=3),
        op("x", 3, conditional=4),
        measure(2, 2, 5),
        measure(3, 3, 6),
    ) == {"0110": 100}


def test_measure_without_registers_anywhere_is_seen_by_bfunc_at_the_memory_slot() -> None:
    assert counts(
        op("x", 0),
        measure(0, 0),
        bfunc(0x1, "==", 0x1, 2),
        op("x", 1, conditional=2),
        measure(1, 1),
    ) == {"11": 100}


def test_conditional_measurement_that_clears_its_own_slot_stops_what_follows() -> None:
    assert counts(
        op("x", 0),
        measure(0, 0, 0),
        measure(1, 0, 0, conditional=0),
        op("x", 2, conditional=0),
        measure(2, 1, 1),
    ) == {"00": 100}


@pytest.mark.parametrize(
    "instruction",
    [
        op("initialize", 1, params=[[0, 0], [1, 0]]),
        op("unitary", 1, params=[[[[0, 0], [1, 0]], [[1, 0], [0, 0]]]]),
        op("kraus", 1, params=[[[0, 1], [1, 0]]]),
        op("u3", 1, params=[3.141592653589793, 0, 3.141592653589793]),
    ],
    ids=lambda instruction: instruction["name"],
)
@pytest.mark.parametrize("outcome", [0, 1])
def test_conditional_operation_of_any_kind_runs_only_where_the_bit_is_set(
    instruction: dict[str, Any], outcome: int
) -> None:
    prepare = [op("x", 0)] * outcome
    result = counts(*prepare, measure(0, 0, 0), {**instruction, "conditional": 0}, measure(1, 1, 1))

    assert result == {f"{outcome}{outcome}": 100}


def test_conditional_with_random_outcomes_correlates_them() -> None:
    result = counts(
        op("h", 0),
        measure(0, 0, 0),
        bfunc(1, "!=", 1, 4),
        op("x", 1, conditional=4),
        measure(1, 1, 1),
    )

    assert set(result) == {"01", "10"}
    assert sum(result.values()) == 100


def test_conditional_on_a_slot_that_nothing_wrote_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidQobjError, match=r"experiments\[0\]\.instructions\[1\].*slot 4"):
        disassembled(measure(0, 0, 0), op("x", 0, conditional=4))


@pytest.mark.parametrize("relation", ["<", "=", None, 1])
def test_bfunc_with_another_relation_is_refused(relation: object) -> None:
    with pytest.raises(InvalidQobjError, match=r"instructions\[0\]\.relation"):
        disassembled({**bfunc(1, "==", 1, 0), "relation": relation}, measure(0, 0, 0))


@pytest.mark.parametrize("mask", ["", "0xZ", "-0x1", "0x" + "F" * 100_000, 1.5])
def test_bfunc_with_a_mask_that_is_no_such_number_is_refused(mask: object) -> None:
    with pytest.raises(InvalidQobjError, match=r"instructions\[0\]\.mask"):
        disassembled({**bfunc(1, "==", 1, 0), "mask": mask}, measure(0, 0, 0))


def test_bfuncs_that_build_on_each_other_do_not_grow_without_bound() -> None:
    doubling = [
        function
        for level in range(40)
        for function in (
            bfunc(0b11 << (2 * level), "!=", 0, 2 * level + 2),
            bfunc(0b11 << (2 * level), "!=", 0, 2 * level + 3),
        )
    ]
    built = disassembled(
        op("x", 0),
        measure(0, 0, 0),
        measure(1, 1, 1),
        *doubling,
        op("x", 1, conditional=80),
        measure(1, 1, 90),
    )

    assert run([built]).get_counts() == {"11": 100}


# -- against a plain interpreter of the specification ------------------------------------

NUM_QUBITS = NUM_MEMORY = 3
NUM_REGISTERS = 5

qubits = st.integers(0, NUM_QUBITS - 1)
memory_slots = st.integers(0, NUM_MEMORY - 1)
register_slots = st.integers(0, NUM_REGISTERS - 1)


@st.composite
def instruction_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Instructions on bits: flips, measurements anywhere, functions, conditions."""
    instructions = [measure(0, 0, register) for register in range(NUM_REGISTERS)]
    for _ in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(["x", "x", "cx", "measure", "measure", "bfunc", "bfunc"]))
        if kind == "x":
            instruction = op("x", draw(qubits))
        elif kind == "cx":
            pair = draw(st.lists(qubits, min_size=2, max_size=2, unique=True))
            instruction = op("cx", *pair)
        elif kind == "measure":
            instruction = measure(draw(qubits), draw(memory_slots), draw(register_slots))
        else:
            mask = draw(st.integers(0, (1 << NUM_REGISTERS) - 1))
            value = draw(st.integers(0, (1 << NUM_REGISTERS) - 1)) & mask
            relation = draw(st.sampled_from(["==", "!="]))
            instruction = bfunc(mask, relation, value, draw(register_slots))
            if draw(st.integers(0, 3)) == 0:
                instruction["memory"] = draw(memory_slots)
        if draw(st.booleans()):
            instruction["conditional"] = draw(register_slots)
        instructions.append(instruction)
    return instructions


def interpret(instructions: list[dict[str, Any]]) -> str:
    """The memory after instructions that only move bits, by the Qobj specification."""
    qubit, memory, register = [0] * NUM_QUBITS, [0] * NUM_MEMORY, [0] * NUM_REGISTERS
    for instruction in instructions:
        if "conditional" in instruction and not register[instruction["conditional"]]:
            continue
        name = instruction["name"]
        if name == "x":
            qubit[instruction["qubits"][0]] ^= 1
        elif name == "cx":
            control, target = instruction["qubits"]
            qubit[target] ^= qubit[control]
        elif name == "measure":
            outcome = qubit[instruction["qubits"][0]]
            memory[instruction["memory"][0]] = register[instruction["register"][0]] = outcome
        else:
            bits = sum(bit << slot for slot, bit in enumerate(register))
            equal = bits & int(instruction["mask"], 16) == int(instruction["val"], 16)
            outcome = int(equal == (instruction["relation"] == "=="))
            register[instruction["register"]] = outcome
            if "memory" in instruction:
                memory[instruction["memory"]] = outcome
    return "".join(str(bit) for bit in reversed(memory))


@settings(max_examples=150, deadline=None)
@given(instruction_lists())
def test_any_mixture_of_functions_and_conditions_agrees_with_the_specification(
    instructions: list[dict[str, Any]],
) -> None:
    built = disassembled(*instructions, memory_slots=NUM_MEMORY, n_qubits=NUM_QUBITS)

    assert run([built], shots=3).get_counts() == {interpret(instructions): 3}
