"""A backend in a worker: what every kind of hosted backend has in common."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.result import Result
from qiskit.transpiler import Target

from longwire.errors import InvalidProgramError
from longwire.providers import BaseBackend
from longwire.providers.models.backend_status import backend_version_xyz
from longwire.providers.models.pulse_backend_configuration import configuration_class
from longwire.qobj import QasmQobj
from longwire.qobj.disassemble import DisassembledExperiment, disassemble_experiments
from longwire.v1.backend_pb2 import Backend
from longwire.v1.backend_status_pb2 import BackendStatus
from longwire.v1.program_pb2 import ParameterValues
from longwire_server.backends.description import BackendDescription, DriverModels
from longwire_server.backends.fit import (
    InstructionSet,
    NamedInstructions,
    check_fit,
    first_misfit,
)
from longwire_server.backends.job_budget import JobBudget, ProgramBounds
from longwire_server.backends.limits import RunLimits
from longwire_server.backends.outcome import checked_result
from longwire_server.backends.parameters import Sweep, sweeps_of
from longwire_server.backends.parts import Progress, joined, parts_of, seed_of_part
from longwire_server.backends.spec import BackendSpec

# Options that old Qobj carry and that no backend of today has a place for.
_OBSOLETE = frozenset({"max_credits", "rep_delay", "rep_time", "memory_slot_size"})


class HostedBackend(ABC):
    """Runs programs on one backend, whatever interface its driver has.

    Args:
        spec: what the configuration says of it.
    """

    def __init__(self, spec: BackendSpec) -> None:
        self._spec = spec
        self._name = spec.name
        self._target: Target | None = None
        self._budget = JobBudget()
        self.read_again()

    @property
    def name(self) -> str:
        """The name under which the backend is hosted."""
        return self._name

    @property
    def max_shots(self) -> int:
        """Most shots of one circuit."""
        return self._limits().max_shots

    @property
    def is_simulator(self) -> bool:
        """Whether it computes what a device would give."""
        return bool(self._configuration.simulator)

    @property
    def runs_alike_in_parts(self) -> bool:
        """Whether several workers with parts of a job give what one gives with all of it."""
        return False

    @property
    @abstractmethod
    def driver(self) -> BackendV2 | BaseBackend:
        """The object that runs circuits."""

    @property
    def budget(self) -> JobBudget:
        """What the present job may ask for, and what it has used of that."""
        return self._budget

    def begin_job(self, bounds: ProgramBounds) -> None:
        """Begins to count for another job.

        Args:
            bounds: what it may ask for.
        """
        self._budget = JobBudget(bounds)

    @property
    def target(self) -> Target:
        """What circuits are transpiled for: the same object until :meth:`forget_target`."""
        if self._target is None:
            self._target = self._read_target()
        return self._target

    def forget_target(self) -> None:
        """Lets the next question for :attr:`target` ask the driver again."""
        self._target = None

    def describe(self) -> BackendDescription:
        """Returns what clients are told about the backend, which the driver is asked anew."""
        self.read_again()
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
            translation_stage_plugin=self._stage_plugin("translation"),
            scheduling_stage_plugin=self._stage_plugin("scheduling"),
        )
        return BackendDescription(
            backend,
            configuration,
            self._properties,
            self.target,
            {name: self._default_option(name) for name in self._option_names()},
        )

    def read_again(self) -> None:
        """Takes over what the driver says of itself now, under the hosted name and limits."""
        models = self._read_models()
        spec, version = self._spec, backend_version_xyz(models.reported_version)
        document = models.configuration.to_dict()
        document |= {"backend_name": spec.name, "backend_version": version}
        if spec.max_shots is not None:
            document["max_shots"] = spec.max_shots
        if spec.description is not None:
            document["description"] = spec.description
        self._configuration = configuration_class(document).from_dict(document)
        self._properties = copy.copy(models.properties)
        if self._properties is not None:
            self._properties.backend_name = spec.name
        self._reported_version = models.reported_version
        self.forget_target()

    def run(
        self,
        program: QasmQobj | Sequence[QuantumCircuit],
        options: Mapping[str, Any],
        *,
        parameter_values: Sequence[ParameterValues] = (),
        transpiled: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Result:
        """Runs a program and waits for its result.

        More circuits than the backend takes at once are run in parts.

        Args:
            program: circuits, or a Qobj. A Qobj's own options hold where
                `options` says nothing.
            options: run options by name; None stands for the backend's default.
            parameter_values: values for the circuits' parameters, one message a
                circuit, or none where no circuit has parameters. Each circuit is
                run at each point; the results come in that order.
            transpiled: whether the circuits were transpiled after the values were
                given: they may have lost parameters that have values.
            on_progress: called with how many circuits are finished, and how many
                there are, after each part but the last.

        Raises:
            InvalidOptionError: an option is unknown, wrong, or the operator's.
            InvalidProgramError: the backend has no such operations, or the values
                do not fit the circuits' parameters.
            InvalidQobjError: the Qobj holds what no backend can run.
            LimitExceededError: the job is larger than the backend takes.
            JobFailedError: the backend reports that it failed, or returns no result.
        """
        if isinstance(program, QasmQobj):
            if parameter_values:
                raise InvalidProgramError(
                    "a Qobj holds numbers: bind its circuits before, or send them as circuits"
                )
            return self._run_qobj(program, options, on_progress)
        sweeps = sweeps_of(program, parameter_values, transpiled=transpiled)
        progress = Progress(sum(sweep.num_points for sweep in sweeps), on_progress)
        return self._run_sweeps(sweeps, options, progress)

    def run_checked(
        self, sweeps: Sequence[Sweep], options: Mapping[str, Any], progress: Progress | None = None
    ) -> Result:
        """Runs circuits that :meth:`check_circuits` has passed, and waits for the result.

        Args:
            sweeps: the circuits, each with its points.
            options: as :meth:`checked_options` gives them.
            progress: told after each part.

        Raises:
            InvalidProgramError: a circuit's parameters do not take their values.
            LimitExceededError: with these runs, the job asks for more than it may.
            JobFailedError: the backend reports that it failed, or returns no result.
        """
        self._admit(sweeps, options)
        return self.run_admitted(sweeps, options, progress=progress)

    def admitted(self, sweeps: Sequence[Sweep], options: Mapping[str, Any]) -> dict[str, Any]:
        """Checks all of a job's circuits as :meth:`run` does, and counts them in its budget.

        Args:
            sweeps: the circuits, each with its points.
            options: run options by name, as they were sent.

        Returns:
            The options for :meth:`run_admitted`.

        Raises:
            LongwireError: as :meth:`run`, as far as it does not take a run to find out.
        """
        checked = self.checked_options(options)
        self.check_circuits([sweep.circuit for sweep in sweeps], checked.get("shots"))
        self._admit(sweeps, checked)
        return checked

    def run_admitted(
        self,
        sweeps: Sequence[Sweep],
        options: Mapping[str, Any],
        *,
        first: int = 0,
        progress: Progress | None = None,
    ) -> Result:
        """Runs all or some of a job's circuits, with the seeds that they have in the whole.

        Args:
            sweeps: consecutive circuits of what was admitted.
            options: as :meth:`admitted` gives them.
            first: which run of the job is the first of them.
            progress: told after each part.

        Raises:
            InvalidProgramError: a circuit's parameters do not take their values.
            JobFailedError: the backend reports that it failed, or returns no result.
        """
        results: list[Result] = []
        for part in parts_of(sweeps, self._limits().max_circuits):
            names = [sweep.circuit.name for sweep in part for _ in range(sweep.num_points)]
            result = self._execute_sweeps(part, self._options_of_part(options, first))
            memory = options.get("memory", False)
            results.append(checked_result(result, names, self._name, memory=memory))
            self._budget.count(results[-1])
            first += len(names)
            if progress is not None:
                progress.advance(len(names))
        return joined(results)

    def _admit(self, sweeps: Sequence[Sweep], options: Mapping[str, Any]) -> None:
        shots = options.get("shots") or self._default_shots() or 1
        self._budget.spend(shots, [(each.num_points, each.circuit.num_clbits) for each in sweeps])
        self._check_memory([each.circuit for each in sweeps], options, shots)

    def check_circuits(self, circuits: Sequence[QuantumCircuit], shots: int | None) -> None:
        """Refuses circuits and shots that the backend does not take.

        Args:
            circuits: the circuits of a job; their parameters may be without values.
            shots: shots of each; None stands for the backend's default.

        Raises:
            InvalidProgramError: there are no circuits, or the backend has no such
                operations.
            LimitExceededError: there are too many qubits or shots.
        """
        self.check_size(circuits, self._default_shots() if shots is None else shots)
        instructions = self._instructions()
        if instructions is not None:
            check_fit(circuits, instructions, self._name)

    def check_size(
        self,
        circuits: Sequence[QuantumCircuit],
        shots: int | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        """Refuses circuits and shots beyond the backend's limits.

        Args:
            circuits: the circuits of a job.
            shots: shots of each; None where the backend decides.
            names: what the message calls the circuits; None for their own names.

        Raises:
            InvalidProgramError: there are no circuits.
            LimitExceededError: there are too many qubits or shots.
        """
        self._limits().check(circuits, shots, names)

    def fits(self, circuit: QuantumCircuit) -> bool:
        """Whether the backend has every operation of a circuit where it stands."""
        instructions = self._instructions() or NamedInstructions(self.target)
        return first_misfit(circuit, instructions) is None

    @abstractmethod
    def checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the options of one job as the driver gets them, without those that are None.

        Raises:
            InvalidOptionError: an option is unknown, wrong, or the operator's.
        """

    def default_option(self, name: str) -> Any:
        """What an option is where a job does not set it; None where that is unknown."""
        return self._default_option(name)

    @abstractmethod
    def _execute(self, circuits: list[QuantumCircuit], options: Mapping[str, Any]) -> Any:
        """Runs checked circuits with checked options and returns the driver's result."""

    def _execute_sweeps(self, sweeps: Sequence[Sweep], options: Mapping[str, Any]) -> Any:
        """Runs the same at each point of each sweep."""
        return self._execute([each for sweep in sweeps for each in sweep.bound()], options)

    @abstractmethod
    def _read_models(self) -> DriverModels:
        """Returns what the driver says of itself as it is now."""

    @abstractmethod
    def _read_target(self) -> Target:
        """Returns the driver's Target as it is now, or the one that its models stand for."""

    @abstractmethod
    def _option_names(self) -> Sequence[str]:
        """Returns the names of the options that a job may set."""

    @abstractmethod
    def _default_option(self, name: str) -> Any:
        """Returns what an option is where a job does not set it; None where that is unknown."""

    def _check_memory(  # noqa: B027 - most kinds know nothing of it
        self, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any], shots: int
    ) -> None:
        """Refuses circuits whose states do not fit into the worker's memory.

        Raises:
            OutOfMemoryError: one certainly does not; the message names it.
        """

    def _default_shots(self) -> int | None:
        shots = self._default_option("shots")
        return shots if isinstance(shots, int) else None

    def _stage_plugin(self, stage: str) -> str:
        """Returns the transpiler's plugin that the driver wants for a stage; "" for any."""
        ask = getattr(self.driver, f"get_{stage}_stage_plugin", None)
        return (ask() if callable(ask) else None) or ""

    def _num_qubits(self) -> int | None:
        """Returns the number of qubits; None where it is not fixed."""
        return self._configuration.n_qubits

    def _status(self) -> tuple[bool, str]:
        """Returns whether the backend can run jobs, and its condition in words."""
        return True, ""

    def _instructions(self) -> InstructionSet | None:
        """Returns the operations that circuits must keep to; None where any will do."""
        return None

    def _max_circuits(self) -> int | None:
        """Returns how many circuits the driver takes at once; None for any number."""
        return getattr(self._configuration, "max_experiments", None)

    def _limits(self) -> RunLimits:
        return RunLimits(
            backend_name=self._name,
            max_shots=self._configuration.max_shots,
            max_circuits=self._max_circuits() or None,
            num_qubits=self._num_qubits(),
        )

    def _run_sweeps(
        self, sweeps: Sequence[Sweep], options: Mapping[str, Any], progress: Progress
    ) -> Result:
        checked = self.checked_options(options)
        self.check_circuits([sweep.circuit for sweep in sweeps], checked.get("shots"))
        return self.run_checked(sweeps, checked, progress)

    def _options_of_part(self, options: Mapping[str, Any], first: int) -> Mapping[str, Any]:
        """Returns the options with the seed for the circuits that begin with the `first`."""
        seed = options.get("seed_simulator", self._default_option("seed_simulator"))
        if first == 0 or not isinstance(seed, int):
            return options
        return {**options, "seed_simulator": seed_of_part(seed, first)}

    def _run_qobj(
        self,
        qobj: QasmQobj,
        options: Mapping[str, Any],
        on_progress: Callable[[int, int], None] | None,
    ) -> Result:
        """Runs a Qobj as circuits: in one go where its experiments' options agree."""
        experiments = disassemble_experiments(qobj)
        self.check_size([experiment.circuit for experiment in experiments])
        progress = Progress(len(experiments), on_progress)
        results = []
        for merged, group in groupby(experiments, lambda each: merged_options(each, options)):
            results.append(self._run_experiments(list(group), merged, progress))
        return joined(results)

    def _run_experiments(
        self,
        experiments: list[DisassembledExperiment],
        options: Mapping[str, Any],
        progress: Progress,
    ) -> Result:
        sweeps = sweeps_of([each.circuit for each in experiments], ())
        result = self._run_sweeps(sweeps, options, progress)
        for experiment, outcome in zip(experiments, result.results, strict=True):
            outcome.header = experiment.result_header(getattr(outcome, "header", None) or {})
        return result


def merged_options(
    experiment: DisassembledExperiment, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the options of one experiment: those of the run before those of the Qobj."""
    own = {name: value for name, value in experiment.run_config.items() if name not in _OBSOLETE}
    return own | {name: value for name, value in options.items() if value is not None}
