"""Backends that the tests host: vendors' drivers, good and bad."""

from __future__ import annotations

from typing import Any

from qiskit.circuit import Measure
from qiskit.circuit.library import XGate
from qiskit.providers import BackendV2, Options
from qiskit.result import Result
from qiskit.transpiler import Target

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


class ForgetfulV2(PlainV2):
    """Accepts memory, and returns none."""

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=10, memory=False)


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
        outcomes = [
            {
                "shots": qobj.config.shots,
                "success": True,
                "data": {"counts": {"0x1": qobj.config.shots}},
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
