"""The clients in other languages, built once, and servers for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from language_clients import LANGUAGES, Language
from server_process import ServerProcess, configured_server, wait_until_loaded

from longwire import RemoteProvider

CONFIG = """
[limits]
inline_result_bytes = 20_000

[quotas]
shots = 2_000_000

[[pool]]
name = "default"
processes = 2

[[backend]]
name = "aer_simulator"

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
description = "waits for a file"
"""


@pytest.fixture(scope="session", params=LANGUAGES, ids=lambda language: language.folder)
def client(request: pytest.FixtureRequest) -> Language:
    """The client in one of the languages."""
    language: Language = request.param
    if missing := language.missing():
        pytest.skip(missing)
    language.make()
    return language


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that asks nobody."""
    with configured_server(tmp_path_factory.mktemp("server"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """The same server from Python."""
    with RemoteProvider(server.address) as opened:
        yield opened


@pytest.fixture
def here(server: ServerProcess) -> dict[str, str]:
    """The variables that tell a client of the server."""
    return {"LONGWIRE_ADDRESS": server.address}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A circuit whose bits cannot be told in another order."""
    path = tmp_path / "asymmetric.qasm"
    path.write_text(
        """OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[3] c;
x q[0];
h q[1];
ry(0.4) q[2];
c = measure q;
"""
    )
    return path
