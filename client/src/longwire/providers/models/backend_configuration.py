"""The configuration of a backend: what does not change from day to day."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from longwire.providers.models.document import parts_from
from longwire.providers.models.gate_config import GateConfig
from longwire.providers.models.quantities import QuantityDocument, in_si_units

__all__ = ["BackendConfiguration", "QasmBackendConfiguration"]


class QasmBackendConfiguration(QuantityDocument):
    """What a backend is: its size, gates and limits.

    The constructor and :meth:`from_dict` take quantities in the units of
    Qiskit's configuration document (schema 1.3.0); the attributes hold them in
    SI units, and :meth:`to_dict` turns them back. That goes for further members,
    too: ``dt`` and ``dtm`` (ns), ``rep_times`` (µs), ``qubit_lo_range``,
    ``meas_lo_range`` and ``channel_bandwidth`` (GHz), and the numerical ``vars``
    of ``hamiltonian`` (GHz).

    Args:
        backend_name: the backend's name.
        backend_version: its version, X.Y.Z.
        n_qubits: number of qubits.
        basis_gates: names of the basis gates.
        gates: the gates in detail.
        local: whether it runs on this machine.
        simulator: whether it is a simulator.
        conditional: whether operations can depend on measured bits.
        open_pulse: whether it is open to control by pulses.
        memory: whether it can return the outcome of every shot.
        max_shots: most shots of one circuit.
        coupling_map: pairs of coupled qubits; None where all are coupled.
        supported_instructions: names of the instructions that it runs.
        dynamic_reprate_enabled: whether the delay between shots can be chosen.
        rep_delay_range: shortest and longest such delay, in µs.
        default_rep_delay: the delay where none is chosen, in µs.
        max_experiments: most circuits in one job.
        sample_name: name of the chip's design.
        n_registers: number of register slots for feedback.
        register_map: of shape (n_qubits, n_registers): 1 where the slot can hold
            the qubit's outcome.
        configurable: whether it can be configured.
        credits_required: whether a job costs credits.
        online_date: when it went online; ISO 8601 text becomes a datetime.
        display_name: another name for people.
        description: a description of it.
        tags: words that describe it.
        kwargs: further members, which are attributes and stand in the document.

    Raises:
        BackendConfigurationError: online_date is not ISO 8601.
    """

    # open_pulse is required by Qiskit's constructor, yet simulators' documents lack it.
    _REQUIRED = (
        "backend_name",
        "backend_version",
        "n_qubits",
        "basis_gates",
        "gates",
        "local",
        "simulator",
        "conditional",
        "memory",
        "max_shots",
    )
    _OPTIONAL: ClassVar[tuple[str, ...]] = (
        "open_pulse",
        "coupling_map",
        "dynamic_reprate_enabled",
        "supported_instructions",
        "rep_delay_range",
        "default_rep_delay",
        "max_experiments",
        "sample_name",
        "n_registers",
        "register_map",
        "configurable",
        "credits_required",
        "online_date",
        "display_name",
        "description",
        "tags",
    )
    _DISPENSABLE = frozenset({"open_pulse"})
    _DATES = frozenset({"online_date"})
    _ERROR = "BackendConfigurationError"

    backend_name: str
    backend_version: str
    n_qubits: int
    basis_gates: list[str]
    gates: list[GateConfig]
    local: bool
    simulator: bool
    conditional: bool
    memory: bool
    max_shots: int
    open_pulse: bool | None = False
    coupling_map: list[list[int]] | None = None
    dynamic_reprate_enabled: bool | None = False
    supported_instructions: list[str]
    rep_delay_range: list[float]
    default_rep_delay: float
    max_experiments: int
    sample_name: str
    n_registers: int
    register_map: list[list[int]]
    configurable: bool
    credits_required: bool
    online_date: datetime
    display_name: str
    description: str
    tags: list[str]

    def __init__(
        self,
        /,
        backend_name: str,
        backend_version: str,
        n_qubits: int,
        basis_gates: list[str],
        gates: list[GateConfig],
        local: bool,
        simulator: bool,
        conditional: bool,
        open_pulse: bool | None,
        memory: bool,
        max_shots: int,
        coupling_map: list[list[int]] | None = None,
        supported_instructions: list[str] | None = None,
        dynamic_reprate_enabled: bool | None = False,
        rep_delay_range: list[float] | None = None,
        default_rep_delay: float | None = None,
        max_experiments: int | None = None,
        sample_name: str | None = None,
        n_registers: int | None = None,
        register_map: list[list[int]] | None = None,
        configurable: bool | None = None,
        credits_required: bool | None = None,
        online_date: datetime | str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        fields = {
            "backend_name": backend_name,
            "backend_version": backend_version,
            "n_qubits": n_qubits,
            "basis_gates": basis_gates,
            "gates": gates,
            "local": local,
            "simulator": simulator,
            "conditional": conditional,
            "open_pulse": open_pulse,
            "memory": memory,
            "max_shots": max_shots,
            "supported_instructions": supported_instructions,
            "dynamic_reprate_enabled": dynamic_reprate_enabled,
            "rep_delay_range": rep_delay_range,
            "default_rep_delay": default_rep_delay,
            "max_experiments": max_experiments,
            "sample_name": sample_name,
            "n_registers": n_registers,
            "register_map": register_map,
            "configurable": configurable,
            "credits_required": credits_required,
            "online_date": online_date,
            "display_name": display_name,
            "description": description,
            "tags": tags,
        }
        # None is a value of the coupling map, the others are absent when None.
        further = {"coupling_map": coupling_map, **kwargs}
        self._store(in_si_units(further), **in_si_units(fields))

    @classmethod
    def _parsed(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "gates": parts_from(GateConfig, data["gates"], "gates")}

    @property
    def num_qubits(self) -> int:
        """Number of qubits, by the name that Qiskit 2 uses."""
        return self.n_qubits

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}({self.backend_name!r}, version {self.backend_version}, "
            f"{self.n_qubits} qubits)>"
        )


# Qiskit's other name of the class.
BackendConfiguration = QasmBackendConfiguration
