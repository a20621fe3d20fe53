"""The floor of every call: a raw grpc.aio server with nothing behind it.

It sends a request back (Echo), sends so many random bytes in chunks (Chunks), and tells
everybody who listens the time at which somebody asked for it (Listen, Tell).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import uvloop

SERVICE = "bench.Raw"
ECHO, CHUNKS = f"/{SERVICE}/Echo", f"/{SERVICE}/Chunks"
LISTEN, TELL = f"/{SERVICE}/Listen", f"/{SERVICE}/Tell"
# As Longwire sends results.
CHUNK_BYTES = 512 * 1024


class RawServer:
    """The methods, on bytes as they come."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._news = b""
        self._data = b""

    async def echo(self, request: bytes, _context: object) -> bytes:
        return request

    async def chunks(self, request: bytes, _context: object) -> AsyncIterator[bytes]:
        total_bytes = int(request)
        if len(self._data) != total_bytes:
            self._data = os.urandom(total_bytes)
        data = memoryview(self._data)
        for start in range(0, total_bytes, CHUNK_BYTES):
            yield bytes(data[start : start + CHUNK_BYTES])

    async def listen(self, _request: bytes, _context: object) -> AsyncIterator[bytes]:
        # As a watch begins with the state at present.
        yield b""
        await self._told.wait()
        yield self._news

    async def tell(self, _request: bytes, _context: object) -> bytes:
        self._news = str(time.time()).encode()
        self._told.set()
        self._told = asyncio.Event()
        return b""


async def main() -> None:
    raw = RawServer()
    server = grpc.aio.server()
    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(raw.echo),
        "Chunks": grpc.unary_stream_rpc_method_handler(raw.chunks),
        "Listen": grpc.unary_stream_rpc_method_handler(raw.listen),
        "Tell": grpc.unary_unary_rpc_method_handler(raw.tell),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    port = server.add_insecure_port("localhost:0")
    await server.start()
    print(f"listening on localhost:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
