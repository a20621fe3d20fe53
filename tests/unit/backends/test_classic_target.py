"""The Target of a classic driver says what its configuration and properties say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import qiskit_ibm_runtime.fake_provider as fake_provider
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Delay, Gate, IfElseOp, Instruction, Measure
from qiskit.circuit.library import UnitaryGate
from qiskit.transpiler import Target
from same_targets import assert_same_operations
from unit.backends.drifting import DriftingClassic
from unit.backends.drivers import configuration

from longwire.providers.models import BackendProperties
from longwire.providers.models.pulse_backend_configuration import configuration_class
from longwire_server.backends.classic_target import classic_target

# Old and new, with faulty qubits, control flow, instructions of their own and without properties.
MODELS = [
    "FakeArmonkV2",
    "FakeFractionalBackend",
    "FakeMelbourneV2",
    "FakeSherbrooke",
    "FakeTorino",
    "FakeWashingtonV2",
    "FakeYorktownV2",
]


def target_of(**changes: Any) -> Target:
    return classic_target(configuration(**changes), None)


@pytest.mark.parametrize("name", MODELS)
def test_documents_of_a_device_give_the_target_of_its_own_provider(name: str) -> None:
    model = getattr(fake_provider, name)()
    folder = Path(model.dirname)
    document = json.loads(folder.joinpath(model.conf_filename).read_text(encoding="utf-8"))
    measured = json.loads(folder.joinpath(model.props_filename).read_text(encoding="utf-8"))
    ours = classic_target(
        configuration_class(document).from_dict(document), BackendProperties.from_dict(measured)
    )
    theirs = model.target
    assert sorted(ours) == sorted(theirs)
    for attribute in ("num_qubits", "granularity", "min_length", "pulse_alignment"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert ours.acquire_alignment == theirs.acquire_alignment
    assert ours.dt == pytest.approx(theirs.dt)
    for operation, sites in theirs.items():
        assert_same_operations(
            ours.operation_from_name(operation), theirs.operation_from_name(operation), operation
        )
        assert set(ours[operation]) == set(sites)
        for qubits, expected in sites.items():
            assert_measured(ours[operation][qubits], expected, "duration", "error")
    for qubit, expected in zip(ours.qubit_properties, theirs.qubit_properties, strict=True):
        assert_measured(qubit, expected, "t1", "t2", "frequency")


def assert_measured(ours: Any, theirs: Any, *names: str) -> None:
    assert (ours is None) == (theirs is None)
    for name in names if theirs is not None else ():
        number = getattr(theirs, name)
        expected = None if number is None else pytest.approx(number, rel=1e-12)
        assert getattr(ours, name) == expected


def test_gates_without_sites_of_their_own_follow_the_coupling_map() -> None:
    target = target_of(basis_gates=["x", "cx", "ccx"], n_qubits=3, coupling_map=[[0, 1], [2, 1]])
    assert target["x"] == {(0,): None, (1,): None, (2,): None}
    assert target["cx"] == {(0, 1): None, (2, 1): None}
    assert target["ccx"] == {None: None}
    assert sorted(target.build_coupling_map().get_edges()) == [(0, 1), (2, 1)]


def test_gates_with_sites_of_their_own_are_there_alone() -> None:
    gate = {"name": "cx", "parameters": [], "qasm_def": None, "coupling_map": [[1, 0]]}
    target = target_of(gates=[gate], coupling_map=[[0, 1], [1, 0]])
    assert target["cx"] == {(1, 0): None}


def test_device_without_a_coupling_map_has_gates_on_any_two_qubits() -> None:
    target = target_of(coupling_map=None)
    assert target["cx"] == {None: None}
    assert target["x"] == {(0,): None, (1,): None}


def test_simulator_without_a_coupling_map_has_everything_anywhere() -> None:
    names = ["u3", "cx", "unitary"]
    target = target_of(simulator=True, coupling_map=None, n_qubits=24, basis_gates=names)
    assert list(target) == [*names, "measure", "reset", "delay"]
    assert all(target[name] == {None: None} for name in target)
    assert target.operation_from_name("unitary") is UnitaryGate
    assert target.num_qubits == 24


def test_operations_beside_the_gates_are_those_that_are_supported() -> None:
    target = target_of(supported_instructions=["cx", "u2", "delay", "if_else", "acquire"])
    assert list(target) == ["x", "cx", "measure", "delay", "if_else"]
    assert isinstance(target.operation_from_name("delay"), Delay)
    assert target.operation_from_name("if_else") is IfElseOp
    # A driver that lists nothing measures, resets and waits.
    assert list(target_of()) == ["x", "cx", "measure", "reset", "delay"]


def test_gate_that_qiskit_does_not_know_has_the_size_that_is_told() -> None:
    gates = [
        {"name": "gpi", "parameters": ["phi"], "qasm_def": "gate gpi(phi) q { U(pi,phi,0) q; }"},
        {"name": "zz", "parameters": [], "qasm_def": "gate zz a,b { CX a,b; }"},
        {"name": "ms", "parameters": None, "qasm_def": None, "coupling_map": [[0, 1]]},
        {"name": "riddle", "parameters": [], "qasm_def": None},
    ]
    names = [gate["name"] for gate in gates]
    target = target_of(basis_gates=[*names, "mystery"], gates=gates)
    assert list(target) == ["gpi", "zz", "ms", "measure", "reset", "delay"]
    found = {name: target.operation_from_name(name) for name in names[:3]}
    assert {type(gate) for gate in found.values()} == {Gate}
    assert [gate.num_qubits for gate in found.values()] == [1, 2, 2]
    assert [str(parameter) for parameter in found["gpi"].params] == ["phi"]
    assert target["zz"] == target["ms"] == {(0, 1): None}


def test_instructions_that_are_signed_are_there() -> None:
    signature = {"name": "measure_2", "num_qubits": 1, "num_clbits": 1, "parameters": []}
    target = target_of(instruction_signatures=[signature])
    instruction = target.operation_from_name("measure_2")
    assert type(instruction) is Instruction
    assert (instruction.num_qubits, instruction.num_clbits) == (1, 1)


def test_timing_is_in_seconds_and_units_of_dt() -> None:
    timing = {"granularity": 16, "min_length": 64, "acquire_alignment": 8, "novelty": 3}
    target = target_of(dt=0.5, timing_constraints=timing)
    assert target.dt == pytest.approx(5e-10)
    assert (target.granularity, target.min_length, target.acquire_alignment) == (16, 64, 8)
    assert target.pulse_alignment == 1


def test_numbers_are_those_that_were_measured() -> None:
    driver = DriftingClassic()
    target = classic_target(driver.configuration(), driver.properties())
    assert target["x"][(1,)].duration == pytest.approx(32e-9)
    assert target["x"][(1,)].error == 0.25
    assert target["measure"][(0,)].duration == pytest.approx(800e-9)
    assert target["measure"][(0,)].error == 0.25
    # Nothing was told of reading the second.
    assert target["measure"][(1,)].error is None
    assert target["cx"] == {(0, 1): None}
    assert [qubit.t1 for qubit in target.qubit_properties] == pytest.approx([100e-6, 50e-6])
    assert target.qubit_properties[0].t2 is None


def test_qubits_and_gates_that_do_not_work_are_left_out() -> None:
    driver = DriftingClassic()
    driver.operational = False
    target = classic_target(driver.configuration(), driver.properties())
    assert list(target["x"]) == list(target["measure"]) == [(0,)]
    assert target["cx"] == {}
    assert target.num_qubits == 2


def test_circuits_are_transpiled_for_it() -> None:
    gates = ["u3", "cx"]
    target = target_of(basis_gates=gates, n_qubits=3, coupling_map=[[0, 1], [1, 2]])
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 2)
    circuit.measure_all()
    transpiled = transpile(circuit, target=target, seed_transpiler=1)
    assert set(transpiled.count_ops()) <= {*gates, "measure", "barrier"}
    assert isinstance(target.operation_from_name("measure"), Measure)
    assert re.fullmatch("u3|cx", transpiled.data[0].operation.name)
