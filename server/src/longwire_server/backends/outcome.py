"""Checks of what a backend returned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qiskit.result import Result
from qiskit.result.models import ExperimentResult

from longwire.errors import JobFailedError

# How Aer says that a simulation does not fit: before it begins, and in the middle of it
# (observed with qiskit-aer 0.18.2).
_OUT_OF_MEMORY = ("Insufficient memory", "Cannot allocate memory")


class OutOfMemoryError(JobFailedError, MemoryError):
    """A backend found, or ran into, the limit of its memory."""


def checked_result(result: Any, names: Sequence[str], backend_name: str, *, memory: bool) -> Result:
    """Returns a backend's result when it is one and whole.

    Args:
        result: what the backend returned.
        names: the circuits' names, in order.
        backend_name: the backend's hosted name.
        memory: whether the outcome of every shot was asked for.

    Raises:
        JobFailedError: a circuit failed, is missing, or lacks its memory. The
            message has the backend's words and the circuit's name.
        OutOfMemoryError: a circuit failed for want of memory.
    """
    if not isinstance(result, Result):
        raise JobFailedError(
            f"backend {backend_name!r} returned {type(result).__name__}, not a "
            "qiskit.result.Result; its driver must be corrected"
        )
    for name, experiment in zip(names, result.results, strict=False):
        if not experiment.success:
            raise _failure(repr(name), backend_name, _words(experiment) or _words(result))
    if not result.success:
        raise _failure(_joined(names), backend_name, _words(result))
    if len(result.results) != len(names):
        raise JobFailedError(
            f"backend {backend_name!r} returned {len(result.results)} results for "
            f"{len(names)} circuits; its driver must be corrected"
        )
    if memory:
        _check_memory(result, names, backend_name)
    return result


def check_shots(result: Result, shots: int, backend_name: str) -> None:
    """Refuses outcomes of fewer or more shots than were asked for.

    Who reads counts sees how many there are. Qiskit's primitives do not look: they
    would give one shot out as many, and state the error of shots that were never run.

    Args:
        result: what the backend returned, which was found whole.
        shots: the shots of every circuit.
        backend_name: the backend's hosted name.

    Raises:
        JobFailedError: a circuit with counts or memory has another number of them.
    """
    for outcome in result.results:
        data = outcome.data
        seen = {sum(data.counts.values())} if hasattr(data, "counts") else set()
        if hasattr(data, "memory"):
            seen.add(len(data.memory))
        for number in seen - {shots}:
            raise JobFailedError(
                f"backend {backend_name!r} returned {number} shots where {shots} were asked for; "
                "its driver must be corrected, or ask for as many as it gives"
            )


def _check_memory(result: Result, names: Sequence[str], backend_name: str) -> None:
    for name, experiment in zip(names, result.results, strict=True):
        data = experiment.data
        # Without counts the circuit measures nothing, and there is nothing to remember.
        if hasattr(data, "counts") and not hasattr(data, "memory"):
            raise JobFailedError(
                f"circuit {name!r}: backend {backend_name!r} returned counts but not the outcome "
                "of every shot; run it without memory=True"
            )


def _failure(circuits: str, backend_name: str, words: str) -> JobFailedError:
    kind = OutOfMemoryError if any(each in words for each in _OUT_OF_MEMORY) else JobFailedError
    reason = words or "the backend gives no reason"
    return kind(f"circuit {circuits} failed on backend {backend_name!r}: {reason}")


def _words(result: Result | ExperimentResult) -> str:
    """Returns what a backend says about an outcome, without the word that it begins with."""
    status = getattr(result, "status", None)
    return str(status).removeprefix("ERROR: ").strip() if status else ""


def _joined(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
