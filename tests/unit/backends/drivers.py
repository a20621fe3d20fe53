"""Backends that the tests host: vendors' drivers, good and bad."""

from __future__ import annotations

from typing import Any

from qiskit.circuit import Measure
from qiskit.circuit.library import XGate
from qiskit.providers import BackendV2, Options
from qiskit.result import Result
from qiskit.transpiler import CouplingMap, Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error

from longwire.providers import BaseBackend
from longwire.providers.models import BackendStatus, QasmBackendConfiguration


def result(circuits: list[Any], data: dict[str, Any], **members: Any) -> Result:
    """A result in which every circuit has the same data."""
    outcomes = [
        {"shots": 1, "success": True, "data": data, "header": {"name": each.name}}
        for each in circuits
    ]
    whole = {"backend_name": "", "backend_version": "", "job_id": "", "success": True}
    return Result.from_dict({**whole, "results": outcomes, **members})


class Job:
    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    def result(self) -> Any:
        return self._outcome


class PlainV2(BackendV2):
    """One qubit; knows shots, between 1 and 50, and nothing else."""

    def __init__(self, outcome: str = "counts", version: str | None = "7") -> None:
        super().__init__(name="plain", backend_version=version)
        self._outcome = outcome
        self._target = Target(num_qubits=1)
        self._target.add_instruction(XGate(), {(0,): None})
        self._target.add_instruction(Measure(), {(0,): None})
        self.options.set_validator("shots", (1, 50))

    @property
    def target(self) -> Target:
        return self._target

    @property
    def max_circuits(self) -> int:
        return 2

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=10)

    def run(self, run_input: list[Any], **options: Any) -> Job:
        match self._outcome:
            case "nothing":
                return Job(None)
            case "too few":
                return Job(result(run_input[1:], {"counts": {"0x1": 1}}))
            case "failed":
                return Job(result(run_input, {}, success=False, status="the laser is off"))
            case "raise":
                raise RuntimeError("the door is open")
            case _:
                return Job(result(run_input, {"counts": {"0x1": options.get("shots", 10)}}))


class ChangingV2(PlainV2):
    """Two qubits, whose gates can be changed; counts how often it was asked for its Target."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.change(["rx", "rz", "cz"])

    def change(self, basis_gates: list[str]) -> None:
        self._target = Target.from_configuration(
            [*basis_gates, "measure"], num_qubits=2, coupling_map=CouplingMap([[0, 1]])
        )

    @property
    def target(self) -> Target:
        self.reads += 1
        return self._target


class StagedV2(ChangingV2):
    """Has its gates made by synthesis, not by rules of equivalence."""

    def get_translation_stage_plugin(self) -> str:
        return "synthesis"


class SeededV2(PlainV2):
    """Takes two circuits at once; returns how it was called in the result."""

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=10, seed_simulator=3)

    def run(self, run_input: list[Any], **options: Any) -> Job:
        names = [circuit.name for circuit in run_input]
        assert len(names) <= self.max_circuits
        if "broken" in names:
            return Job(result(run_input, {}, success=False, status="the laser is off"))
        data = {"counts": {"0x1": 10}, "called": {"names": names, "options": options}}
        about = {"date": names[0], "time_taken": 0.5, "metadata": {"time_taken_execute": 0.25}}
        return Job(result(run_input, data, **about))


class SeededWithConfigurationV2(SeededV2):
    """Its configuration states another number of circuits than it takes itself."""

    def configuration(self) -> QasmBackendConfiguration:
        return configuration(n_qubits=1, coupling_map=None, basis_gates=["x"])


class ForgetfulV2(PlainV2):
    """Accepts memory, and returns none."""

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=10, memory=False)


class CountingAer(AerSimulator):
    """Notes how many circuits each run gets, and at how many points the first."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, int]] = []

    def run(self, circuits: Any, parameter_binds: Any = None, **options: Any) -> Any:
        points = len(next(iter(parameter_binds[0].values()))) if parameter_binds else 0
        self.calls.append((len(circuits), points))
        return super().run(circuits, parameter_binds, **options)


def seeded_noisy_aer(seed: int) -> AerSimulator:
    """A simulator with noise and a seed of its own."""
    model = NoiseModel()
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.1), ["h"])
    return AerSimulator(noise_model=model, seed_simulator=seed)


def configuration(**changes: Any) -> QasmBackendConfiguration:
    document = {
        "backend_name": "classic",
        "backend_version": "2",
        "n_qubits": 2,
        "basis_gates": ["x", "cx"],
        "gates": [],
        "local": False,
        "simulator": False,
        "conditional": False,
        "open_pulse": False,
        "memory": False,
        "max_shots": 100,
        "coupling_map": [[0, 1]],
        "max_experiments": 3,
    }
    return QasmBackendConfiguration.from_dict({**document, **changes})


class Classic(BaseBackend):
    """Returns what it was called with in the result's header."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(configuration(**changes))

    def run(self, circuits: list[Any], shots: int = 5, colour: str = "red") -> Result:  # type: ignore[override]
        names = [circuit.name for circuit in circuits]
        assert len(names) <= self.configuration().max_experiments
        header = {"shots": shots, "colour": colour, "names": names}
        return result(circuits, {"counts": {"0x1": shots}}, header=header)

    def status(self) -> BackendStatus:
        return BackendStatus("classic", "2.0.0", False, 0, "being cooled")


class ClassicWithAnyOption(Classic):
    def run(self, run_input: list[Any], **options: Any) -> Job:  # type: ignore[override]
        return Job(result(run_input, {"counts": {"0x1": 1}}, header=options))


class ClassicQobj(Classic):
    """A driver of the old interface."""

    def run(self, qobj: Any, noise: str = "none") -> Job:  # type: ignore[override]
        assert len(qobj.experiments) <= self.configuration().max_experiments
        outcomes = [
            {
                "shots": qobj.config.shots,
                "success": True,
                "data": {
                    "counts": {"0x1": qobj.config.shots},
                    "seed": getattr(qobj.config, "seed_simulator", None),
                },
                "header": experiment.header.to_dict(),
            }
            for experiment in qobj.experiments
        ]
        whole = {"backend_name": "", "backend_version": "", "job_id": qobj.qobj_id, "success": True}
        header = {"config": qobj.config.to_dict(), "noise": noise}
        return Job(Result.from_dict({**whole, "results": outcomes, "header": header}))


def broken() -> BackendV2:
    raise OSError("the instrument\ndoes not answer")


def number() -> int:
    return 3


not_callable = 3
