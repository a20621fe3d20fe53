"""A backend that runs one circuit at a time, each when a test lets it: when its file appears."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from qiskit.providers import BackendV2, JobV1, Options
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.transpiler import Target


class SteppedBackend(BackendV2):
    """Qiskit's BasicSimulator, for one circuit a run, with a gate before each.

    The option ``gates`` is the path of a directory; the n-th run with it, counted
    from zero, begins when the file ``n`` is there, at once where none is given.
    """

    def __init__(self) -> None:
        super().__init__(name="stepped", backend_version="1.2.3")
        self._simulator = BasicSimulator()
        self._runs: Counter[str] = Counter()

    @property
    def target(self) -> Target:
        """The simulator's."""
        return self._simulator.target

    @property
    def max_circuits(self) -> int | None:
        """One, so that a job of several circuits takes several runs."""
        return 1

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, seed_simulator=None, memory=False, gates="")

    def run(self, run_input: Any, *, gates: str = "", **options: Any) -> JobV1:
        """Waits for the gate of this run, then runs."""
        gate = Path(gates, str(self._runs[gates]))
        self._runs[gates] += 1
        while gates and not gate.exists():
            time.sleep(0.01)
        return self._simulator.run(run_input, **options)
