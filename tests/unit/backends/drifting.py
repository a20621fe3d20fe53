"""Drivers of devices that change while they are hosted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from qiskit.circuit import Measure
from qiskit.circuit.library import XGate
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import InstructionProperties, Target
from unit.backends.drivers import configuration

from longwire.providers import BaseBackend
from longwire.providers.models import BackendProperties, BackendStatus, QasmBackendConfiguration


class DriftingV2(BackendV2):
    """One qubit whose error is another after each calibration."""

    def __init__(self) -> None:
        super().__init__(name="drifting", backend_version="1")
        self.error = 0.25
        self.operational = True
        self.plugin: str | None = None
        self.cannot_be_sent = object()
        self.options.set_validator("colour", ["red", "blue"])

    def calibrate(self, error: float) -> None:
        self.error = error
        self.backend_version = "2"

    @property
    def target(self) -> Target:
        target = Target(num_qubits=1)
        target.add_instruction(XGate(), {(0,): InstructionProperties(1e-8, self.error)})
        target.add_instruction(Measure(), {(0,): None})
        return target

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        table = [number / 7 for number in range(1000)]
        return Options(shots=10, colour="red", weights=[0.5, 1], handle=object(), table=table)

    def status(self) -> SimpleNamespace:
        return SimpleNamespace(
            operational=self.operational, status_msg="" if self.operational else "warming up"
        )

    def get_translation_stage_plugin(self) -> str | None:
        return self.plugin

    def run(self, run_input: Any, **options: Any) -> Any:
        raise NotImplementedError


class DriftingClassic(BaseBackend):
    """Two qubits, of which the second can break."""

    def __init__(self) -> None:
        super().__init__(configuration(supported_instructions=["measure", "reset", "if_else"]))
        self.error = 0.25
        self.operational = True
        self.max_shots = 100
        self.software = "2"

    def configuration(self) -> QasmBackendConfiguration:
        return configuration(
            supported_instructions=["measure", "reset", "if_else"], max_shots=self.max_shots
        )

    def properties(self) -> BackendProperties:
        date = "2024-05-06T07:08:09+00:00"

        def entry(name: str, unit: str, value: float) -> dict[str, Any]:
            return {"date": date, "name": name, "unit": unit, "value": value}

        return BackendProperties.from_dict(
            {
                "backend_name": "classic",
                "backend_version": "2",
                "last_update_date": date,
                "general": [],
                "qubits": [
                    [
                        entry("T1", "us", 100.0),
                        entry("readout_error", "", self.error),
                        entry("readout_length", "ns", 800.0),
                    ],
                    [entry("T1", "us", 50.0), entry("operational", "", float(self.operational))],
                ],
                "gates": [
                    {
                        "gate": "x",
                        "qubits": [qubit],
                        "name": f"x{qubit}",
                        "parameters": [
                            entry("gate_error", "", self.error),
                            entry("gate_length", "ns", 32.0),
                        ],
                    }
                    for qubit in range(2)
                ],
            }
        )

    def status(self) -> BackendStatus:
        return BackendStatus("classic", "2.0.0", self.operational, 0, "")

    def version(self) -> str:
        return self.software

    def run(self, circuits: list[Any], shots: int = 5, colour: str = "red") -> Any:  # type: ignore[override]
        raise NotImplementedError
