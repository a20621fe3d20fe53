"""Transpiling for a Target that came over the wire gives the same circuits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import QFTGate
from qiskit.circuit.random import random_circuit
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import Target, generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import (
    FakeFractionalBackend,
    FakeManilaV2,
    FakeSherbrooke,
    FakeTorino,
)

from longwire.codecs.target import decode_target, encode_target

TARGETS: dict[str, Callable[[], Target]] = {
    "aer": lambda: AerSimulator().target,
    "aer with coupling": lambda: AerSimulator(coupling_map=[[0, 1], [1, 2], [2, 3], [3, 4]]).target,
    "generic": lambda: GenericBackendV2(5, control_flow=True, seed=5).target,
    "manila": lambda: FakeManilaV2().target,
    "fractional": lambda: FakeFractionalBackend().target,
    "torino": lambda: FakeTorino().target,
    "sherbrooke": lambda: FakeSherbrooke().target,
}


@pytest.fixture(scope="module", params=TARGETS)
def pair(request: pytest.FixtureRequest) -> tuple[Target, Target]:
    """A Target and what arrives of it."""
    target = TARGETS[request.param]()
    return target, decode_target(encode_target(target))


def circuits(target: Target) -> list[QuantumCircuit]:
    plain = QuantumCircuit(4, 4, name="plain")
    for qubit in range(4):
        plain.ry(0.3 + qubit, qubit)
    for qubit in range(4):
        plain.cx(qubit, (qubit + 2) % 4)
    plain.rzz(4.5, 0, 3)
    plain.delay(160, 1)
    plain.measure(range(4), range(4))
    made = [plain]
    if "if_else" in target:
        conditional = QuantumCircuit(3, 2, name="conditional")
        conditional.h(0)
        conditional.measure(0, 0)
        with conditional.if_test((conditional.clbits[0], 1)):
            conditional.cx(1, 2)
        conditional.measure(2, 1)
        made.append(conditional)
    if target.num_qubits != AerSimulator().target.num_qubits:
        # For Aer's, Qiskit 2.6 itself gives another circuit at each call.
        fourier = QuantumCircuit(4, name="fourier")
        fourier.append(QFTGate(4), range(4))
        made += [fourier, random_circuit(5, 4, seed=1, measure=True)]
    return made


@pytest.mark.parametrize("level", range(4))
def test_circuits_for_a_received_target_are_the_same(
    pair: tuple[Target, Target], level: int
) -> None:
    target, received = pair
    for circuit in circuits(target):
        expected = transpile(circuit, target=target, optimization_level=level, seed_transpiler=7)
        assert expected == transpile(
            circuit, target=received, optimization_level=level, seed_transpiler=7
        )
        manager = generate_preset_pass_manager(level, target=received, seed_transpiler=7)
        assert manager.run(circuit) == expected


@pytest.mark.parametrize("method", ["alap", "asap"])
def test_schedules_for_a_received_target_are_the_same(method: str) -> None:
    target = FakeManilaV2().target
    received = decode_target(encode_target(target))
    [circuit, *_] = circuits(target)
    ours, theirs = (
        transpile(circuit, target=each, scheduling_method=method, seed_transpiler=3)
        for each in (received, target)
    )
    assert ours == theirs
    assert ours.op_start_times == theirs.op_start_times
    assert received.durations().duration_by_name_qubits == (
        target.durations().duration_by_name_qubits
    )
