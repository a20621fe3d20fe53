"""Targets with everything that a driver can put into one."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import (
    Barrier,
    Delay,
    ForLoopOp,
    Gate,
    IfElseOp,
    Instruction,
    Measure,
    Parameter,
    ParameterVector,
    Reset,
)
from qiskit.circuit.library import (
    CXGate,
    GlobalPhaseGate,
    MCXGate,
    PauliGate,
    RXGate,
    RZGate,
    RZZGate,
    UGate,
    UnitaryGate,
    XGate,
)
from qiskit.providers import QubitProperties
from qiskit.transpiler import InstructionProperties, Target


class TunableRX(RXGate):
    """A driver's own kind of a standard gate."""


class Twist(Gate):
    """A driver's own gate, made of others."""

    def __init__(self, angle: Any, label: str | None = None) -> None:
        super().__init__("twist", 2, [angle], label=label)

    def _define(self) -> None:
        definition = QuantumCircuit(2)
        definition.rx(self.params[0] / 2, 0)
        definition.append(Flip(), [1])
        definition.cx(0, 1)
        self.definition = definition


class Flip(Gate):
    def __init__(self) -> None:
        super().__init__("flip", 1, [])

    def _define(self) -> None:
        definition = QuantumCircuit(1)
        definition.x(0)
        self.definition = definition


class Handle:
    """What a driver cannot send: a handle of its own."""

    def __repr__(self) -> str:
        return "a handle"


class Opaque(Instruction):
    """An instruction whose parameter is a driver's own object."""

    def __init__(self) -> None:
        super().__init__("opaque", 1, 1, [Handle()])

    def validate_parameter(self, parameter: Any) -> Any:
        return parameter


class Calibrated(InstructionProperties):
    """Properties with what a driver adds."""

    def __init__(self, duration: float, error: float, drift: float) -> None:
        super().__init__(duration, error)
        self.drift = drift
        self.handle = Handle()


class Slotted(InstructionProperties):
    __slots__ = ("channel",)

    def __new__(cls, channel: str) -> Slotted:
        new: Slotted = super().__new__(cls, None, 0.25)
        return new

    def __init__(self, channel: str) -> None:
        super().__init__()
        self.channel = channel


class Tuned(QubitProperties):
    """Properties of a qubit with what a driver adds."""

    def __new__(cls, t1: float, operational: bool) -> Tuned:
        new: Tuned = super().__new__(cls, t1, None, 5e9)
        new.operational = operational
        return new


def two_qubits(
    operation: Any, properties: Any = None, name: str | None = None, **to: Any
) -> Target:
    """A Target of two qubits with one operation."""
    target = Target(num_qubits=2)
    target.add_instruction(operation, properties, name, **to)
    return target


def operations() -> dict[str, Any]:
    """Operations of every kind, by what is peculiar about each."""
    body = QuantumCircuit(3, name="composite")
    body.h(0)
    body.append(Twist(0.25), [0, 2])
    angle = Parameter("θ")
    same = Parameter("same")
    return {
        "free parameter": RZGate(angle),
        "parameter twice": UGate(same, same, 0.5),
        "fixed parameter": RXGate(0.5),
        "fixed NumPy parameter": RXGate(np.float64(0.5)),
        "fixed integer": RXGate(1),
        "expression": RZGate(2 * angle + Parameter("φ")),
        "vector element": RZGate(ParameterVector("v", 3)[1]),
        "label": XGate(label="flip it"),
        "labelled measurement": Measure(label="slow"),
        "open control": CXGate(ctrl_state=0),
        "many controls": MCXGate(3, ctrl_state=5),
        "delay": Delay(Parameter("t"), "dt"),
        "delay in seconds": Delay(1e-6, "s"),
        "barrier": Barrier(2),
        "reset": Reset(),
        "matrix": UnitaryGate(np.diag([1, 1j])),
        "text": PauliGate("XZ"),
        "no qubits": GlobalPhaseGate(0.5),
        "opaque gate": Gate("black_box", 2, [Parameter("a"), 0.5]),
        "instruction": Instruction("measure_2", 1, 1, []),
        "own object": Opaque(),
        "own gate": Twist(angle, label="own"),
        "own gate without parameters": Twist(0.75),
        "own kind of a standard gate": TunableRX(0.5),
        "controlled own gate": Twist(0.5).control(1, ctrl_state=0),
        "circuit": body.to_gate(),
        "circuit with reset": _with_reset().to_instruction(),
    }


def _with_reset() -> QuantumCircuit:
    body = QuantumCircuit(1, name="clear")
    body.reset(0)
    body.x(0)
    return body


def traps() -> dict[str, Target]:
    """Targets, each with one peculiarity."""
    full = Target(
        description="eine Beschreibung — ü",
        num_qubits=3,
        dt=2.22e-10,
        granularity=16,
        min_length=64,
        pulse_alignment=8,
        acquire_alignment=4,
        qubit_properties=[QubitProperties(1e-4, None, 5e9), *[QubitProperties()] * 2],
        concurrent_measurements=[[0, 1], [2]],
    )
    full.add_instruction(
        CXGate(),
        {
            (2, 1): InstructionProperties(3e-7, 0.01),
            (0, 1): InstructionProperties(None, 0.02),
            (1, 0): InstructionProperties(1e-7),
            (1, 2): InstructionProperties(),
            (0, 2): None,
        },
    )
    mixed = two_qubits(XGate(), {(1,): None, None: InstructionProperties(1e-8, 0.5)})
    nothing_kept = two_qubits(XGate())
    nothing_kept._gate_map["x"] = None
    extra = InstructionProperties(1e-8, 0.1)
    extra.crosstalk = {"with": [1, 2], "factor": 0.5}
    tuned = Target(qubit_properties=[Tuned(1e-4, False), QubitProperties(2, np.float32(0.5), inf)])
    tuned.add_instruction(XGate(), {(0,): None})
    return {
        "empty": Target(),
        "no number of qubits": Target(num_qubits=None),
        "everything": full,
        "anywhere": two_qubits(XGate(), {None: None}),
        "given no sites": two_qubits(XGate()),
        "nothing kept": nothing_kept,
        "nowhere": two_qubits(XGate(), {}),
        "anywhere and somewhere": mixed,
        "on no qubits": two_qubits(GlobalPhaseGate(0.5), {(): InstructionProperties(0.0)}),
        "class": two_qubits(IfElseOp, name="if_else"),
        "class under another name": two_qubits(ForLoopOp, name="repeat"),
        "name of its own": two_qubits(RXGate(1.5), {(0,): None}, "rx90"),
        "numbers": two_qubits(
            XGate(), {(0,): InstructionProperties(-0.0, nan), (1,): InstructionProperties(inf, 0.0)}
        ),
        "angle bounds": two_qubits(
            RZZGate(Parameter("θ")), {(0, 1): None}, angle_bounds=[(0, 1.5)]
        ),
        "some angle bounds": two_qubits(
            UGate(*map(Parameter, "abc")), angle_bounds=[None, (-1, 1), None]
        ),
        "own properties": two_qubits(XGate(), {(0,): Calibrated(1e-8, 0.1, 0.5), (1,): None}),
        "slots": two_qubits(XGate(), {(1,): Slotted("d1")}),
        "further attributes": two_qubits(XGate(), {(0,): extra}),
        "own qubit properties": tuned,
    }
