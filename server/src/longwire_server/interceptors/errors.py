"""The outermost layer of every call: whatever is raised below becomes a typed status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from longwire_server.refusals import argument_invalid
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
        if handler is None:
            return None
        codec = {
            "request_deserializer": partial(_decoded, handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        match handler.request_streaming, handler.response_streaming:
            case False, False:
                return grpc.unary_unary_rpc_method_handler(_guarded(handler.unary_unary), **codec)
            case False, True:
                return grpc.unary_stream_rpc_method_handler(
                    _guarded_stream(handler.unary_stream), **codec
                )
            case True, False:
                return grpc.stream_unary_rpc_method_handler(_guarded(handler.stream_unary), **codec)
            case _:
                return grpc.stream_stream_rpc_method_handler(
                    _guarded_stream(handler.stream_stream), **codec
                )


class _UndecodableRequest:
    """In the place of a request: bytes that are no message of its type."""


def _decoded(decode: Callable[[bytes], Any] | None, request: bytes) -> Any:
    """The request; gRPC would end the call of one that cannot be decoded without a reason."""
    try:
        return request if decode is None else decode(request)
    except (DecodeError, RecursionError):
        return _UndecodableRequest()


def _check_decoded(request: Any) -> None:
    if isinstance(request, _UndecodableRequest):
        raise argument_invalid(
            "request", "its bytes are no message of this call's type; see the .proto files"
        )


def _guarded(behaviour: Any) -> Any:
    async def call(request: Any, context: Any) -> Any:
        try:
            _check_decoded(request)
            return await behaviour(request, context)
        except BaseException as error:  # noqa: BLE001 - the outermost layer
            await _end(error, context)

    return call


def _guarded_stream(behaviour: Any) -> Any:
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            _check_decoded(request)
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
