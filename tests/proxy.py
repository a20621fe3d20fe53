"""A TCP proxy on this machine between a client and a server, with a link that a test breaks."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

_CHUNK_BYTES = 64 * 1024
# Close sends a reset in place of the end of the stream.
_RESET = struct.pack("ii", 1, 0)


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        # The directions in which nothing is passed on: "requests", "answers".
        self.stalled: frozenset[str] = frozenset()
        self.is_cut = False


class Proxy:
    """Passes the bytes of any number of connections on to a server.

    Args:
        upstream: the server, ``HOST:PORT``. Connections are made to it as clients come,
            so that it may go away and come back.

    Attributes:
        address: where clients connect to, ``HOST:PORT``.
        accepted: how many connections have been accepted.
        watch: called with what goes to the server, as it comes.
    """

    def __init__(self, upstream: str) -> None:
        self.watch: Callable[[bytes], object] | None = None
        host, _, port = upstream.rpartition(":")
        self._upstream = host, int(port)
        self._changed = threading.Condition()
        self._links: list[_Link] = []
        self._stalled: frozenset[str] = frozenset()
        self._delay_seconds = 0.0
        self._listener: socket.socket | None = None
        self._port = 0
        self.accepted = 0
        self.allow()
        self.address = f"localhost:{self._port}"

    def allow(self) -> None:
        """Listens, again on the same port after :meth:`refuse`."""
        listener = socket.create_server(("127.0.0.1", self._port), backlog=1024)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        """Cuts all connections, and refuses new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def cut(self) -> None:
        """Resets all connections; new ones are made as before."""
        with self._changed:
            links, self._links = self._links, []
            for link in links:
                link.is_cut = True
            self._changed.notify_all()
        for link in links:
            for end in (link.client, link.server):
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    # The end that another thread reads stays open until it returns.
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def stall(self, *directions: str, new: bool = True) -> None:
        """Passes nothing on any more, and still takes what comes, as a dead network does.

        Args:
            directions: "requests", "answers"; both where none is named.
            new: whether connections that are made from now on are stalled, too.
        """
        stalled = frozenset(directions or ("requests", "answers"))
        with self._changed:
            self._stalled = stalled if new else frozenset()
            for link in self._links:
                link.stalled = stalled

    def resume(self) -> None:
        """Passes everything on again, first what has come meanwhile."""
        with self._changed:
            self._stalled = frozenset()
            for link in self._links:
                link.stalled = frozenset()
            self._changed.notify_all()

    def delay(self, seconds: float) -> None:
        """Passes on later by this time what comes from now on."""
        self._delay_seconds = seconds

    def close(self) -> None:
        """Ends everything."""
        self.refuse()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                server = socket.create_connection(self._upstream)
            except OSError:
                # As if it listened here itself: there is nobody.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(client, server)
            with self._changed:
                link.stalled = self._stalled
                self._links.append(link)
            for direction in ("requests", "answers"):
                threading.Thread(target=self._pass_on, args=(link, direction), daemon=True).start()

    def _pass_on(self, link: _Link, direction: str) -> None:
        ends = link.client, link.server
        source, target = ends if direction == "requests" else ends[::-1]
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK_BYTES):
                if self._delay_seconds:
                    threading.Event().wait(self._delay_seconds)
                with self._changed:
                    while direction in link.stalled and not link.is_cut:
                        self._changed.wait()
                if self.watch is not None and direction == "requests":
                    self.watch(chunk)
                target.sendall(chunk)
            # The end is passed on as well, but not by a link that is dead.
            with self._changed:
                while direction in link.stalled and not link.is_cut:
                    self._changed.wait()
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def proxy_to(upstream: str) -> Iterator[Proxy]:
    """A proxy that is gone at the end of the block."""
    proxy = Proxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
