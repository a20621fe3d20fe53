"""One experiment of a QASM Qobj: what Qiskit calls a circuit."""

from __future__ import annotations

import pprint
from collections.abc import Mapping
from typing import Any, Self

from longwire.qobj.header import QobjDictField
from longwire.qobj.part import QobjPart, require
from longwire.qobj.qasm_config import QasmQobjExperimentConfig
from longwire.qobj.qasm_instruction import QasmQobjInstruction

__all__ = ["QasmQobjExperiment", "QasmQobjExperimentHeader"]


class QasmQobjExperimentHeader(QobjDictField):
    """What the sender tells about an experiment: name, registers, global phase, metadata, ..."""


class QasmQobjExperiment(QobjPart):
    """Instructions with their header and options.

    Args:
        config: options of this experiment; none by default.
        header: its header; empty by default.
        instructions: its instructions; none by default.
    """

    def __init__(
        self,
        config: QasmQobjExperimentConfig | None = None,
        header: QobjDictField | None = None,
        instructions: list[QasmQobjInstruction] | None = None,
    ) -> None:
        self.config = QasmQobjExperimentConfig() if config is None else config
        self.header = QasmQobjExperimentHeader() if header is None else header
        self.instructions = [] if instructions is None else instructions

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of this experiment."""
        return {
            "config": self.config.to_dict(),
            "header": self.header.to_dict(),
            "instructions": [instruction.to_dict() for instruction in self.instructions],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was.

        In the original a second reading of one dict gave an empty circuit.
        """
        instructions = require(data, "instructions", cls.__name__)
        return cls(
            QasmQobjExperimentConfig.from_dict(data.get("config", {})),
            QasmQobjExperimentHeader.from_dict(data.get("header", {})),
            [QasmQobjInstruction.from_dict(instruction) for instruction in instructions],
        )

    def __str__(self) -> str:
        lines = [
            "\nQASM Experiment:",
            f"Header:\n{pprint.pformat(self.header.to_dict())}",
            f"Config:\n{pprint.pformat(self.config.to_dict())}\n",
        ]
        lines += [f"\t{instruction}" for instruction in self.instructions]
        return "\n".join(lines) + "\n"
