"""The outermost layer of every call: whatever is raised below becomes a typed status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
import grpc.aio

from longwire_server.servicers.status_table import status_of

Details: TypeAlias = grpc.HandlerCallDetails
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Ends calls whose handler raised with the status of the exception.

    BaseException is caught: native code panics with one, and a handler that
    ends without a status leaves its client waiting to the deadline.
    """

    async def intercept_service(
        self, continuation: Callable[[Details], Awaitable[Handler]], details: Details
    ) -> Handler:
        """Wraps the handler of a call."""
        handler = await continuation(details)
        if handler is None or handler.request_streaming:
            return handler
        codec = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                _guarded_stream(handler.unary_stream), **codec
            )
        return grpc.unary_unary_rpc_method_handler(_guarded(handler.unary_unary), **codec)


def _guarded(behaviour: Any) -> Any:
    async def call(request: Any, context: Any) -> Any:
        try:
            return await behaviour(request, context)
        except BaseException as error:  # noqa: BLE001 - the outermost layer
            await _end(error, context)

    return call


def _guarded_stream(behaviour: Any) -> Any:
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            async for response in behaviour(request, context):
                yield response
        except BaseException as error:  # noqa: BLE001 - the outermost layer
            await _end(error, context)

    return call


async def _end(error: BaseException, context: Any) -> None:
    # The caller went away, or gRPC itself already ended the call.
    if isinstance(error, (asyncio.CancelledError, GeneratorExit, grpc.aio.AbortError)):
        raise error
    await context.abort_with_status(status_of(error))
