"""Which names in a QPY payload are those of instructions."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from longwire.codecs.qpy_scan import LAST_QPY_VERSION, DamagedQpyError, scan_qpy

__all__ = ["DamagedQpyError", "check_qpy", "is_formula", "is_instruction", "newest_qpy_version"]

# They take a formula as text and work out the value of each assignment.
_FORMULAS: Final = frozenset({"BitFlipOracleGate", "PhaseOracleGate"})


def check_qpy(payload: bytes) -> None:
    """Refuses a payload that is damaged or too large, before Qiskit's parser sees it.

    Args:
        payload: QPY of version 13 to 18.

    Raises:
        DamagedQpyError: it is damaged, or names what is no instruction.
        LimitExceededError: it is larger than any program may be.
    """
    scan_qpy(payload, is_instruction)


def newest_qpy_version() -> int:
    """The newest version that both Qiskit and :func:`check_qpy` read."""
    from qiskit.qpy import QPY_VERSION

    return min(int(QPY_VERSION), LAST_QPY_VERSION)


def is_formula(name: str) -> bool:
    """Whether a class of Qiskit works out a formula's every value when it is called."""
    return name in _FORMULAS


@lru_cache(maxsize=1024)
def is_instruction(name: str) -> bool:
    """Whether Qiskit's reader finds a class of instructions under a name, and no other thing.

    It looks among gates, circuits of any size, functions and modules alike. Only
    classes of instructions are let through: they know their size without building it.
    """
    import qiskit.circuit as circuit_module
    from qiskit.circuit import Instruction, controlflow, library

    if is_formula(name) or not name.isidentifier() or name.startswith("_"):
        return False
    for module in (library, circuit_module, controlflow):
        found = getattr(module, name, None)
        if found is not None:
            return isinstance(found, type) and issubclass(found, Instruction)
    return False
