"""The pair of places that algorithms are compared in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from places import HOSTED, LocalPlace, Place, RemotePlace
from server_process import configured_server, wait_until_loaded

from longwire import RemoteService

# From an algorithm to what it gives remotely and locally.
Both = Callable[[Callable[[Place], Any]], tuple[Any, Any]]


@pytest.fixture(scope="session")
def remote_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemotePlace]:
    """Backends and primitives of a server of its own."""
    with (
        configured_server(tmp_path_factory.mktemp("algorithms"), HOSTED) as server,
        RemoteService(server.address) as service,
    ):
        wait_until_loaded(server)
        yield RemotePlace(service)


@pytest.fixture
def both(remote_place: RemotePlace) -> Both:
    """Runs an algorithm with remote primitives and with local ones: ``(remote, local)``."""
    return lambda algorithm: (algorithm(remote_place), algorithm(LocalPlace()))
