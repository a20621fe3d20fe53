"""Requests that are refused before any servicer sees them, over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from service_calls import detail

from longwire.v1 import (
    account_service_pb2,
    admin_service_pb2,
    backend_service_pb2,
    job_service_pb2,
    session_service_pb2,
)
from longwire.v1.program_pb2 import Program
from longwire_server.interceptors.errors import ErrorInterceptor
from longwire_server.interceptors.request_sizes import most_bytes

CALL_SECONDS = 60.0
MIB = 1 << 20
UNARY = "/longwire.v1.JobService/GetJob"
STREAM = "/longwire.v1.JobService/WatchJob"
OPEN = "/grpc.health.v1.Health/Check"
SUBMIT = "/longwire.v1.JobService/SubmitJob"
BOTH_WAYS = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
COLLECTS = "/another.Service/Call"
METHODS = (UNARY, STREAM, OPEN, SUBMIT, BOTH_WAYS, COLLECTS)
TOO_LARGE = "RESOURCE_EXHAUSTED LIMIT_EXCEEDED"
NO_MESSAGE = "INVALID_ARGUMENT ARGUMENT_INVALID"


class Handlers(grpc.GenericRpcHandler):
    """Answers every call with the bytes of its request, or of all."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        async def one(request: Any, _context: object) -> bytes:
            return request.SerializeToString()

        async def stream(request: Any, _context: object) -> AsyncIterator[bytes]:
            yield request.SerializeToString()

        async def both(requests: AsyncIterator[Any], _context: object) -> AsyncIterator[bytes]:
            async for request in requests:
                yield request.SerializeToString()

        async def collects(requests: AsyncIterator[Any], _context: object) -> bytes:
            return b"".join([request.SerializeToString() async for request in requests])

        decode = error_details_pb2.ErrorInfo.FromString
        match details.method:
            case "/longwire.v1.JobService/WatchJob":
                return grpc.unary_stream_rpc_method_handler(stream, decode)
            case "/another.Service/Call":
                return grpc.stream_unary_rpc_method_handler(collects, decode)
            case name if name == BOTH_WAYS:
                return grpc.stream_stream_rpc_method_handler(both, decode)
        return grpc.unary_unary_rpc_method_handler(one, decode)


def outcome(method: str, *requests: bytes) -> bytes | str:
    """The response to a call, or its status and the reason of its refusal."""

    async def call() -> bytes | str:
        server = grpc.aio.server(
            handlers=[Handlers()],
            interceptors=[ErrorInterceptor()],
            options=[("grpc.max_receive_message_length", 8 * MIB)],
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                # On the wire all kinds of calls are one.
                calls = channel.stream_stream(method)(iter(requests), timeout=CALL_SECONDS)
                return b"".join([response async for response in calls])
        except grpc.aio.AioRpcError as error:
            status = rpc_status.from_call(error)
            info = error_details_pb2.ErrorInfo()
            assert status is not None
            assert detail(status, info)
            return f"{error.code().name} {info.reason}"
        finally:
            await server.stop(None)

    return asyncio.run(call())


def message(size_bytes: int) -> bytes:
    """A message of so many bytes, of which there are enough."""
    # One for the field, two or three for the length.
    around = 3 if size_bytes < 1 << 14 else 4
    made = error_details_pb2.ErrorInfo(reason="x" * (size_bytes - around)).SerializeToString()
    assert len(made) == size_bytes
    return made


@pytest.mark.parametrize("method", METHODS)
def test_small_message_is_answered(method: str) -> None:
    assert outcome(method, message(200)) == message(200)


@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_are_no_message_are_refused_with_a_reason(method: str) -> None:
    assert outcome(method, b"\xff" * 20) == NO_MESSAGE


@pytest.mark.parametrize("method", [UNARY, STREAM, BOTH_WAYS, COLLECTS])
def test_request_above_a_mebibyte_is_refused_unless_it_has_a_program(method: str) -> None:
    assert outcome(method, message(MIB + 10)) == TOO_LARGE
    assert outcome(method, message(MIB - 10)) == message(MIB - 10)
    assert outcome(SUBMIT, message(MIB + 10)) == message(MIB + 10)


@pytest.mark.parametrize("method", [OPEN, "/grpc.health.v1.Health/Watch"])
def test_request_for_health_above_four_kibibytes_is_refused(method: str) -> None:
    assert outcome(method, message(4096)) == message(4096)
    assert outcome(method, message(4097)) == TOO_LARGE


def test_stream_of_responses_without_a_request_is_refused() -> None:
    assert outcome(STREAM) == NO_MESSAGE


def rpcs() -> Iterator[tuple[str, Descriptor]]:
    """All RPCs of longwire.v1, with the type of their requests."""
    for module in (
        account_service_pb2,
        admin_service_pb2,
        backend_service_pb2,
        job_service_pb2,
        session_service_pb2,
    ):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield f"/{service.full_name}/{method.name}", method.input_type


def holds_a_program(type_: Descriptor, seen: set[str]) -> bool:
    if type_ is Program.DESCRIPTOR:
        return True
    if type_.full_name in seen:
        return False
    seen.add(type_.full_name)
    return any(
        holds_a_program(field.message_type, seen)
        for field in type_.fields
        if field.type == FieldDescriptor.TYPE_MESSAGE
    )


def test_requests_that_hold_a_program_are_those_without_a_limit_of_their_own() -> None:
    with_programs = {name for name, type_ in rpcs() if holds_a_program(type_, set())}
    assert len(with_programs) == 2
    assert with_programs == {name for name, _ in rpcs() if most_bytes(name) is None}
