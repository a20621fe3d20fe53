"""Qiskit's classic provider interface, as Longwire keeps it.

The base classes left Qiskit in 0.21.0 and the models in 2.0.0. They live on here
under the same module names, so that porting old code is a change of import.
``JobStatus`` and the exceptions are those of Qiskit 2.x itself, for a copy of an
enum never compares equal to it.

Names are loaded at first use: the models alone do not need qiskit, which takes
about a second to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qiskit.providers import JobStatus

    from longwire.errors import (
        BackendConfigurationError,
        BackendNotFoundError,
        BackendPropertyError,
        JobTimeoutError,
    )
    from longwire.providers.base_backend import BaseBackend
    from longwire.providers.base_job import BaseJob
    from longwire.providers.base_provider import BaseProvider

__all__ = [
    "BackendConfigurationError",
    "BackendNotFoundError",
    "BackendPropertyError",
    "BaseBackend",
    "BaseJob",
    "BaseProvider",
    "JobStatus",
    "JobTimeoutError",
]

_MODULES = {
    "BackendConfigurationError": "longwire.errors",
    "BackendNotFoundError": "longwire.errors",
    "BackendPropertyError": "longwire.errors",
    "BaseBackend": "longwire.providers.base_backend",
    "BaseJob": "longwire.providers.base_job",
    "BaseProvider": "longwire.providers.base_provider",
    "JobStatus": "qiskit.providers",
    "JobTimeoutError": "longwire.errors",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | _MODULES.keys())
