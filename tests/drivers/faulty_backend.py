"""Backends that do what no driver should, each in its own way."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from qiskit.providers import BackendV2, JobV1, Options
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.transpiler import Target


class NativePanic(BaseException):
    """What Rust's panics look like from Python: no Exception."""


def _raise() -> None:
    raise RuntimeError("the cryostat is warm")


def _panic() -> None:
    raise NativePanic("index out of bounds")


def _interrupt() -> None:
    raise KeyboardInterrupt


def _exit() -> None:
    sys.exit(3)


def _exit_at_once() -> None:
    os._exit(7)


def _crash() -> None:
    ctypes.string_at(0)


def _sleep() -> None:
    time.sleep(600)


def _fill_memory() -> None:
    bytearray(64 << 30)


def _refuse_silently() -> None:
    raise ValueError


_FAULTS: dict[str, Callable[[], None]] = {
    "raise": _raise,
    "raise_nothing_said": _refuse_silently,
    "panic": _panic,
    "interrupt": _interrupt,
    "exit": _exit,
    "exit_at_once": _exit_at_once,
    "crash": _crash,
    "sleep": _sleep,
    "fill_memory": _fill_memory,
}


class FaultyBackend(BackendV2):
    """Qiskit's BasicSimulator with a fault, chosen by the option ``fault``."""

    def __init__(self) -> None:
        super().__init__(name="faulty", backend_version="1.0.0")
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
        return Options(shots=1024, seed_simulator=None, memory=False, fault="")

    def run(self, run_input: Any, *, fault: str = "", **options: Any) -> Any:
        """Runs, or does not."""
        if fault == "garbage":
            return _Job({"counts": "many"})
        if fault == "half":
            return _Job(_half_of(self._simulator.run(run_input, **options).result()))
        if fault == "modules":
            result = self._simulator.run(run_input, **options).result()
            result.results[0].header["modules"] = sorted(sys.modules)
            return _Job(result)
        if fault:
            _FAULTS[fault]()
        return self._simulator.run(run_input, **options)


class _Job:
    """A job that is done."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def result(self) -> Any:
        return self._result


def _half_of(result: Any) -> Any:
    result.results = result.results[: len(result.results) // 2]
    return result


def broken() -> JobV1:
    """A factory that fails."""
    raise RuntimeError("no licence for the control rack")


def panicking() -> JobV1:
    """A factory that fails with no Exception."""
    raise NativePanic("the control rack is on fire")


def crashing() -> JobV1:
    """A factory that takes its process with it."""
    ctypes.string_at(0)
    raise AssertionError("it is gone by now")
