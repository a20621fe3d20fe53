"""Classic models for a BackendV2, made from its Target."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from qiskit.providers import BackendV2
from qiskit.transpiler import InstructionProperties, Target

from longwire.providers.models.backend_configuration import QasmBackendConfiguration
from longwire.providers.models.backend_properties import BackendProperties
from longwire.providers.models.backend_status import backend_version_xyz
from longwire.providers.models.gate import Gate
from longwire.providers.models.nduv import Nduv
from longwire.providers.models.pulse_backend_configuration import configuration_class

# Shots that a backend takes which tells no limit: a job is bounded somehow.
DEFAULT_MAX_SHOTS: Final = 1_000_000

# Operations of a Target that are no gates.
_NO_GATES: Final = frozenset({"barrier", "delay", "measure", "reset"})


def configuration_of(backend: BackendV2, *, num_qubits: int) -> QasmBackendConfiguration:
    """Returns the configuration of a BackendV2.

    What the backend's own ``configuration()`` says comes first, where it has
    one; the Target and the backend's attributes fill in the rest.

    Args:
        backend: the backend.
        num_qubits: its number of qubits, or what stands for it where the Target
            has none.
    """
    own = _own_model(backend, "configuration")
    if isinstance(own, QasmBackendConfiguration):
        return own
    document = _document_of(backend, num_qubits)
    if own is not None:
        stated = {name: value for name, value in own.to_dict().items() if value not in (None, [])}
        document |= _plain_dates(stated)
    return configuration_class(document).from_dict(document)


def properties_of(
    backend: BackendV2, known: BackendProperties | None = None
) -> BackendProperties | None:
    """Returns the properties of a BackendV2; None where nothing was measured.

    Errors, times and frequencies come from the backend's own ``properties()``,
    or from its Target, which does not say when they were measured: the dates are
    then that of the call which first found these numbers.

    Args:
        backend: the backend.
        known: what an earlier call returned.
    """
    own = _own_model(backend, "properties")
    if isinstance(own, BackendProperties):
        return own
    if own is not None:
        return BackendProperties.from_dict(_plain_dates(own.to_dict()))
    if known is not None and _measured_properties(backend, known.last_update_date) == known:
        return known
    return _measured_properties(backend, datetime.now(UTC))


def _measured_properties(backend: BackendV2, date: datetime) -> BackendProperties | None:
    """Returns the properties that a Target tells, as of a date."""
    target = backend.target
    qubits = list(_qubit_properties(target, date))
    gates = list(_gate_properties(target, date))
    if not any(qubits) and not any(gate.parameters for gate in gates):
        return None
    return BackendProperties(
        backend_name=backend.name or type(backend).__name__,
        backend_version=backend_version_xyz(backend.backend_version or ""),
        last_update_date=date,
        qubits=qubits,
        gates=gates,
        general=[],
    )


def is_simulator(backend: BackendV2) -> bool:
    """Whether a BackendV2 is a simulator: by its own word, or because it has no layout.

    A Target whose every operation works on any qubits describes no device.
    """
    for owner in (backend, _own_model(backend, "configuration")):
        stated = getattr(owner, "simulator", None)
        if isinstance(stated, bool):
            return stated
    target = backend.target
    return not any(_sites(target, name) for name in target.operation_names)


def _own_model(backend: BackendV2, method: str) -> Any:
    """Returns what ``backend.configuration()`` or ``backend.properties()`` gives, or None."""
    call = getattr(backend, method, None)
    return call() if callable(call) else None


def _document_of(backend: BackendV2, num_qubits: int) -> dict[str, Any]:
    """Returns a configuration document (schema 1.3.0) made from a Target."""
    target = backend.target
    names = list(target.operation_names)
    coupling_map = target.build_coupling_map()
    document: dict[str, Any] = {
        "backend_name": backend.name or type(backend).__name__,
        "backend_version": backend_version_xyz(backend.backend_version or ""),
        "n_qubits": num_qubits,
        "basis_gates": [name for name in names if _is_gate(target, name)],
        "gates": [_gate_document(target, name) for name in names if _is_gate(target, name)],
        "local": False,
        "simulator": is_simulator(backend),
        "conditional": "if_else" in names,
        "open_pulse": False,
        "memory": "memory" in backend.options,
        "max_shots": DEFAULT_MAX_SHOTS,
        "coupling_map": None
        if coupling_map is None
        else sorted(list(edge) for edge in coupling_map.get_edges()),
        "supported_instructions": names,
        "description": backend.description or "",
    }
    if backend.max_circuits is not None:
        document["max_experiments"] = backend.max_circuits
    if backend.online_date is not None:
        document["online_date"] = backend.online_date.isoformat()
    if target.dt is not None:
        document["dt"] = target.dt * 1e9
    return document


def _is_gate(target: Target, name: str) -> bool:
    return name not in _NO_GATES and not isinstance(target.operation_from_name(name), type)


def _gate_document(target: Target, name: str) -> dict[str, Any]:
    parameters = getattr(target.operation_from_name(name), "params", [])
    gate: dict[str, Any] = {
        "name": name,
        "parameters": [getattr(each, "name", str(each)) for each in parameters],
        "qasm_def": None,
    }
    sites = _sites(target, name)
    if sites:
        gate["coupling_map"] = [list(qubits) for qubits in sites]
    return gate


def _sites(target: Target, name: str) -> list[tuple[int, ...]]:
    """Returns the qubits on which an operation is defined; none where it is on all."""
    properties = target[name]
    return sorted(qubits for qubits in properties or () if qubits is not None)


def _qubit_properties(target: Target, date: datetime) -> Iterator[list[Nduv]]:
    """Yields what is known of each qubit, in the units of IBM's documents."""
    qubits = target.qubit_properties or [None] * (target.num_qubits or 0)
    measure = (target["measure"] or {}) if "measure" in target.operation_names else {}
    for index, qubit in enumerate(qubits):
        readout: InstructionProperties | None = measure.get((index,))
        values = (
            ("T1", "us", _scaled(getattr(qubit, "t1", None), 1e6)),
            ("T2", "us", _scaled(getattr(qubit, "t2", None), 1e6)),
            ("frequency", "GHz", _scaled(getattr(qubit, "frequency", None), 1e-9)),
            ("readout_error", "", getattr(readout, "error", None)),
            ("readout_length", "ns", _scaled(getattr(readout, "duration", None), 1e9)),
        )
        yield _measured(date, *values)


def _gate_properties(target: Target, date: datetime) -> Iterator[Gate]:
    for name in target.operation_names:
        if not _is_gate(target, name) and name != "reset":
            continue
        for qubits in _sites(target, name):
            properties = target[name][qubits]
            values = (
                ("gate_error", "", getattr(properties, "error", None)),
                ("gate_length", "ns", _scaled(getattr(properties, "duration", None), 1e9)),
            )
            label = f"{name}{'_'.join(map(str, qubits))}"
            yield Gate(list(qubits), name, _measured(date, *values), name=label)


def _measured(date: datetime, *values: tuple[str, str, float | None]) -> list[Nduv]:
    return [Nduv(date, name, unit, value) for name, unit, value in values if value is not None]


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _plain_dates(value: Any) -> Any:
    """Returns a copy of a document in which dates are ISO 8601 text, as in JSON."""
    match value:
        case datetime():
            return value.isoformat()
        case dict():
            return {key: _plain_dates(member) for key, member in value.items()}
        case list() | tuple():
            return [_plain_dates(member) for member in value]
        case _:
            return value
