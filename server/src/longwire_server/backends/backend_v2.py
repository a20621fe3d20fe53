"""Hosts a BackendV2 of Qiskit 2."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.transpiler import Target

from longwire.providers.models.backend_configuration import QasmBackendConfiguration
from longwire.providers.models.backend_properties import BackendProperties
from longwire_server.backends import memory_estimate
from longwire_server.backends.aer_options import are_aer_options, state_memory_mb
from longwire_server.backends.aer_run import run_on_aer
from longwire_server.backends.description import DriverModels
from longwire_server.backends.fit import InstructionSet, TargetInstructions
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.backends.limits import RunLimits
from longwire_server.backends.options import OptionRules
from longwire_server.backends.outcome import OutOfMemoryError
from longwire_server.backends.parameters import Sweep, binds_natively, native_binds
from longwire_server.backends.spec import BackendSpec
from longwire_server.backends.synthesis import configuration_of, is_simulator, properties_of
from longwire_server.config.machine import physical_memory_mb

_UNIMAGINABLE_MB = 1 << 30


class HostedBackendV2(HostedBackend):
    """A BackendV2, with the models of the classic interface made from its Target.

    Args:
        spec: what the configuration says of it.
        backend: the backend.
        threads: threads that Aer may use; None leaves its own setting.
        memory_limit_mb: memory of this process in MiB; None for no limit.
    """

    def __init__(
        self,
        spec: BackendSpec,
        backend: BackendV2,
        *,
        threads: int | None = None,
        memory_limit_mb: int | None = None,
    ) -> None:
        self._backend = backend
        self._is_aer = are_aer_options(backend.options)
        self._is_simulator = is_simulator(backend)
        self._takes_binds = "parameter_binds" in inspect.signature(backend.run).parameters
        if self._is_aer:
            _confine(backend, threads, memory_limit_mb)
        self._most_qubits = _state_vector_qubits(memory_limit_mb)
        self._memory_limit_mb = memory_limit_mb
        self._own_properties: BackendProperties | None = None
        self._rules = OptionRules(spec.name, backend.options)
        super().__init__(spec)

    @property
    def driver(self) -> BackendV2:
        """The backend itself."""
        return self._backend

    @property
    def runs_alike_in_parts(self) -> bool:
        """See :meth:`HostedBackend.runs_alike_in_parts`."""
        # Aer's seeds are known for each circuit: see seed_of_part. A part of a worker that
        # is taken away is run again, which only some backends allow.
        return self._is_aer and self._spec.max_attempts > 1

    def checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`HostedBackend.checked_options`."""
        return self._rules.checked(options)

    def _execute(self, circuits: list[QuantumCircuit], options: Mapping[str, Any]) -> Any:
        if self._is_aer:
            return run_on_aer(self._backend, circuits, options)
        return self._backend.run(circuits, **options).result()

    def _execute_sweeps(self, sweeps: Sequence[Sweep], options: Mapping[str, Any]) -> Any:
        is_bound = all(sweep.is_bound for sweep in sweeps)
        if is_bound or not self._takes_binds or not binds_natively(sweeps):
            return super()._execute_sweeps(sweeps, options)
        circuits = [sweep.circuit for sweep in sweeps]
        return run_on_aer(self._backend, circuits, options, native_binds(sweeps))

    def _read_models(self) -> DriverModels:
        backend = self._backend
        configuration = configuration_of(backend, num_qubits=self._sensible_num_qubits())
        if self._is_bound_by_memory(configuration):
            configuration.n_qubits = min(configuration.n_qubits, self._most_qubits)
        self._own_properties = properties_of(backend, known=self._own_properties)
        return DriverModels(configuration, self._own_properties, backend.backend_version or "")

    def _status(self) -> tuple[bool, str]:
        # BackendV2 has no status, but drivers of devices do.
        ask = getattr(self._backend, "status", None)
        status = ask() if callable(ask) else None
        operational = getattr(status, "operational", True)
        return bool(operational), str(getattr(status, "status_msg", None) or "")

    def _read_target(self) -> Target:
        return self._backend.target

    def _option_names(self) -> Sequence[str]:
        return self._rules.names

    def _default_option(self, name: str) -> Any:
        return self._rules.default(name)

    def _num_qubits(self) -> int | None:
        if self._is_bound_by_memory(self._configuration):
            return None
        num_qubits: int | None = self._backend.num_qubits
        return num_qubits

    def _limits(self) -> RunLimits:
        limits = super()._limits()
        if self._is_aer or limits.num_qubits is not None:
            return limits
        return dataclasses.replace(limits, num_qubits=self._own_num_qubits())

    def _max_circuits(self) -> int | None:
        # A configuration of its own need not repeat it.
        return self._backend.max_circuits or super()._max_circuits()

    def _instructions(self) -> InstructionSet | None:
        return None if self._is_simulator else TargetInstructions(self._backend.target)

    def _check_memory(
        self, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any], shots: int
    ) -> None:
        if not self._is_aer or self._memory_limit_mb is None:
            return
        room = state_memory_mb(self._memory_limit_mb) << 20
        if memory_estimate.upper_bound(circuits, shots) <= room:
            return
        method = options.get("method") or self._default_option("method") or "automatic"
        precision = options.get("precision") or self._default_option("precision")
        for circuit in circuits:
            needed = max(
                memory_estimate.state_bytes(
                    circuit, method, single_precision=precision == "single"
                ),
                memory_estimate.saved_bytes(circuit, shots),
            )
            if needed > room:
                raise _insufficient_memory(circuit, self.name, method, needed, room)

    def _is_bound_by_memory(self, configuration: QasmBackendConfiguration) -> bool:
        """Whether the number of qubits is only what memory holds as a state vector.

        Aer runs larger circuits with other methods, and refuses itself what is
        too large.
        """
        return self._is_aer and self._is_simulator and configuration.coupling_map is None

    def _sensible_num_qubits(self) -> int:
        """Returns the number of qubits for the configuration, which must have one."""
        if self._backend.num_qubits is not None:
            return int(self._backend.num_qubits)
        return min(self._most_qubits, self._own_num_qubits() or self._most_qubits)

    def _own_num_qubits(self) -> int | None:
        """Returns the number of qubits that the driver states."""
        num_qubits: int | None = self._backend.num_qubits
        # BasicSimulator states its own bound in this attribute alone.
        own_bound: int | None = getattr(self._backend, "MAX_QUBITS_STATEVECTOR", None)
        return own_bound if num_qubits is None else num_qubits


def _insufficient_memory(
    circuit: QuantumCircuit, backend_name: str, method: str, needed_bytes: int, room_bytes: int
) -> OutOfMemoryError:
    needed_mb = needed_bytes >> 20
    shown = f"{needed_mb} MiB" if needed_mb < _UNIMAGINABLE_MB else "more than any machine has"
    return OutOfMemoryError(
        f"circuit {circuit.name!r} failed on backend {backend_name!r}: Insufficient memory: its "
        f"{circuit.num_qubits} qubits take {shown} for the state of the method {method!r}, or for "
        f"what is saved, and states may take {room_bytes >> 20} MiB"
    )


def _state_vector_qubits(memory_limit_mb: int | None) -> int:
    """Returns how many qubits a state vector in memory has, at 16 bytes an amplitude."""
    memory_bytes = state_memory_mb(memory_limit_mb or physical_memory_mb()) << 20
    return int(math.log2(memory_bytes / 16))


def _confine(backend: BackendV2, threads: int | None, memory_limit_mb: int | None) -> None:
    """Keeps Aer within the worker's threads and memory."""
    if threads:
        backend.set_options(max_parallel_threads=threads)
    if memory_limit_mb:
        backend.set_options(max_memory_mb=state_memory_mb(memory_limit_mb))
