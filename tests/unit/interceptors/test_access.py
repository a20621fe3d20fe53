"""The layer in front of every servicer, over a real connection and a real store."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from service_calls import detail

from longwire_server.config import load_config
from longwire_server.interceptors.access import PEER_HEADER, address_of
from longwire_server.interceptors.errors import ErrorInterceptor
from longwire_server.interceptors.gate import Gate
from longwire_server.store.sql_job_store import SqlJobStore

CANCEL = "/longwire.v1.JobService/CancelJob"
RESULT = "/longwire.v1.JobService/GetResult"
RUN = "/longwire.v1.JobService/RunJob"
CALL_SECONDS = 60.0
Body = Callable[[grpc.aio.Channel], Awaitable[None]]


class PanicError(BaseException):
    """What native code raises when it panics."""


class _Request:
    """Something that takes the place of every message."""

    DESCRIPTOR = error_details_pb2.ErrorInfo.DESCRIPTOR

    def __init__(self, sent: bytes) -> None:
        self.sent = sent


async def _panic(_request: object, _context: object) -> object:
    raise PanicError


async def _panic_later(_request: object, _context: object) -> AsyncIterator[bytes]:
    yield b"first"
    raise PanicError


async def _run(request: object, _context: object) -> AsyncIterator[error_details_pb2.ErrorInfo]:
    """Tells whether anybody but the servicer has the request still."""
    seen = weakref.ref(request)
    del request
    yield error_details_pb2.ErrorInfo(reason="accepted")
    gc.collect()
    yield error_details_pb2.ErrorInfo(reason="gone" if seen() is None else "held")


class Handlers(grpc.GenericRpcHandler):
    """Answers every call: streams where the name says so."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        if details.method == RUN:
            encode = error_details_pb2.ErrorInfo.SerializeToString
            return grpc.unary_stream_rpc_method_handler(_run, _Request, encode)
        if details.method == RESULT:
            return grpc.unary_stream_rpc_method_handler(_panic_later, _Request)
        return grpc.unary_unary_rpc_method_handler(_panic, _Request)


def with_server(tmp_path: Path, body: Body) -> list[dict[str, Any]]:
    """Runs a coroutine function on a connection, and returns the audit records."""
    file = tmp_path / "server.toml"
    file.write_text(f"[server]\ndata_dir = '{tmp_path}'\n[audit]\nenabled = true\n")
    config = load_config(file, environment={})

    async def run() -> None:
        store = SqlJobStore(config.store_url)
        await store.open()
        gate = Gate(config, store)
        await gate.start()
        server = grpc.aio.server(
            handlers=[Handlers()], interceptors=[ErrorInterceptor(), gate.interceptor]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await body(channel)
        await server.stop(None)
        await gate.stop()
        await store.close()

    asyncio.run(run())
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


async def reason(call: Awaitable[object]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert detail(status, info)
    return f"{caught.value.code().name} {info.reason}"


@pytest.mark.parametrize("method", ["/longwire.v1.JobService/NewCall", "/other.Service/Call"])
def test_call_that_nobody_has_classified_is_refused(tmp_path: Path, method: str) -> None:
    async def body(channel: grpc.aio.Channel) -> None:
        call = channel.unary_unary(method)(b"", timeout=CALL_SECONDS)
        assert await reason(call) == "PERMISSION_DENIED PERMISSION_DENIED"

    with_server(tmp_path, body)


def test_panic_in_a_call_is_recorded_and_ends_it(tmp_path: Path) -> None:
    async def body(channel: grpc.aio.Channel) -> None:
        call = channel.unary_unary(CANCEL)(b"", timeout=CALL_SECONDS)
        assert await reason(call) == "INTERNAL INTERNAL"

    [record] = with_server(tmp_path, body)
    assert record["method"] == CANCEL[1:]
    assert (record["code"], record["reason"]) == ("INTERNAL", "INTERNAL")
    assert (record["tenant"], record["credential"]) == ("default", "none")


def test_panic_in_a_stream_is_recorded_and_ends_it(tmp_path: Path) -> None:
    async def body(channel: grpc.aio.Channel) -> None:
        call = channel.unary_stream(RESULT)(b"", timeout=CALL_SECONDS)
        assert await call.read() == b"first"
        assert await reason(call.read()) == "INTERNAL INTERNAL"

    [record] = with_server(tmp_path, body)
    assert (record["method"], record["code"]) == (RESULT[1:], "INTERNAL")


def test_request_of_a_stream_is_not_held_while_there_are_responses(tmp_path: Path) -> None:
    async def body(channel: grpc.aio.Channel) -> None:
        decode = error_details_pb2.ErrorInfo.FromString
        run = channel.unary_stream(RUN, response_deserializer=decode)
        responses = [each.reason async for each in run(b"a large program", timeout=CALL_SECONDS)]
        assert responses == ["accepted", "gone"]

    [record] = with_server(tmp_path, body)
    assert (record["method"], record["code"]) == (RUN[1:], "OK")


def test_refusals_are_recorded_up_to_a_rate_and_counted_beyond(tmp_path: Path) -> None:
    async def body(channel: grpc.aio.Channel) -> None:
        wrong = (("authorization", "Bearer garbage"),)
        calls = [
            channel.unary_unary(CANCEL)(b"", metadata=wrong, timeout=CALL_SECONDS)
            for _ in range(300)
        ]
        await asyncio.gather(*calls, return_exceptions=True)
        # Somewhat later there is room for one more.
        async with asyncio.timeout(CALL_SECONDS):
            while "refusals_left_out" not in (tmp_path / "audit.jsonl").read_text():
                await reason(channel.unary_unary(CANCEL)(b"", metadata=wrong))

    records = with_server(tmp_path, body)
    left_out = sum(record.get("refusals_left_out", 0) for record in records)
    assert 100 <= len(records) < 300
    assert left_out > 0
    assert {record["code"] for record in records} == {"UNAUTHENTICATED", "RESOURCE_EXHAUSTED"}


GATEWAYS_WORD = (PEER_HEADER, "192.0.2.7")
SOMEBODYS_WORD = ("x-forwarded-for", "192.0.2.7")


@pytest.mark.parametrize(
    ("peer", "metadata", "address"),
    [
        ("ipv4:192.0.2.1:50123", [], "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:50123", [], "2001:db8::1"),
        ("ipv6:[2001:db8::1]:50123", [], "2001:db8::1"),
        ("unix:/run/longwire", [], "unix"),
        ("unix:", [SOMEBODYS_WORD], "unix"),
        ("unix:", [GATEWAYS_WORD], "192.0.2.7"),
        # Over the network nobody is the gateway.
        ("ipv4:192.0.2.1:50123", [GATEWAYS_WORD], "192.0.2.1"),
    ],
)
def test_address_of_a_caller_has_no_port_and_is_the_gateways_word_on_its_socket_alone(
    peer: str, metadata: list[tuple[str, str]], address: str
) -> None:
    class Context:
        def peer(self) -> str:
            return peer

        def invocation_metadata(self) -> list[tuple[str, str]]:
            return metadata

    assert address_of(Context()) == address
