"""Longwire: a quantum backend at the other end of a wire behaves as if it were local.

The names below are imported when they are first used: ``import longwire`` costs
nothing, while Qiskit, which most of them need, takes about a second.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longwire.backend import RemoteBackend
    from longwire.job import RemoteJob
    from longwire.provider import RemoteProvider

__version__ = "0.1.0"

_HOMES = {
    "RemoteBackend": "longwire.backend",
    "RemoteJob": "longwire.job",
    "RemoteProvider": "longwire.provider",
}

__all__ = ["RemoteBackend", "RemoteJob", "RemoteProvider", "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'longwire' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
