"""A gate as a sequence of pulses."""

from __future__ import annotations

from typing import Any

from longwire.providers.models.document import Document, parts_from

__all__ = ["Command", "PulseInstruction"]


class PulseInstruction(Document):
    """One instruction of a sequence, as plain data.

    Args:
        name: a pulse of the library, or ``parametric_pulse``, ``fc``,
            ``acquire`` and the like.
        t0: when it starts, in units of dt from the start of the sequence.
        ch: the channel that it acts on, such as ``d0``.
        kwargs: its other members, such as ``phase`` and ``parameters``.
    """

    _REQUIRED = ("name",)
    _OPTIONAL = ("t0", "ch")
    _ERROR = "BackendConfigurationError"

    name: str
    t0: int
    ch: str

    def __init__(
        self, /, name: str, t0: int | None = None, ch: str | None = None, **kwargs: Any
    ) -> None:
        self._store(kwargs, name=name, t0=t0, ch=ch)


class Command(Document):
    """A gate on a group of qubits as a sequence of pulses.

    Args:
        name: the gate's name in OpenQASM.
        qubits: the qubits' indices.
        sequence: the instructions; each states when it starts.
        kwargs: further members of the document.
    """

    _REQUIRED = ("name",)
    _OPTIONAL = ("qubits", "sequence")
    _ERROR = "BackendConfigurationError"

    name: str
    qubits: list[int]
    sequence: list[PulseInstruction]

    def __init__(
        self,
        /,
        name: str,
        qubits: list[int] | None = None,
        sequence: list[PulseInstruction] | None = None,
        **kwargs: Any,
    ) -> None:
        self._store(kwargs, name=name, qubits=qubits, sequence=sequence)

    @classmethod
    def _parsed(cls, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("sequence") is None:
            return data
        return {**data, "sequence": parts_from(PulseInstruction, data["sequence"], "sequence")}
