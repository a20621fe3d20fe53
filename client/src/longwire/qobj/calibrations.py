"""Pulses that implement gates: the calibrations of a QASM Qobj."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from longwire.qobj.part import QobjPart, copy_value, require
from longwire.qobj.pulse_instruction import PulseQobjInstruction

__all__ = ["GateCalibration", "QasmExperimentCalibrations"]


class GateCalibration(QobjPart):
    """The pulses of one gate on given qubits with given parameters.

    Args:
        name: name of the gate.
        qubits: indices of the qubits that the gate acts on.
        params: values of the gate's parameters.
        instructions: the pulses; waveforms are named in the pulse library.
    """

    def __init__(
        self,
        name: str,
        qubits: Sequence[int],
        params: Sequence[complex],
        instructions: Sequence[PulseQobjInstruction],
    ) -> None:
        self.name = name
        self.qubits = qubits
        self.params = params
        self.instructions = instructions

    def __hash__(self) -> int:  # type: ignore[override]
        # Code that sought the calibrations common to all experiments put them in sets.
        instructions = tuple(str(instruction) for instruction in self.instructions)
        return hash((self.name, tuple(self.qubits), str(self.params), instructions))

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of this calibration."""
        return {
            "name": self.name,
            "qubits": copy_value(self.qubits),
            "params": copy_value(self.params),
            "instructions": [instruction.to_dict() for instruction in self.instructions],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""
        instructions = require(data, "instructions", cls.__name__)
        return cls(
            require(data, "name", cls.__name__),
            copy_value(require(data, "qubits", cls.__name__)),
            copy_value(require(data, "params", cls.__name__)),
            [PulseQobjInstruction.from_dict(item) for item in instructions],
        )


class QasmExperimentCalibrations(QobjPart):
    """The calibrations that hold for an experiment, or for a whole Qobj.

    Args:
        gates: one calibration for each gate, qubits and parameters.
    """

    def __init__(self, gates: Sequence[GateCalibration]) -> None:
        self.gates = list(gates)

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of these calibrations."""
        return {"gates": [gate.to_dict() for gate in self.gates]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""
        gates = require(data, "gates", cls.__name__)
        return cls([GateCalibration.from_dict(gate) for gate in gates])
