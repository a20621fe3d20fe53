"""The outermost layer of every call: whatever is raised below becomes a typed status."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from longwire_server.interceptors.request_sizes import most_bytes
from longwire_server.refusals import RequestRefusedError, argument_invalid, request_too_large
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
            "request_deserializer": partial(
                _decoded, handler.request_deserializer, most_bytes(details.method)
            ),
            "response_serializer": partial(_encoded, handler.response_serializer),
        }
        streams = handler.request_streaming
        if handler.response_streaming:
            behaviour = handler.stream_stream if streams else handler.unary_stream
            # For gRPC all of these take a stream of requests: it would hold the only
            # request, which may be a program, for as long as there are responses.
            return grpc.stream_stream_rpc_method_handler(
                _guarded_stream(behaviour, streams=streams), **codec
            )
        if streams:
            return grpc.stream_unary_rpc_method_handler(
                _guarded_requests(handler.stream_unary), **codec
            )
        return grpc.unary_unary_rpc_method_handler(_guarded(handler.unary_unary), **codec)


class _BadRequest:
    """In the place of a request: bytes of which none was made."""

    def __init__(self, refusal: RequestRefusedError) -> None:
        self.refusal = refusal


def _decoded(decode: Callable[[bytes], Any] | None, most: int | None, request: bytes) -> Any:
    """The request; gRPC would end the call of one that cannot be decoded without a reason."""
    if most is not None and len(request) > most:
        return _BadRequest(request_too_large(len(request), most))
    try:
        return request if decode is None else decode(request)
    except (DecodeError, RecursionError):
        return _BadRequest(
            argument_invalid(
                "request", "its bytes are no message of this call's type; see the .proto files"
            )
        )


def _encoded(encode: Callable[[Any], bytes] | None, response: Any) -> bytes:
    """The response's bytes; a large one may be given as those, to be copied less often."""
    encoded: bytes = response
    if encode is not None and not isinstance(response, bytes):
        encoded = encode(response)
    return encoded


def _good(request: Any) -> Any:
    if isinstance(request, _BadRequest):
        raise request.refusal
    return request


class _Requests:
    """The requests of a call; none is held once it is taken.

    Args:
        context: the call.
    """

    def __init__(self, context: Any) -> None:
        self._context = context

    def __aiter__(self) -> _Requests:
        return self

    async def __anext__(self) -> Any:
        request = await self._context.read()
        if request is grpc.aio.EOF:
            raise StopAsyncIteration
        return _good(request)

    async def only(self) -> Any:
        """The one of a call that has one."""
        try:
            return await anext(self)
        except StopAsyncIteration:
            raise argument_invalid("request", "the call has none; send one") from None


def _guarded(behaviour: Any) -> Any:
    async def call(request: Any, context: Any) -> Any:
        try:
            return await behaviour(_good(request), context)
        except BaseException as error:  # noqa: BLE001 - the outermost layer
            await _end(error, context)

    return call


def _guarded_requests(behaviour: Any) -> Any:
    async def call(_requests: Any, context: Any) -> Any:
        try:
            return await behaviour(_Requests(context), context)
        except BaseException as error:  # noqa: BLE001 - the outermost layer
            await _end(error, context)

    return call


def _guarded_stream(behaviour: Any, *, streams: bool) -> Any:
    # Not a generator itself: gRPC would drop one whose caller has left as it is, and what
    # stands below would not hear of it before the next garbage collection.
    async def call(_requests: Any, context: Any) -> None:
        try:
            requests = _Requests(context)
            responses = behaviour(requests if streams else await requests.only(), context)
            async with contextlib.aclosing(responses):
                async for response in responses:
                    await context.write(response)
        except BaseException as error:  # noqa: BLE001 - the outermost layer
            await _end(error, context)

    return call


async def _end(error: BaseException, context: Any) -> None:
    # The caller went away, or gRPC itself already ended the call.
    if isinstance(error, (asyncio.CancelledError, GeneratorExit, grpc.aio.AbortError)):
        raise error
    # It went away while a response was being written.
    if isinstance(error, grpc.aio.InternalError):
        raise asyncio.CancelledError from error
    await context.abort_with_status(status_of(error))
