"""What Qiskit does with an angle beyond a Target's bounds.

A producer of such a Target tells Qiskit's transpiler how to write the operation with
an angle within them, in a registry of the process. A client need not have the
producer's package installed, and without an entry the transpiler fails with a
KeyError (observed with Qiskit 2.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.converters import circuit_to_dag
from qiskit.dagcircuit import DAGCircuit
from qiskit.transpiler.passes.utils import wrap_angles

__all__ = ["provide_angle_wrapping"]

# The registry's place in Qiskit 2.2 and, as an attribute of the pass, since 2.3.
_REGISTRY = getattr(wrap_angles.WrapAngles, "DEFAULT_REGISTRY", None) or (
    wrap_angles.WRAP_ANGLE_REGISTRY
)


def provide_angle_wrapping(name: str) -> None:
    """Tells Qiskit's transpiler how to keep an operation's angles within bounds.

    Of the operations that devices bound today, that is rzz, from 0 to pi/2. What a
    producer's package has registered stays.
    """
    if name != "rzz":
        return
    try:
        _REGISTRY.substitute_angle_bounds(name, [0.0], [0, 1])
    except KeyError:
        _REGISTRY.add_wrapper(name, _rzz_within_quarter_turn)


def _rzz_within_quarter_turn(angles: Sequence[float], _qubits: Any) -> DAGCircuit:
    """An rzz of any angle by one of an angle from 0 to pi/2, as qiskit-ibm-runtime writes it.

    Half a turn is a Z on both qubits, and an X on one side reverses the sense.
    """
    angle = float(angles[0])
    wrapped = float(np.angle(np.exp(1j * angle)))
    circuit = QuantumCircuit(2)
    # Every whole turn changes the sign.
    if round((angle - wrapped) / (2 * pi)) % 2:
        circuit.global_phase += pi
    rest = wrapped
    if not -pi / 2 < wrapped <= pi / 2:
        half_turn = pi if wrapped > 0 else -pi
        rest = wrapped - half_turn
        circuit.global_phase += half_turn / 2
        circuit.rz(pi, 0)
        circuit.rz(pi, 1)
        if np.isclose(rest, 0.0):
            return circuit_to_dag(circuit)
    if rest < 0:
        circuit.x(0)
    circuit.rzz(abs(rest), 0, 1)
    if rest < 0:
        circuit.x(0)
    return circuit_to_dag(circuit)
