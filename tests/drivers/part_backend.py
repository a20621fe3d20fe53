"""A simulator that says which process ran each circuit."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from qiskit.result import Result
from qiskit_aer import AerSimulator


class _Job:
    """A run that has ended."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def result(self) -> Result:
        """Its result."""
        return self._result


class PartBackend(AerSimulator):  # type: ignore[misc]
    """Aer, slower by a time for each circuit, with the process id in the circuit's header."""

    def run(self, circuits: Any, **options: Any) -> Any:
        """Waits as long as the circuits' metadata say, and runs them.

        Their ``folder`` gets a file with this process's id as its name.
        """
        for folder in {(each.metadata or {}).get("folder") for each in circuits} - {None}:
            (Path(folder) / str(os.getpid())).touch()
        time.sleep(sum((each.metadata or {}).get("seconds", 0.0) for each in circuits))
        result = super().run(circuits, **options).result()
        for each in result.results:
            each.header["pid"] = os.getpid()
        return _Job(result)
