"""Real servers for all integration tests that do not need their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from server_process import ServerProcess, configured_server, running_server, wait_until_loaded

from longwire import RemoteBackend, RemoteProvider, RemoteService


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the default backends."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture(scope="session")
def server_address(server: ServerProcess) -> str:
    """Its address."""
    return server.address


@pytest.fixture
def provider(server_address: str) -> Iterator[RemoteProvider]:
    """A provider of its backends."""
    with RemoteProvider(server_address) as opened:
        yield opened


@pytest.fixture
def service(server_address: str) -> Iterator[RemoteService]:
    """A service of its backends."""
    with RemoteService(server_address) as opened:
        yield opened


@pytest.fixture
def aer(provider: RemoteProvider) -> RemoteBackend:
    """Its simulator."""
    return provider.get_backend("aer_simulator")


ONE_WORKER = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "aer_simulator"
"""


@pytest.fixture(scope="session")
def one_worker_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one worker, which a job on the backend ``gated`` keeps as long as a test wants.

    See ``tests/drivers/gated_backend.py``.
    """
    with configured_server(tmp_path_factory.mktemp("one-worker"), ONE_WORKER) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture
def gated(one_worker_server: ServerProcess) -> Iterator[RemoteBackend]:
    """Its backend with the gate."""
    with RemoteProvider(one_worker_server.address) as opened:
        yield opened.get_backend("gated")
