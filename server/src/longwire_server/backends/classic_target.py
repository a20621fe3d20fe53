"""A Target for a classic driver, made from its configuration and properties.

What a driver's two documents say is what a Target says; where they are silent, the
configuration's coupling map decides on which qubits there is a gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from qiskit.circuit import (
    BoxOp,
    BreakLoopOp,
    ContinueLoopOp,
    ForLoopOp,
    Gate,
    IfElseOp,
    Instruction,
    Parameter,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.library import (
    DiagonalGate,
    Initialize,
    MCPhaseGate,
    MCXGate,
    PauliGate,
    UnitaryGate,
    get_standard_gate_name_mapping,
)
from qiskit.providers import QubitProperties
from qiskit.transpiler import InstructionProperties, Target

from longwire.errors import BackendPropertyError
from longwire.providers.models.backend_configuration import QasmBackendConfiguration
from longwire.providers.models.backend_properties import BackendProperties
from longwire.providers.models.gate_config import GateConfig

__all__ = ["classic_target"]

# None is anywhere, as in Qiskit's Target.
Sites = dict[tuple[int, ...], InstructionProperties | None] | None

# Operations that are no gates, which every driver has that does not list what it has.
_NO_GATES: Final = ("measure", "reset", "delay")
# Operations of any number of qubits, which a Target holds as classes.
_CLASSES: Final[Mapping[str, type]] = {
    "box": BoxOp,
    "break_loop": BreakLoopOp,
    "continue_loop": ContinueLoopOp,
    "for_loop": ForLoopOp,
    "if_else": IfElseOp,
    "switch_case": SwitchCaseOp,
    "while_loop": WhileLoopOp,
}
_GATE_CLASSES: Final[Mapping[str, type]] = {
    "diagonal": DiagonalGate,
    "initialize": Initialize,
    "mcp": MCPhaseGate,
    "mcphase": MCPhaseGate,
    "mcx": MCXGate,
    "pauli": PauliGate,
    "unitary": UnitaryGate,
}
_TIMING: Final = ("granularity", "min_length", "pulse_alignment", "acquire_alignment")
# The head of a definition in OpenQASM 2: the name, angles in parentheses, the qubits.
_DEFINITION_HEAD: Final = re.compile(r"\s*gate\s+\w+\s*(?:\([^)]*\))?\s*([\w\s,]+)\{")


def classic_target(
    configuration: QasmBackendConfiguration, properties: BackendProperties | None
) -> Target:
    """Returns the Target of a driver that has only a configuration and properties.

    Qubits and gates that do not work are left out, and so is a gate of which neither
    Qiskit nor the configuration tells the number of qubits.

    Args:
        configuration: what the driver is. Its ``supported_instructions`` name the
            control flow, beside measure, reset and delay; its
            ``timing_constraints`` and ``instruction_signatures`` count, too.
        properties: what was measured of it, or None.
    """
    return _TargetMaker(configuration, properties).make()


class _TargetMaker:
    """Puts the two documents together."""

    def __init__(
        self, configuration: QasmBackendConfiguration, properties: BackendProperties | None
    ) -> None:
        self._configuration = configuration
        self._properties = properties
        self._gates = {gate.name: gate for gate in configuration.gates}
        faulty = set() if properties is None else set(properties.faulty_qubits())
        self._qubits = [qubit for qubit in range(configuration.n_qubits) if qubit not in faulty]
        self._measured: dict[str, list[tuple[int, ...]]] = {}
        for gate in () if properties is None else properties.gates:
            self._measured.setdefault(gate.gate, []).append(tuple(gate.qubits))
        # A simulator has everything on any qubits, unless it says otherwise.
        self._is_anywhere = configuration.simulator and configuration.coupling_map is None

    def make(self) -> Target:
        """Returns the Target."""
        configuration = self._configuration
        timing = getattr(configuration, "timing_constraints", None) or {}
        target = Target(
            description=getattr(configuration, "description", None),
            num_qubits=configuration.n_qubits,
            dt=getattr(configuration, "dt", None),
            qubit_properties=self._qubit_properties(),
            **{name: timing[name] for name in _TIMING if name in timing},
        )
        for name, operation in self._operations():
            if isinstance(operation, type):
                target.add_instruction(operation, name=name)
            else:
                target.add_instruction(operation, self._sites(name, operation), name)
        return target

    def _operations(self) -> Iterator[tuple[str, Any]]:
        """Yields every operation with its name: gates first, control flow last."""
        standard = get_standard_gate_name_mapping()
        configuration = self._configuration
        signatures = getattr(configuration, "instruction_signatures", None) or []
        further = {each["name"]: _signed_instruction(each) for each in signatures}
        supported = getattr(configuration, "supported_instructions", None)
        no_gates = [name for name in _NO_GATES if supported is None or name in supported]
        names = [*configuration.basis_gates, "measure", *no_gates, *further]
        names += [name for name in _CLASSES if name in (supported or ())]
        # Each once, in this order.
        for name in dict.fromkeys(names):
            operation = further.get(name) or _CLASSES.get(name) or _GATE_CLASSES.get(name)
            operation = operation or standard.get(name) or _own_gate(self._gates.get(name))
            if operation is not None:
                yield name, operation

    def _sites(self, name: str, operation: Instruction) -> Sites:
        """Returns where there is an operation, with what was measured of it there."""
        groups = self._groups(name, operation.num_qubits)
        if groups is None:
            return None
        working = set(self._qubits)
        return {
            qubits: self._site_properties(name, qubits)
            for qubits in groups
            if working.issuperset(qubits) and self._works(name, qubits)
        }

    def _groups(self, name: str, num_qubits: int) -> Iterable[tuple[int, ...]] | None:
        """Returns the groups of qubits on which there is an operation; None for any."""
        stated = getattr(self._gates.get(name), "coupling_map", None)
        if stated or name in self._measured:
            measured = self._measured.get(name, [])
            return dict.fromkeys([*map(tuple, stated or ()), *measured])
        if self._is_anywhere:
            return None
        if num_qubits == 1:
            return [(qubit,) for qubit in self._qubits]
        coupling_map = self._configuration.coupling_map
        return map(tuple, coupling_map) if coupling_map is not None and num_qubits == 2 else None

    def _works(self, name: str, qubits: tuple[int, ...]) -> bool:
        if self._properties is None or qubits not in self._measured.get(name, ()):
            return True
        return self._properties.is_gate_operational(name, qubits)

    def _site_properties(self, name: str, qubits: tuple[int, ...]) -> InstructionProperties | None:
        properties = self._properties
        if properties is None:
            return None
        if name == "measure" and qubits not in self._measured.get(name, ()):
            [qubit] = qubits
            duration = _known(properties.readout_length, qubit)
            error = _known(properties.readout_error, qubit)
        elif qubits in self._measured.get(name, ()):
            duration = _known(properties.gate_length, name, qubits)
            error = _known(properties.gate_error, name, qubits)
        else:
            return None
        return InstructionProperties(duration, error)

    def _qubit_properties(self) -> list[QubitProperties | None] | None:
        properties = self._properties
        if properties is None or not any(properties.qubits):
            return None
        stated = range(len(properties.qubits))
        return [
            QubitProperties(
                _known(properties.t1, qubit),
                _known(properties.t2, qubit),
                _known(properties.frequency, qubit),
            )
            if qubit in stated
            else None
            for qubit in range(self._configuration.n_qubits)
        ]


def _known(lookup: Any, *arguments: Any) -> float | None:
    """Returns a measured number in SI units; None where there is none, or of an unknown unit."""
    try:
        number: float = lookup(*arguments)
    except BackendPropertyError:
        return None
    return number


def _own_gate(gate: GateConfig | None) -> Gate | None:
    """Returns a gate that Qiskit does not know; None where its number of qubits is not told."""
    if gate is None:
        return None
    num_qubits = len(next(iter(getattr(gate, "coupling_map", None) or ()), ()))
    head = _DEFINITION_HEAD.match(getattr(gate, "qasm_def", None) or "")
    if not num_qubits and head is not None:
        num_qubits = len(head[1].split(","))
    if not num_qubits:
        return None
    return Gate(gate.name, num_qubits, list(map(Parameter, gate.parameters or ())))


def _signed_instruction(signature: Mapping[str, Any]) -> Instruction:
    """Returns the instruction that an entry of ``instruction_signatures`` describes."""
    return Instruction(
        signature["name"],
        signature["num_qubits"],
        signature["num_clbits"],
        list(map(Parameter, signature.get("parameters") or ())),
    )
