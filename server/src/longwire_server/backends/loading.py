"""Loads a backend in a worker."""

from __future__ import annotations

import importlib
from typing import Any

from qiskit.providers import BackendV2

from longwire.errors import LongwireError
from longwire.providers import BaseBackend
from longwire_server.backends.backend_v2 import HostedBackendV2
from longwire_server.backends.classic_backend import HostedClassicBackend
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.backends.spec import BackendSpec

__all__ = ["BackendLoadError", "HostedBackend", "load_backend"]


class BackendLoadError(LongwireError):
    """A backend cannot be loaded; the message says why in a sentence."""


def load_backend(
    spec: BackendSpec, *, threads: int | None = None, memory_limit_mb: int | None = None
) -> HostedBackend:
    """Imports and calls a backend's factory, and makes what it returns ready to run.

    Args:
        spec: which backend.
        threads: threads that it may compute with, where that can be told it.
        memory_limit_mb: memory of this process in MiB; None or 0 for no limit.

    Raises:
        BackendLoadError: the factory does not import, raises, or returns
            something that cannot be hosted.
    """
    factory = _factory(spec)
    try:
        backend = factory(**spec.arguments)
    except Exception as error:
        raise _failed(spec, f"{spec.target} raised {_words(error)}") from error
    try:
        if isinstance(backend, BackendV2):
            return HostedBackendV2(spec, backend, threads=threads, memory_limit_mb=memory_limit_mb)
        if isinstance(backend, BaseBackend):
            return HostedClassicBackend(spec, backend)
    except Exception as error:
        raise _failed(spec, f"it does not describe itself: {_words(error)}") from error
    raise _failed(
        spec,
        f"{spec.target} returned {type(backend).__name__}, which is neither a "
        "qiskit.providers.BackendV2 nor a longwire.providers.BaseBackend",
    )


def _factory(spec: BackendSpec) -> Any:
    """Returns the callable that a spec's target names."""
    module_name, _, path = spec.target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise _failed(spec, f"importing {module_name} raised {_words(error)}") from error
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise _failed(spec, f"{module_name} has no {path!r}")
        found = getattr(found, attribute)
    if not callable(found):
        raise _failed(spec, f"{spec.target} cannot be called: it is of type {type(found).__name__}")
    return found


def _failed(spec: BackendSpec, reason: str) -> BackendLoadError:
    return BackendLoadError(f"backend {spec.name!r} cannot be loaded: {reason}")


def _words(error: Exception) -> str:
    """Returns an exception as ``Class: message``, on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
