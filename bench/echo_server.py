"""The floor of a call: a raw grpc.aio server that sends the request back."""

from __future__ import annotations

import grpc
import grpc.aio
import uvloop

METHOD = "/bench.Echo/Echo"


async def main() -> None:
    async def echo(request: bytes, _context: object) -> bytes:
        return request

    handler = grpc.unary_unary_rpc_method_handler(echo)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler})]
    )
    port = server.add_insecure_port("localhost:0")
    await server.start()
    print(f"listening on localhost:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
