"""A Target serves clients that lack the packages which its producer has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from qiskit.circuit import Delay, Measure, Parameter, Reset
from qiskit.circuit.library import RXGate, RZGate, RZZGate
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from longwire.codecs.target import encode_target
from longwire.codecs.value import value_to_proto

SCRIPT = Path(__file__).with_name("without_companions.py")


def bounded() -> Target:
    """Two qubits with rzz from 0 to pi/2, as IBM's devices have it."""
    target = Target(num_qubits=2)
    each = {(0,): None, (1,): None}
    target.add_instruction(
        RZZGate(Parameter("θ")), {(0, 1): None}, angle_bounds=[(0, 1.5707963267948966)]
    )
    for operation in (RXGate(Parameter("θ")), RZGate(Parameter("λ")), Measure(), Reset()):
        target.add_instruction(operation, each)
    target.add_instruction(Delay(Parameter("t")), each)
    return target


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process without Aer and qiskit-ibm-runtime finds."""
    folder = tmp_path_factory.mktemp("targets")
    messages = {
        "aer": encode_target(AerSimulator().target),
        "bounded": encode_target(bounded()),
        "noise": value_to_proto(NoiseModel()),
    }
    for name, message in messages.items():
        folder.joinpath(name).write_bytes(message.SerializeToString())
    run = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), *(str(folder / name) for name in messages)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def test_client_without_aer_has_every_operation_of_its_simulator(found: dict[str, Any]) -> None:
    assert found["absent"] == []
    assert found["names"] == sorted(AerSimulator().target)
    assert found["save_state"]
    assert found["mcy"]
    assert found["again"]


def test_client_without_aer_transpiles_for_its_simulator(found: dict[str, Any]) -> None:
    assert found["transpiled"] == ["barrier", "ccx", "measure"]


def test_client_without_the_producers_package_keeps_angles_within_bounds(
    found: dict[str, Any],
) -> None:
    assert found["angles"] == [True] * 4


def test_client_without_aer_says_that_a_noise_model_needs_it(found: dict[str, Any]) -> None:
    assert "qiskit-aer is not installed here" in found["noise"]
