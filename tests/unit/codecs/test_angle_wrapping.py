"""An rzz beyond its bounds is written as qiskit-ibm-runtime writes it."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from qiskit.circuit.library import RZZGate
from qiskit.converters import dag_to_circuit
from qiskit.quantum_info import Operator
from qiskit.transpiler.passes.utils import wrap_angles
from qiskit_ibm_runtime.utils.backend_converter import rzz_wrapper

from longwire.codecs import angle_wrapping


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> wrap_angles.WrapAngleRegistry:
    """A registry in which nobody has registered anything."""
    empty = wrap_angles.WrapAngleRegistry()
    monkeypatch.setattr(angle_wrapping, "_REGISTRY", empty)
    return empty


@pytest.mark.parametrize(
    "angle", [*np.linspace(-15, 15, 61).tolist(), *(k * pi / 2 for k in range(-9, 10))]
)
def test_rzz_of_any_angle_is_written_as_the_producer_writes_it(
    registry: wrap_angles.WrapAngleRegistry, angle: float
) -> None:
    angle_wrapping.provide_angle_wrapping("rzz")
    ours = dag_to_circuit(registry.substitute_angle_bounds("rzz", [angle], [0, 1]))
    theirs = dag_to_circuit(rzz_wrapper([angle], []))
    assert [(item.operation, _places(ours, item)) for item in ours.data] == [
        (item.operation, _places(theirs, item)) for item in theirs.data
    ]
    assert ours.global_phase == theirs.global_phase
    assert Operator(ours) == Operator(RZZGate(angle))


def _places(circuit, item):
    return [circuit.find_bit(qubit).index for qubit in item.qubits]


def test_what_a_producer_registered_stays(registry: wrap_angles.WrapAngleRegistry) -> None:
    asked = []
    registry.add_wrapper(
        "rzz", lambda angles, _qubits: asked.append(angles) or rzz_wrapper([0], [])
    )
    angle_wrapping.provide_angle_wrapping("rzz")
    registry.substitute_angle_bounds("rzz", [5.0], [0, 1])
    assert asked[-1] == [5.0]


def test_other_operations_are_left_to_their_producers(
    registry: wrap_angles.WrapAngleRegistry,
) -> None:
    angle_wrapping.provide_angle_wrapping("rx")
    with pytest.raises(KeyError):
        registry.substitute_angle_bounds("rx", [5.0], [0])
