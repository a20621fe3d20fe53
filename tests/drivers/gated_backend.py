"""A backend that runs a job only when a test lets it: when a file appears."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from qiskit.providers import BackendV2, JobV1, Options
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.transpiler import Target


class GatedBackend(BackendV2):
    """Qiskit's BasicSimulator behind a gate.

    The option ``gate`` is the path of a file; the run begins when it exists, at
    once where none is given.

    Args:
        gate: the file of jobs that name none.
    """

    def __init__(self, gate: str = "") -> None:
        super().__init__(name="gated", backend_version="1.2.3")
        self._gate = gate
        self._simulator = BasicSimulator()

    @property
    def target(self) -> Target:
        """The simulator's."""
        return self._simulator.target

    @property
    def max_circuits(self) -> int | None:
        """Any number."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, seed_simulator=None, memory=False, gate="")

    def run(self, run_input: Any, *, gate: str = "", **options: Any) -> JobV1:
        """Waits for the gate, then runs."""
        gate = gate or self._gate
        while gate and not Path(gate).exists():
            time.sleep(0.01)
        return self._simulator.run(run_input, **options)


def loaded_behind(gate: str) -> GatedBackend:
    """The same, which is loaded only when a file appears."""
    while not Path(gate).exists():
        time.sleep(0.01)
    return GatedBackend()
