"""Walking QPY: what was walked before is passed quickly, and refused all the same."""

from __future__ import annotations

import random
import re

import pytest
from circuits import several_registers
from hostile_payloads import plain_circuit, qpy_of
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Gate, Parameter

from longwire.codecs import qpy_scan
from longwire.codecs.program_caps import MAX_EXPANDED
from longwire.codecs.qpy_instructions import DamagedQpyError, check_qpy
from longwire.codecs.qpy_scan import stated_num_circuits
from longwire.errors import LimitExceededError


def repeated() -> QuantumCircuit:
    """A circuit with the same kinds of instructions again and again."""
    circuit = QuantumCircuit(3, 2)
    angle = Parameter("angle")
    for turn in range(3):
        circuit.rx(0.1 + turn, turn)
        circuit.rx(angle, 0)
        circuit.cx(0, 1)
        circuit.u(0.1, 0.2, 0.3, 2)
        circuit.append(own_gate(), [0, 1])
        with circuit.for_loop(range(2)):
            circuit.rx(0.1 + turn, turn)
    circuit.measure([0, 1], [0, 1])
    return circuit


def own_gate() -> Gate:
    inside = QuantumCircuit(2, name="own")
    inside.h(0)
    inside.h(1)
    inside.cx(0, 1)
    return inside.to_gate()


def verdict(payload: bytes) -> str:
    """What is said of a payload."""
    try:
        check_qpy(payload)
    except (DamagedQpyError, LimitExceededError) as error:
        return f"{type(error).__name__}: {error}"
    return "passed"


@pytest.mark.parametrize("version", range(13, 19))
def test_damage_anywhere_is_judged_as_if_every_instruction_were_walked(
    version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = qpy_of(repeated(), plain_circuit(), plain_circuit(), version=version)
    chance = random.Random(version)
    damaged = [payload, payload[: len(payload) // 2]]
    for place in chance.sample(range(7, len(payload)), 250):
        changed = bytearray(payload)
        changed[place] = chance.choice((0, 1, 0xFF, changed[place] ^ (1 << chance.randrange(8))))
        damaged.append(bytes(changed))
    judged = [verdict(each) for each in damaged]
    monkeypatch.setattr(qpy_scan, "_MAX_REMEMBERED", 0)
    assert judged == [verdict(each) for each in damaged]
    assert judged[0] == "passed"
    assert len(set(judged)) > 3


def test_a_payload_that_ends_in_a_repeated_instruction_is_damaged() -> None:
    circuit = QuantumCircuit(1)
    for _ in range(4):
        circuit.rx(0.5, 0)
    whole = qpy_of(circuit)
    begin = whole.rindex(b"RXGate")
    for end in range(begin, begin + len("RXGate") + 8):
        with pytest.raises(DamagedQpyError, match="ends in the middle"):
            check_qpy(whole[:end])


# Older versions give each definition a name of its own.
@pytest.mark.parametrize("version", [17, 18])
def test_a_name_that_one_circuit_defines_is_no_instruction_of_the_next(version: int) -> None:
    both = [QuantumCircuit(2, name=name) for name in ("one", "two")]
    for circuit in both:
        circuit.append(own_gate(), [0, 1])
    payload = qpy_of(*both, version=version)
    assert verdict(payload) == "passed"
    assert payload.count(b"own_0") == 4
    defined = payload.index(b"own_0", payload.index(b"two"))
    renamed = payload[:defined] + b"own_7" + payload[defined + 5 :]
    assert "'own_0', which is no instruction" in verdict(renamed)


@pytest.mark.parametrize("version", range(13, 19))
def test_circuits_behind_one_with_a_layout_are_walked(version: int) -> None:
    spread = transpile(
        several_registers(),
        coupling_map=[[0, 1], [1, 2], [2, 3], [3, 4]],
        initial_layout=[4, 1, 0, 2, 3],
    )
    assert spread.layout is not None
    payload = qpy_of(spread, plain_circuit(), spread, plain_circuit(), version=version)
    assert verdict(payload) == "passed"
    assert "h5lf" in verdict(_last_name_changed(payload, b"HGate", b"h5lf_"))


def _last_name_changed(payload: bytes, name: bytes, other: bytes) -> bytes:
    place = payload.rindex(name)
    return payload[:place] + other + payload[place + len(name) :]


@pytest.mark.parametrize("version", range(13, 19))
def test_the_number_of_circuits_is_told_by_the_header(version: int) -> None:
    payload = qpy_of(plain_circuit(), repeated(), plain_circuit(), version=version)
    assert stated_num_circuits(payload) == 3
    assert stated_num_circuits(payload[:18]) == 0
    assert stated_num_circuits(b"no QPY" + payload[6:]) == 0


def test_a_definition_counts_as_often_as_it_is_called() -> None:
    large, small = QuantumCircuit(1, name="large"), QuantumCircuit(1, name="small")
    for _ in range(5000):
        large.x(0)
    circuit = QuantumCircuit(1)
    circuit.append(large.to_gate(), [0])
    for _ in range(MAX_EXPANDED // 5000):
        circuit.append(small.to_gate(), [0])
    payload = qpy_of(circuit)
    assert verdict(payload) == "passed"
    called = re.findall(rb"large_[0-9a-f]{32}", payload)[0]
    # All of the calls, which stand behind the definitions, in the place of the small one.
    calls = payload.rindex(called)
    changed = re.sub(rb"small_[0-9a-f]{32}", called, payload[calls:])
    assert str(MAX_EXPANDED) in verdict(payload[:calls] + changed)
