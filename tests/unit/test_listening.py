"""What the server asks of gRPC takes effect."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import http2_frames as http2

from longwire_server.config.model import ServerConfig
from longwire_server.listening import server_options

# Above all that gRPC lets wait by default, which is at most 3000.
NUM_CALLS = 4000
# Nothing is waited for as long unless something is wrong.
LIMIT_SECONDS = 60


class Handlers(grpc.GenericRpcHandler):
    """Answers every call with an empty message."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        async def answer(_request: object, _context: object) -> bytes:
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


class Frames:
    """The frames that come on a connection, counted by their kinds."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self.kinds = dict.fromkeys(range(256), 0)

    def read_until(self, condition: Callable[[], bool]) -> None:
        """Reads on until what is counted meets a condition.

        Raises:
            TimeoutError: nothing more came.
        """
        while not condition():
            while len(self._received) < 9 or len(self._received) < self._first_bytes():
                part = self._connection.recv(1 << 16)
                assert part, "the server has hung up"
                self._received += part
            self.kinds[self._received[3]] += 1
            self._received = self._received[self._first_bytes() :]

    def _first_bytes(self) -> int:
        return 9 + int.from_bytes(self._received[:3], "big")


async def asked_while_busy(port: int) -> None:
    """Makes calls while the event loop is held up, which it then answers all."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) as connection:
        calls = [http2.call(2 * n + 1, "/a.Service/Call", ends=True) for n in range(NUM_CALLS)]
        frames = Frames(connection)
        # The answer to the ping says that gRPC has seen all calls.
        connection.sendall(http2.opening() + b"".join(calls) + http2.ping())
        frames.read_until(lambda: frames.kinds[http2.PING] > 0)
        assert frames.kinds[http2.DATA] == 0
        await asyncio.to_thread(
            frames.read_until,
            lambda: frames.kinds[http2.DATA] + frames.kinds[http2.RST_STREAM] >= NUM_CALLS,
        )
        assert frames.kinds[http2.DATA] == NUM_CALLS


def test_calls_that_come_while_the_server_is_busy_are_answered_and_not_cancelled() -> None:
    async def body() -> None:
        server = grpc.aio.server(handlers=[Handlers()], options=server_options(ServerConfig()))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            await asked_while_busy(port)
        finally:
            await server.stop(None)

    asyncio.run(body())
