"""The measured properties of one gate."""

from __future__ import annotations

from typing import Any

from longwire.providers.models.document import Document, parts_from
from longwire.providers.models.nduv import Nduv

__all__ = ["Gate"]


class Gate(Document):
    """The properties of a gate on one group of qubits.

    Args:
        qubits: the qubits' indices, control first.
        gate: the gate's name in OpenQASM.
        parameters: its properties, such as ``gate_error`` and ``gate_length``.
        kwargs: further members of the document, such as ``name`` ("cx0_1").
    """

    _REQUIRED = ("qubits", "gate", "parameters")
    _ERROR = "BackendPropertyError"

    qubits: list[int]
    gate: str
    parameters: list[Nduv]

    def __init__(
        self, /, qubits: list[int], gate: str, parameters: list[Nduv], **kwargs: Any
    ) -> None:
        self._store(kwargs, qubits=qubits, gate=gate, parameters=parameters)

    @classmethod
    def _parsed(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "parameters": parts_from(Nduv, data["parameters"], "parameters")}
