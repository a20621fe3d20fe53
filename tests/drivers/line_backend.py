"""A device whose calibration, number of circuits at once and plugins a test decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate, Measure, RZGate, SXGate, XGate
from qiskit.providers import BackendV2, JobV1, Options
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.transpiler import InstructionProperties, Target

NUM_QUBITS = 3


class LineBackend(BackendV2):
    """Three qubits in a line, run by Qiskit's BasicSimulator.

    Args:
        calibration: path of a file with the error rate of its gates, read anew for
            every Target.
        max_circuits: the most circuits that it takes at once.
        translation_plugin: the transpiler's plugin that it wants for translation.
    """

    def __init__(
        self,
        calibration: str,
        max_circuits: int | None = None,
        translation_plugin: str | None = None,
    ) -> None:
        super().__init__(name="own name", description="own words", backend_version="3.1")
        self._calibration = Path(calibration)
        self._max_circuits = max_circuits
        self._translation_plugin = translation_plugin
        self._simulator = BasicSimulator()

    @property
    def target(self) -> Target:
        """Its Target, with the error rate of the moment."""
        return line_target(float(self._calibration.read_text()))

    @property
    def max_circuits(self) -> int | None:
        """As it was told."""
        return self._max_circuits

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=500, seed_simulator=None, memory=False)

    def get_translation_stage_plugin(self) -> str | None:
        """As it was told; None for Qiskit's own."""
        return self._translation_plugin

    def run(self, run_input: Any, **options: Any) -> JobV1:
        """Runs circuits, no more than it takes."""
        number = len(run_input) if isinstance(run_input, list) else 1
        if self._max_circuits is not None and number > self._max_circuits:
            raise ValueError(f"{number} circuits at once")
        given = {name: value for name, value in options.items() if value is not None}
        return self._simulator.run(run_input, **{**self.options, **given})


def line_target(error: float) -> Target:
    """The Target with this error rate; from 0.1 on, the last two qubits are not coupled."""
    num_couplings = NUM_QUBITS - 1 if error < 0.1 else NUM_QUBITS - 2
    target = Target(description="a line", num_qubits=NUM_QUBITS, dt=1e-9)
    for gate in (RZGate(Parameter("angle")), SXGate(), XGate()):
        target.add_instruction(
            gate, {(q,): InstructionProperties(3e-8, error) for q in range(NUM_QUBITS)}
        )
    target.add_instruction(
        CXGate(),
        {(q, q + 1): InstructionProperties(2e-7, error * 5) for q in range(num_couplings)},
    )
    target.add_instruction(
        Measure(), {(q,): InstructionProperties(1e-6, error) for q in range(NUM_QUBITS)}
    )
    return target
