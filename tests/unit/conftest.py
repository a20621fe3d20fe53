"""Backends that the tests share; loading one takes up to two seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from longwire_server.backends.loading import HostedBackend, load_backend
from longwire_server.backends.spec import BackendSpec

HOSTED = "longwire_server.backends.hosted"


@pytest.fixture(scope="session")
def load() -> Callable[..., HostedBackend]:
    """Loads a backend by target, with its arguments, on one thread."""

    def _load(target: str, name: str = "hosted", **further: Any) -> HostedBackend:
        spec = BackendSpec(name=name, target=target, **further)
        return load_backend(spec, threads=1, memory_limit_mb=4096)

    return _load


@pytest.fixture(scope="session")
def aer(load: Callable[..., HostedBackend]) -> HostedBackend:
    return load(f"{HOSTED}:aer_simulator", "aer_simulator")


@pytest.fixture(scope="session")
def basic(load: Callable[..., HostedBackend]) -> HostedBackend:
    return load(f"{HOSTED}:basic_simulator", "basic_simulator")


@pytest.fixture(scope="session")
def sherbrooke(load: Callable[..., HostedBackend]) -> HostedBackend:
    return load(f"{HOSTED}:fake_sherbrooke", "fake_sherbrooke")


@pytest.fixture(scope="session")
def generic(load: Callable[..., HostedBackend]) -> HostedBackend:
    """A device of three qubits in a line, 0-1-2, with noise."""
    return load(
        "qiskit.providers.fake_provider:GenericBackendV2",
        "generic",
        arguments={
            "num_qubits": 3,
            "coupling_map": [[0, 1], [1, 2]],
            "control_flow": True,
            "seed": 7,
        },
    )
