"""One gate in a backend's configuration."""

from __future__ import annotations

from typing import Any

from longwire.providers.models.document import Document

__all__ = ["GateConfig"]


class GateConfig(Document):
    """One gate that a backend has.

    Args:
        name: the gate's name in OpenQASM.
        parameters: the names of its parameters; newer backends leave it None.
        qasm_def: its definition in OpenQASM's primitives U and CX; newer
            backends leave it None.
        coupling_map: groups of qubits on which the gate acts.
        latency_map: of shape (groups, register slots): 1 where operations that
            depend on the slot are fast, 0 where they are slow.
        conditional: whether the gate can depend on measured bits; as the
            backend can where it is absent.
        description: a description of it.
        kwargs: further members of the document.
    """

    _REQUIRED = ("name", "parameters", "qasm_def")
    _OPTIONAL = ("coupling_map", "latency_map", "conditional", "description")
    _ERROR = "BackendConfigurationError"

    name: str
    parameters: list[str] | None
    qasm_def: str | None
    coupling_map: list[list[int]]
    latency_map: list[list[int]]
    conditional: bool
    description: str

    def __init__(
        self,
        /,
        name: str,
        parameters: list[str] | None,
        qasm_def: str | None,
        coupling_map: list[list[int]] | None = None,
        latency_map: list[list[int]] | None = None,
        conditional: bool | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._store(
            kwargs,
            name=name,
            parameters=parameters,
            qasm_def=qasm_def,
            coupling_map=coupling_map,
            latency_map=latency_map,
            conditional=conditional,
            description=description,
        )
