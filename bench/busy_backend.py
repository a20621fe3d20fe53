"""A backend whose jobs never end, so that all behind the first one wait in the queue."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from qiskit.providers.basic_provider import BasicSimulator


class BusyBackend(BasicSimulator):
    """It is killed with the server that hosts it."""

    def run(self, run_input: Any, **options: Any) -> NoReturn:  # noqa: ARG002
        """Computes nothing, and never returns."""
        while True:
            time.sleep(3600)
