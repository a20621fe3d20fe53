"""Transpiles circuits for a backend, for callers who have no transpiler."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.transpiler import generate_preset_pass_manager

from longwire.errors import InvalidOptionError, InvalidProgramError
from longwire.v1.program_pb2 import TranspileOptions
from longwire_server.backends.hosted_backend import HostedBackend

_LEVELS = range(4)
# Methods by which a BackendV2 names passes of its own.
_OWN_STAGES = ("get_scheduling_stage_plugin", "get_translation_stage_plugin")


def transpile(
    circuits: Sequence[QuantumCircuit],
    options: TranspileOptions,
    backend: HostedBackend,
    *,
    names: Sequence[str],
    noise_model: Any = None,
) -> list[QuantumCircuit]:
    """The circuits as Qiskit's preset pass manager makes them for a backend.

    They are those of a local ``transpile`` with the same options and seed, and keep
    their names, metadata and free parameters.

    Args:
        circuits: the circuits.
        options: how.
        backend: the backend.
        names: a name for each circuit, for errors.
        noise_model: the job's own noise model, where it has one: Aer's simulator is
            then taken as one that was made with it, whose operations are those of
            the model.

    Raises:
        InvalidOptionError: there is no such optimization level.
        InvalidProgramError: a circuit cannot be transpiled; with its name, and
            what is wrong with the layout, or Qiskit's words.
        LimitExceededError: a circuit has more qubits than the backend.
    """
    backend.check_size(circuits, names=names)
    arguments = _arguments(options)
    pass_manager = None
    transpiled = []
    for circuit, name in zip(circuits, names, strict=True):
        if options.only_where_needed and backend.fits(circuit):
            transpiled.append(_without_layout(circuit))
            continue
        _check_layout(options.initial_layout, circuit, name, backend)
        if pass_manager is None:
            constraints = _constraints(backend, noise_model)
            pass_manager = generate_preset_pass_manager(**constraints, **arguments)
        try:
            transpiled.append(pass_manager.run(circuit))
        except MemoryError:
            raise
        except Exception as error:  # passes and plugins raise whatever they raise
            words = getattr(error, "message", None) or str(error) or type(error).__name__
            raise InvalidProgramError(
                f"circuit {name!r} cannot be transpiled for backend {backend.name!r}: {words}"
            ) from error
    return transpiled


def _check_layout(
    initial_layout: Sequence[int], circuit: QuantumCircuit, name: str, backend: HostedBackend
) -> None:
    """Refuses a layout that Qiskit would refuse in words about its passes."""
    if not initial_layout:
        return
    place = f"circuit {name!r} cannot be transpiled for backend {backend.name!r}"
    if len(initial_layout) != circuit.num_qubits:
        raise InvalidProgramError(
            f"{place}: initial_layout names {len(initial_layout)} physical qubits, and the circuit "
            f"has {circuit.num_qubits}; give one for each"
        )
    num_qubits = backend.target.num_qubits
    if num_qubits is not None and max(initial_layout) >= num_qubits:
        raise InvalidProgramError(
            f"{place}: initial_layout names the physical qubit {max(initial_layout)}; the backend "
            f"has those from 0 to {num_qubits - 1}"
        )


def _without_layout(circuit: QuantumCircuit) -> QuantumCircuit:
    """A circuit that needs no transpiling, without the layout of an earlier one.

    The layout that a circuit has here is the one that observables still lack.
    """
    if circuit.layout is None:
        return circuit
    copied = circuit.copy()
    copied._layout = None
    return copied


def _arguments(options: TranspileOptions) -> dict[str, Any]:
    """The options as Qiskit takes them; those that are not set are left to Qiskit's defaults."""
    arguments: dict[str, Any] = {}
    if options.HasField("optimization_level"):
        if options.optimization_level not in _LEVELS:
            raise InvalidOptionError(
                f"optimization_level must be 0, 1, 2 or 3, not {options.optimization_level}"
            )
        arguments["optimization_level"] = options.optimization_level
    if options.HasField("seed_transpiler"):
        arguments["seed_transpiler"] = options.seed_transpiler
    if options.initial_layout:
        arguments["initial_layout"] = list(options.initial_layout)
    return arguments


def _constraints(backend: HostedBackend, noise_model: Any) -> dict[str, Any]:
    """What the pass manager is made for."""
    driver = backend.driver
    if isinstance(driver, BackendV2):
        if noise_model is not None and type(driver).__module__.startswith("qiskit_aer."):
            driver = copy.deepcopy(driver)
            driver.set_options(noise_model=noise_model)
            return {"target": driver.target}
        if any(hasattr(driver, name) for name in _OWN_STAGES):
            return {"backend": driver}
    # The circuits are the same as with the backend, of which Qiskit asks the Target
    # 157 times: Aer's makes it anew each time.
    return {"target": backend.target}
