"""A backend in a worker: what every kind of hosted backend has in common."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.result import Result

from longwire.providers.models.backend_configuration import QasmBackendConfiguration
from longwire.providers.models.backend_properties import BackendProperties
from longwire.providers.models.backend_status import backend_version_xyz
from longwire.providers.models.pulse_backend_configuration import configuration_class
from longwire.qobj import QasmQobj
from longwire.qobj.disassemble import DisassembledExperiment, disassemble_experiments
from longwire.v1.backend_pb2 import Backend
from longwire.v1.backend_status_pb2 import BackendStatus
from longwire_server.backends.description import BackendDescription
from longwire_server.backends.fit import InstructionSet, check_fit
from longwire_server.backends.limits import RunLimits
from longwire_server.backends.outcome import checked_result
from longwire_server.backends.spec import BackendSpec

# Options that old Qobj carry and that no backend of today has a place for.
_OBSOLETE = frozenset({"max_credits", "rep_delay", "rep_time", "memory_slot_size"})


class HostedBackend(ABC):
    """Runs programs on one backend, whatever interface its driver has.

    Args:
        spec: what the configuration says of it.
        configuration: its own configuration; name, version and description are
            replaced by the hosted ones.
        properties: its own properties, or None.
        reported_version: its version in its own words.
    """

    def __init__(
        self,
        spec: BackendSpec,
        configuration: QasmBackendConfiguration,
        properties: BackendProperties | None,
        reported_version: str,
    ) -> None:
        self._name = spec.name
        self._reported_version = reported_version
        version = backend_version_xyz(reported_version)
        document = configuration.to_dict() | {"backend_name": spec.name, "backend_version": version}
        if spec.max_shots is not None:
            document["max_shots"] = spec.max_shots
        if spec.description is not None:
            document["description"] = spec.description
        self._configuration = configuration_class(document).from_dict(document)
        self._properties = copy.copy(properties)
        if self._properties is not None:
            self._properties.backend_name = spec.name

    @property
    def name(self) -> str:
        """The name under which the backend is hosted."""
        return self._name

    def describe(self) -> BackendDescription:
        """Returns what clients are told about the backend."""
        configuration = self._configuration
        operational, status_msg = self._status()
        backend = Backend(
            name=self._name,
            status=BackendStatus(
                backend_name=self._name,
                backend_version=configuration.backend_version,
                operational=operational,
                status_msg=status_msg,
            ),
            reported_version=self._reported_version,
            num_qubits=self._num_qubits(),
            simulator=configuration.simulator,
            description=getattr(configuration, "description", None) or "",
            max_shots=configuration.max_shots,
            max_circuits=self._limits().max_circuits,
            option_names=self._option_names(),
        )
        return BackendDescription(backend, configuration, self._properties)

    def run(
        self, program: QasmQobj | Sequence[QuantumCircuit], options: Mapping[str, Any]
    ) -> Result:
        """Runs a program and waits for its result.

        Args:
            program: circuits, or a Qobj. A Qobj's own options hold where
                `options` says nothing.
            options: run options by name; None stands for the backend's default.

        Raises:
            InvalidOptionError: an option is unknown, wrong, or the operator's.
            InvalidProgramError: the backend has no such operations.
            InvalidQobjError: the Qobj holds what no backend can run.
            LimitExceededError: the job is larger than the backend takes.
            JobFailedError: the backend reports that it failed, or returns no result.
        """
        if isinstance(program, QasmQobj):
            return self._run_qobj(program, options)
        return self._run_circuits(list(program), options)

    @abstractmethod
    def _execute(self, circuits: list[QuantumCircuit], options: Mapping[str, Any]) -> Any:
        """Runs checked circuits with checked options and returns the driver's result."""

    @abstractmethod
    def _checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the options as the driver gets them, or refuses them."""

    @abstractmethod
    def _option_names(self) -> Sequence[str]:
        """Returns the names of the options that a job may set."""

    def _default_shots(self) -> int | None:
        """Returns the shots of a job that says nothing, where the backend tells them."""
        return None

    def _num_qubits(self) -> int | None:
        """Returns the number of qubits; None where it is not fixed."""
        return self._configuration.n_qubits

    def _status(self) -> tuple[bool, str]:
        """Returns whether the backend can run jobs, and its condition in words."""
        return True, ""

    def _instructions(self) -> InstructionSet | None:
        """Returns the operations that circuits must keep to; None where any will do."""
        return None

    def _limits(self) -> RunLimits:
        return RunLimits(
            backend_name=self._name,
            max_shots=self._configuration.max_shots,
            max_circuits=getattr(self._configuration, "max_experiments", None),
            num_qubits=self._num_qubits(),
        )

    def _check_program(self, circuits: Sequence[QuantumCircuit], shots: int | None) -> None:
        """Refuses circuits and shots that the backend does not take."""
        self._limits().check(circuits, self._default_shots() if shots is None else shots)
        instructions = self._instructions()
        if instructions is not None:
            check_fit(circuits, instructions, self._name)

    def _run_circuits(self, circuits: list[QuantumCircuit], options: Mapping[str, Any]) -> Result:
        checked = self._checked_options(options)
        self._check_program(circuits, checked.get("shots"))
        return checked_result(
            self._execute(circuits, checked),
            [circuit.name for circuit in circuits],
            self._name,
            memory=checked.get("memory", False),
        )

    def _run_qobj(self, qobj: QasmQobj, options: Mapping[str, Any]) -> Result:
        """Runs a Qobj as circuits: in one go where its experiments' options agree."""
        experiments = disassemble_experiments(qobj)
        self._limits().check([experiment.circuit for experiment in experiments], shots=None)
        results = []
        for merged, group in groupby(experiments, lambda each: merged_options(each, options)):
            results.append(self._run_experiments(list(group), merged))
        joined: Result = copy.copy(results[0])
        joined.results = [each for result in results for each in result.results]
        return joined

    def _run_experiments(
        self, experiments: list[DisassembledExperiment], options: Mapping[str, Any]
    ) -> Result:
        result = self._run_circuits([each.circuit for each in experiments], options)
        for experiment, outcome in zip(experiments, result.results, strict=True):
            outcome.header = experiment.result_header(getattr(outcome, "header", None) or {})
        return result


def merged_options(
    experiment: DisassembledExperiment, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the options of one experiment: those of the run before those of the Qobj."""
    own = {name: value for name, value in experiment.run_config.items() if name not in _OBSOLETE}
    return own | {name: value for name, value in options.items() if value is not None}
