"""Every test of this tier runs here and at the other end of a wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from places import HOSTED, LocalPlace, Place, RemotePlace
from server_process import ServerProcess, configured_server, wait_until_loaded

from longwire import RemoteService


@pytest.fixture(scope="session")
def congruence_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the backends of which there are local ones."""
    with configured_server(tmp_path_factory.mktemp("congruence"), HOSTED) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture(scope="session")
def remote_place(congruence_server: ServerProcess) -> Iterator[RemotePlace]:
    """The backends at the other end."""
    with RemoteService(congruence_server.address) as service:
        yield RemotePlace(service)


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest) -> Place:
    """Both places, one after the other."""
    if request.param == "local":
        return LocalPlace()
    remote: RemotePlace = request.getfixturevalue("remote_place")
    return remote
