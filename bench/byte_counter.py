"""A relay in front of a server that counts what passes: every byte of the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class ByteCounter:
    """What has passed through a relay.

    Attributes:
        address: where the relay listens.
        sent_bytes: from clients to the server.
        received_bytes: from the server to clients.
    """

    def __init__(self, server_address: str) -> None:
        host, _, port = server_address.rpartition(":")
        self._server = host, int(port)
        self._listener = socket.create_server(("localhost", 0))
        self.address = f"localhost:{self._listener.getsockname()[1]}"
        self.sent_bytes = 0
        self.received_bytes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            for relay in (self._relay_up, self._relay_down):
                threading.Thread(target=relay, args=(client, server), daemon=True).start()

    def _relay_up(self, client: socket.socket, server: socket.socket) -> None:
        # Either end may go first.
        with suppress(OSError):
            while data := client.recv(65536):
                self.sent_bytes += len(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _relay_down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                self.received_bytes += len(data)
                client.sendall(data)
        client.close()


@contextmanager
def byte_counter(server_address: str) -> Iterator[ByteCounter]:
    """A relay for the time of the block."""
    counter = ByteCounter(server_address)
    try:
        yield counter
    finally:
        counter.close()
