"""A Target that several threads can use."""

from __future__ import annotations

import os
import threading
from typing import Any

from qiskit.transpiler import CouplingMap, Target

# One for all Targets, whose slots have no place for one: it is held for milliseconds.
_building = threading.Lock()


class SharedTarget(Target):
    """A Target whose graph of couplings is built by one thread at a time.

    Qiskit's own (2.6) builds it in place when it is first asked for, and every time
    where all qubits are coupled with all. A second thread then takes the half-built
    graph for the whole: it gets another circuit, or an error.
    """

    __slots__ = ()

    def build_coupling_map(self, *args: Any, **kwargs: Any) -> CouplingMap | None:
        """See ``Target.build_coupling_map``."""
        with _building:
            return super().build_coupling_map(*args, **kwargs)


def _renew() -> None:
    # A thread that is not in the child may have held it.
    global _building
    _building = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
