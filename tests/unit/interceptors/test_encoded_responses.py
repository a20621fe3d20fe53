"""Responses that a handler gives as bytes already, beside messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from longwire.v1.job_service_pb2 import GetResultResponse
from longwire_server.interceptors.errors import ErrorInterceptor

CALL_SECONDS = 60.0
METHOD = "/longwire.v1.JobService/GetResult"
RESPONSE = GetResultResponse(total_bytes=3, chunk=b"abc")


class BothKinds(grpc.GenericRpcHandler):
    """Answers with one message twice: as it is, and serialised."""

    def service(self, _details: grpc.HandlerCallDetails) -> Any:
        async def stream(_request: bytes, _context: object) -> AsyncIterator[Any]:
            yield RESPONSE
            yield RESPONSE.SerializeToString()

        return grpc.unary_stream_rpc_method_handler(
            stream, response_serializer=GetResultResponse.SerializeToString
        )


def test_response_that_is_serialised_already_is_sent_as_it_is() -> None:
    async def call() -> list[GetResultResponse]:
        server = grpc.aio.server(interceptors=[ErrorInterceptor()])
        server.add_generic_rpc_handlers([BothKinds()])
        port = server.add_insecure_port("localhost:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
            stream: Any = channel.unary_stream(
                METHOD, response_deserializer=GetResultResponse.FromString
            )
            responses = [each async for each in stream(b"", timeout=CALL_SECONDS)]
        await server.stop(None)
        return responses

    assert asyncio.run(call()) == [RESPONSE, RESPONSE]
