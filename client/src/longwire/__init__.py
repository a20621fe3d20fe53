"""Longwire: a quantum backend at the other end of a wire behaves as if it were local.

The names below are imported when they are first used: ``import longwire`` costs
nothing, while Qiskit, which most of them need, takes about a second.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longwire.backend import RemoteBackend
    from longwire.backend_v2 import RemoteBackendV2
    from longwire.estimator import RemoteEstimator
    from longwire.job import RemoteJob
    from longwire.primitive_job import RemotePrimitiveJob
    from longwire.provider import RemoteProvider
    from longwire.sampler import RemoteSampler
    from longwire.service import RemoteService

__version__ = "0.1.0"

_HOMES = {
    "RemoteBackend": "longwire.backend",
    "RemoteBackendV2": "longwire.backend_v2",
    "RemoteEstimator": "longwire.estimator",
    "RemoteJob": "longwire.job",
    "RemotePrimitiveJob": "longwire.primitive_job",
    "RemoteProvider": "longwire.provider",
    "RemoteSampler": "longwire.sampler",
    "RemoteService": "longwire.service",
}

__all__ = [
    "RemoteBackend",
    "RemoteBackendV2",
    "RemoteEstimator",
    "RemoteJob",
    "RemotePrimitiveJob",
    "RemoteProvider",
    "RemoteSampler",
    "RemoteService",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'longwire' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
