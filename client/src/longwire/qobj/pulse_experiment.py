"""One experiment of a pulse Qobj: a schedule of pulses."""

from __future__ import annotations

import pprint
from collections.abc import Mapping, Sequence
from typing import Any, Self

from longwire.qobj.header import QobjDictField, QobjExperimentHeader
from longwire.qobj.part import QobjPart, require
from longwire.qobj.pulse_config import PulseQobjExperimentConfig
from longwire.qobj.pulse_instruction import PulseQobjInstruction

__all__ = ["PulseQobjExperiment"]


class PulseQobjExperiment(QobjPart):
    """Pulses with their header and options, which are attributes only where they were given.

    Args:
        instructions: the pulses and other instructions.
        config: options of this experiment.
        header: its header.
    """

    config: PulseQobjExperimentConfig
    header: QobjDictField

    def __init__(
        self,
        instructions: Sequence[PulseQobjInstruction],
        config: PulseQobjExperimentConfig | None = None,
        header: QobjDictField | None = None,
    ) -> None:
        if config is not None:
            self.config = config
        if header is not None:
            self.header = header
        self.instructions = instructions

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of this experiment."""
        data: dict[str, Any] = {
            "instructions": [instruction.to_dict() for instruction in self.instructions]
        }
        if hasattr(self, "config"):
            data["config"] = self.config.to_dict()
        if hasattr(self, "header"):
            data["header"] = self.header.to_dict()
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""
        instructions = require(data, "instructions", cls.__name__)
        config, header = data.get("config"), data.get("header")
        return cls(
            [PulseQobjInstruction.from_dict(instruction) for instruction in instructions],
            None if config is None else PulseQobjExperimentConfig.from_dict(config),
            None if header is None else QobjExperimentHeader.from_dict(header),
        )

    def __str__(self) -> str:
        data = self.to_dict()
        lines = [
            "\nPulse Experiment:",
            f"Header:\n{pprint.pformat(data.get('header', {}))}",
            f"Config:\n{pprint.pformat(data.get('config', {}))}\n",
        ]
        lines += [f"\t{instruction}" for instruction in self.instructions]
        return "\n".join(lines) + "\n"
