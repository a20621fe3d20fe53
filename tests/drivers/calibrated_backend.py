"""A device whose calibration stands in a file, which a test changes while it is hosted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import RZGate, SXGate, XGate
from qiskit.providers import BackendV2, JobV1, Options
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.transpiler import InstructionProperties, Target


class CalibratedBackend(BackendV2):
    """One qubit on Qiskit's BasicSimulator.

    Args:
        calibration: a file with the error rate of its gate ``x``. With ``silence`` in it
            the device never answers, with anything else that is its error.
    """

    def __init__(self, calibration: str) -> None:
        self._calibration = Path(calibration)
        self._error_rate()
        super().__init__(name="calibrated", backend_version="1.0.0")
        self._simulator = BasicSimulator()

    def _error_rate(self) -> float:
        text = self._calibration.read_text()
        while text == "silence":
            time.sleep(60)
        try:
            return float(text)
        except ValueError:
            raise RuntimeError(text) from None

    @property
    def target(self) -> Target:
        """As it is calibrated now."""
        error_rate = self._error_rate()
        target = Target(num_qubits=1, dt=1e-9)
        target.add_instruction(RZGate(Parameter("angle")), {(0,): InstructionProperties(0.0, 0.0)})
        target.add_instruction(SXGate(), {(0,): InstructionProperties(1e-8, 0.001)})
        target.add_instruction(XGate(), {(0,): InstructionProperties(1e-8, error_rate)})
        target.add_instruction(Measure(), {(0,): InstructionProperties(1e-6, 0.01)})
        return target

    @property
    def max_circuits(self) -> int | None:
        """Any number."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, seed_simulator=None, memory=False)

    def run(self, run_input: Any, **options: Any) -> JobV1:
        """Runs on the simulator."""
        return self._simulator.run(run_input, **options)
