"""The servers under load: real ones, in processes of their own, on loopback."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "tests")]
from api_tokens import make_token, sqlite_url
from request_files import request_path, write_requests
from server_process import ServerProcess, configured_server, wait_until_loaded

FACTORY = "longwire_server.backends.hosted:aer_simulator"
BACKEND = "aer_simulator"
SERVER = """
[server]
drain_grace_seconds = 2
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Hosted:
    """A running server and what is sent to it."""

    server: ServerProcess
    """Its process."""

    folder: Path
    """Its data, and the requests."""

    backends: list[str]
    """The names of what it hosts."""

    @property
    def store_url(self) -> str:
        """Where its jobs are."""
        return sqlite_url(self.folder)

    def requests(self, circuit: str) -> list[str]:
        """The files with a request for each backend."""
        return [str(request_path(self.folder, circuit, name)) for name in self.backends]

    def tokens(self, tenants: list[str]) -> list[str]:
        """A new API token for each tenant."""
        return [make_token(self.store_url, tenant=tenant, name=tenant) for tenant in tenants]


def backend_tables(names: list[str]) -> str:
    """The same simulator under several names."""
    return "".join(f'\n[[backend]]\nname = "{name}"\nfactory = "{FACTORY}"\n' for name in names)


def pool_table(processes: int) -> str:
    """The pool of all of them."""
    return f'\n[[pool]]\nname = "default"\nprocesses = {processes}\n'


@contextlib.contextmanager
def hosted(
    settings: str = "", *, processes: int = 2, backends: int = 1, open_to_all: bool = True
) -> Iterator[Hosted]:
    """A server with an empty store, which is gone at the end of the block.

    Args:
        settings: more of its configuration.
        processes: its workers.
        backends: how many names it hosts the simulator under.
        open_to_all: whether it asks nobody who they are.
    """
    # Whoever ends this process ends its server too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    names = [BACKEND] + [f"{BACKEND}_{number}" for number in range(1, backends)]
    config = SERVER + settings + pool_table(processes) + backend_tables(names)
    with tempfile.TemporaryDirectory(prefix="longwire-load-") as scratch:
        folder = Path(scratch)
        write_requests(folder, names)
        with configured_server(folder, config) as server:
            if open_to_all:
                wait_until_loaded(server)
            try:
                yield Hosted(server, folder, names)
            finally:
                server.terminate()
