"""The backends that every server can host: factories behind the entry points."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from longwire_server.backends.device import NoisyDevice

if TYPE_CHECKING:
    from qiskit.providers import BackendV2

__all__ = ["aer_simulator", "basic_simulator", "fake_device", "fake_sherbrooke"]


def aer_simulator(**options: Any) -> BackendV2:
    """Returns Aer's simulator.

    Args:
        options: options of ``AerSimulator``, such as ``method`` or ``device``.
    """
    from qiskit_aer import AerSimulator

    return AerSimulator(**options)


def basic_simulator() -> BackendV2:
    """Returns Qiskit's reference simulator, written in Python."""
    from qiskit.providers.basic_provider import BasicSimulator

    return BasicSimulator()


def fake_sherbrooke() -> BackendV2:
    """Returns the 127-qubit device model of ibm_sherbrooke, run with its noise by Aer."""
    return fake_device("FakeSherbrooke")


def fake_device(model: str) -> BackendV2:
    """Returns a device model of qiskit-ibm-runtime, run with its noise by Aer.

    Args:
        model: name of a class in ``qiskit_ibm_runtime.fake_provider``, such as
            ``FakeSherbrooke``.

    Raises:
        ModuleNotFoundError: qiskit-ibm-runtime is not installed.
        ValueError: it has no such model.
    """
    models = importlib.import_module("qiskit_ibm_runtime.fake_provider")
    if not model.startswith("Fake") or not hasattr(models, model):
        raise ValueError(f"qiskit-ibm-runtime has no device model {model!r}")
    return NoisyDevice(getattr(models, model)())
