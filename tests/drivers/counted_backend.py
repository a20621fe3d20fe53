"""A simulator that writes down how often it is loaded."""

from __future__ import annotations

from pathlib import Path

from qiskit.providers.basic_provider import BasicSimulator


def counted(log: str) -> BasicSimulator:
    """Qiskit's simulator.

    Args:
        log: a file that gets a line each time.
    """
    with Path(log).open("a") as lines:
        lines.write("loaded\n")
    return BasicSimulator()
