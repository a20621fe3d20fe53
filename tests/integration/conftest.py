"""One real server for all integration tests that do not need their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from server_process import ServerProcess, running_server

from longwire import RemoteBackend, RemoteProvider


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the default backends."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
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
def aer(provider: RemoteProvider) -> RemoteBackend:
    """Its simulator."""
    return provider.get_backend("aer_simulator")
