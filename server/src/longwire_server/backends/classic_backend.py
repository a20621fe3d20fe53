"""Hosts a subclass of longwire.providers.BaseBackend."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.result import Result
from qiskit.transpiler import Target

from longwire.providers import BaseBackend
from longwire.qobj import QasmQobj
from longwire.qobj.assemble import assemble
from longwire.qobj.disassemble import disassemble_experiments
from longwire_server.backends.description import DriverModels
from longwire_server.backends.fit import ConfiguredInstructions, InstructionSet
from longwire_server.backends.hosted_backend import HostedBackend, merged_options
from longwire_server.backends.options import check_value, is_implied, unknown_option
from longwire_server.backends.outcome import checked_result
from longwire_server.backends.parts import Progress, joined, seed_of_part
from longwire_server.backends.spec import BackendSpec

# What a Qobj's config holds for every driver.
_QOBJ_OPTIONS = ("meas_level", "meas_return", "memory", "seed_simulator", "shots")


class HostedClassicBackend(HostedBackend):
    """A BaseBackend. Its ``run`` gets circuits, or a Qobj where its first parameter is `qobj`.

    Args:
        spec: what the configuration says of it.
        backend: the backend.
    """

    def __init__(self, spec: BackendSpec, backend: BaseBackend) -> None:
        self._backend = backend
        super().__init__(spec)
        first, *others = inspect.signature(backend.run).parameters.values()
        self._takes_qobj = first.name == "qobj"
        self._takes_any = any(each.kind is each.VAR_KEYWORD for each in others)
        # Circuits come with their parameters bound.
        self._parameters = {
            each.name for each in others if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        } - {"parameter_binds"}
        self._defaults = {
            each.name: each.default for each in others if each.default is not each.empty
        }
        in_qobj = _QOBJ_OPTIONS if self._takes_qobj else ()
        self._names = tuple(sorted(self._parameters.union(in_qobj)))

    @property
    def driver(self) -> BaseBackend:
        """The backend itself."""
        return self._backend

    def _execute(self, circuits: list[QuantumCircuit], options: Mapping[str, Any]) -> Any:
        if not self._takes_qobj:
            return _result_of(self._backend.run(circuits, **options))
        arguments, config = self._shared_out(options)
        return _result_of(self._backend.run(assemble(circuits, **config), **arguments))

    def _run_qobj(
        self,
        qobj: QasmQobj,
        options: Mapping[str, Any],
        on_progress: Callable[[int, int], None] | None,
    ) -> Result:
        if not self._takes_qobj:
            return super()._run_qobj(qobj, options, on_progress)
        # The driver gets the document as it was sent, with the options of the run in it.
        experiments = disassemble_experiments(qobj)
        for experiment in experiments:
            checked = self.checked_options(merged_options(experiment, options))
            self.check_circuits([experiment.circuit], checked.get("shots"))
        self.check_size([each.circuit for each in experiments])
        progress = Progress(len(experiments), on_progress)
        size = self._limits().max_circuits or len(experiments)
        results = []
        for start in range(0, len(experiments), size):
            names = [each.circuit.name for each in experiments[start : start + size]]
            part = copy.copy(qobj)
            part.experiments = qobj.experiments[start : start + size]
            results.append(self._run_document(part, options, names, start))
            progress.advance(len(names))
        return joined(results)

    def _run_document(
        self, qobj: QasmQobj, options: Mapping[str, Any], names: Sequence[str], first: int
    ) -> Result:
        """Runs a Qobj whose experiments begin with the job's `first`."""
        arguments, config = self._shared_out(self.checked_options(options))
        self._spend_on(qobj, config)
        changed = QasmQobj.from_dict(qobj.to_dict())
        for name, value in config.items():
            setattr(changed.config, name, value)
        seed = getattr(changed.config, "seed_simulator", None)
        if first and isinstance(seed, int):
            changed.config.seed_simulator = seed_of_part(seed, first)
        result = checked_result(
            _result_of(self._backend.run(changed, **self._options_of_part(arguments, first))),
            names,
            self.name,
            memory=getattr(changed.config, "memory", False),
        )
        self.budget.count(result)
        return result

    def _spend_on(self, qobj: QasmQobj, options: Mapping[str, Any]) -> None:
        for experiment in qobj.experiments:
            shots = options.get("shots") or getattr(experiment.config, "shots", None)
            shots = shots or getattr(qobj.config, "shots", None) or self._default_shots() or 1
            bits = getattr(experiment.header, "memory_slots", None) or 0
            self.budget.spend(shots, [(1, bits)])

    def _shared_out(self, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Returns the options that are parameters of ``run``, and those for the Qobj."""
        arguments = {name: value for name, value in options.items() if name in self._parameters}
        config = {name: value for name, value in options.items() if name not in arguments}
        return arguments, config

    def checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`HostedBackend.checked_options`."""
        checked = {}
        for name, value in options.items():
            known = self._takes_any or name in self._names
            if value is None or (not known and is_implied(name, value)):
                continue
            if not known:
                raise unknown_option(name, self.name, self._names)
            check_value(name, value)
            checked[name] = value
        return checked

    def _option_names(self) -> Sequence[str]:
        return self._names

    def _default_option(self, name: str) -> Any:
        return self._defaults.get(name)

    def _read_models(self) -> DriverModels:
        backend = self._backend
        return DriverModels(backend.configuration(), backend.properties(), backend.version())

    def _read_target(self) -> Target:
        from longwire_server.backends.classic_target import classic_target

        return classic_target(self._configuration, self._properties)

    def _status(self) -> tuple[bool, str]:
        status = self._backend.status()
        return status.operational, status.status_msg

    def _instructions(self) -> InstructionSet | None:
        return (
            None if self._configuration.simulator else ConfiguredInstructions(self._configuration)
        )


def _result_of(job: Any) -> Any:
    """Returns a job's result; a driver may also return the result itself."""
    return job.result() if callable(getattr(job, "result", None)) else job
