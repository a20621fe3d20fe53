"""What becomes of a stream of responses whose caller leaves, over a real connection."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import grpc.aio
import pytest

from longwire_server.interceptors.errors import ErrorInterceptor

CALL_SECONDS = 30.0
METHOD = "/longwire.v1.JobService/GetResult"
# More than gRPC takes of a caller that does not read: the server waits to send the next.
RESPONSE = bytes(4 << 20)


class Endless(grpc.GenericRpcHandler):
    """Answers every call with large responses until it is closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def service(self, _details: grpc.HandlerCallDetails) -> Any:
        async def stream(_request: bytes, _context: object) -> AsyncIterator[bytes]:
            try:
                while True:
                    yield RESPONSE
            finally:
                self.closed.set()

        return grpc.unary_stream_rpc_method_handler(stream)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collection: a server at leisure may have none for hours."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_stream_whose_caller_leaves_while_it_sends_is_closed() -> None:
    asyncio.run(leave_while_it_sends())


async def leave_while_it_sends() -> None:
    server = grpc.aio.server(interceptors=[ErrorInterceptor()])
    handlers = Endless()
    server.add_generic_rpc_handlers([handlers])
    port = server.add_insecure_port("localhost:0")
    await server.start()
    options = [("grpc.max_receive_message_length", -1)]
    async with grpc.aio.insecure_channel(f"localhost:{port}", options=options) as channel:
        call: Any = channel.unary_stream(METHOD)(b"")
        async with asyncio.timeout(CALL_SECONDS):
            await call.read()
            call.cancel()
            await handlers.closed.wait()
    await server.stop(None)
