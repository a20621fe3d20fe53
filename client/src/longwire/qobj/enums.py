"""The words that a Qobj uses for its kind and for how measurements are returned."""

from __future__ import annotations

from enum import Enum, IntEnum

__all__ = ["MeasLevel", "MeasReturnType", "QobjType"]


class QobjType(str, Enum):  # noqa: UP042  str() gave the member, as in Terra
    """What the instructions of a Qobj are: gates or pulses."""

    QASM = "QASM"
    PULSE = "PULSE"


class MeasReturnType(str, Enum):  # noqa: UP042
    """Whether measurements come averaged over the shots or one for each shot."""

    AVERAGE = "avg"
    SINGLE = "single"


class MeasLevel(IntEnum):
    """How far measurements are processed: raw traces, complex numbers, bits."""

    RAW = 0
    KERNELED = 1
    CLASSIFIED = 2
