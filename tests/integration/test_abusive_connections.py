"""Connections that mean no good: they end, and honest users notice nothing."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import grpc.aio
import http2_frames as http2
import pytest
from circuits import bell
from proxy import proxy_to
from server_process import ServerProcess, configured_server, resident_bytes, wait_until

from longwire import RemoteProvider
from longwire.v1 import backend_service_pb2
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire_server import listening
from longwire_server.config.model import ServerConfig

HANDSHAKE_SECONDS = 2
MAX_CALLS = 100
# Generous: other work may load the machine. The default of gRPC is 120 s.
SOON_SECONDS = 60
CONFIG = f"""
[auth]
required = false

[connections]
max_connections = 100
max_calls = {MAX_CALLS}
handshake_seconds = {HANDSHAKE_SECONDS}
idle_seconds = 2

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with narrow limits."""
    with configured_server(tmp_path_factory.mktemp("server"), CONFIG) as running:
        yield running


@pytest.fixture
def honest(server: ServerProcess) -> Iterator[RemoteProvider]:
    """A user who has been there before."""
    with RemoteProvider(server.address, timeout_seconds=120) as provider:
        assert provider.backends()
        yield provider


def connected(server: ServerProcess) -> socket.socket:
    host, port = server.address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=SOON_SECONDS)


def seconds_until_closed(connection: socket.socket) -> float:
    """How long the other side keeps a connection on which nothing is said."""
    began = time.monotonic()
    _, is_over = http2.read_frames(connection, SOON_SECONDS)
    assert is_over
    return time.monotonic() - began


def runs_a_job(provider: RemoteProvider) -> bool:
    return bool(provider.get_backend("gated").run(bell(), shots=10).result().success)


@pytest.mark.parametrize(
    "said", [b"", http2.PREFACE[:9], http2.PREFACE], ids=["nothing", "half", "no_settings"]
)
def test_silent_connection_is_closed_while_honest_calls_go_on(
    server: ServerProcess, honest: RemoteProvider, said: bytes
) -> None:
    silent = [connected(server) for _ in range(30)]
    for connection in silent:
        connection.sendall(said)
    assert runs_a_job(honest)
    assert all(seconds_until_closed(connection) < SOON_SECONDS for connection in silent)
    for connection in silent:
        connection.close()


def test_connection_without_calls_is_closed(server: ServerProcess) -> None:
    with connected(server) as connection:
        connection.sendall(http2.opening())
        assert seconds_until_closed(connection) < SOON_SECONDS


def test_connection_that_pings_without_end_is_closed(server: ServerProcess) -> None:
    with connected(server) as connection:
        connection.sendall(http2.opening() + 10 * http2.ping())
        kinds, is_over = http2.read_frames(connection, SOON_SECONDS)
    assert is_over
    assert kinds[http2.GOAWAY]


def test_connections_above_the_limit_are_closed_and_room_comes_back(
    server: ServerProcess, honest: RemoteProvider
) -> None:
    many = [connected(server) for _ in range(150)]
    closed = 0
    for connection in many:
        _, is_over = http2.read_frames(connection, 0.01)
        closed += is_over
    assert closed >= 50
    # The honest user's own connection may have been idle for too long by now.
    wait_until(lambda: runs_a_job(honest))
    for connection in many:
        connection.close()


@pytest.mark.parametrize("metadata_bytes", [17_000, 200_000])
def test_oversized_metadata_is_refused_for_its_sender_alone(
    server: ServerProcess, honest: RemoteProvider, metadata_bytes: int
) -> None:
    request = backend_service_pb2.ListBackendsRequest()
    with grpc.insecure_channel(server.address) as channel:
        stub = BackendServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.ListBackends(request, metadata=(("x-much", metadata_bytes * "x"),), timeout=60)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert stub.ListBackends(request, metadata=(("x-some", 8_000 * "x"),), timeout=60)
    assert runs_a_job(honest)


def test_metadata_without_end_is_refused_for_its_sender_alone(
    server: ServerProcess, honest: RemoteProvider
) -> None:
    with connected(server) as connection:
        connection.sendall(http2.opening() + http2.frame(http2.HEADERS, 0, 1))
        piece = http2.frame(http2.CONTINUATION, 0, 1, b"\x00\x01a\x7f\x81\x7c" + 16_000 * b"x")
        try:
            for _ in range(2_000):
                connection.sendall(piece)
        except (ConnectionError, TimeoutError):
            pass
        assert runs_a_job(honest)
    assert resident_bytes(server.pid) < 1_000_000_000


def test_flood_of_calls_on_one_connection_is_refused_above_the_limit(
    server: ServerProcess, honest: RemoteProvider
) -> None:
    with connected(server) as connection:
        calls = [http2.call(2 * n + 1, http2.LIST_BACKENDS) for n in range(5 * MAX_CALLS)]
        connection.sendall(http2.opening() + b"".join(calls))
        kinds, _ = http2.read_frames(connection, 2)
        assert runs_a_job(honest)
    assert kinds[http2.RST_STREAM] >= 3 * MAX_CALLS


def test_flood_of_calls_that_are_reset_at_once_leaves_others_alone(
    server: ServerProcess, honest: RemoteProvider
) -> None:
    with connected(server) as connection:
        connection.sendall(http2.opening())
        for n in range(10_000):
            stream = 2 * n + 1
            try:
                connection.sendall(http2.call(stream, http2.LIST_BACKENDS) + http2.reset(stream))
            except ConnectionError:
                break
        assert runs_a_job(honest)


class _Watches(grpc.GenericRpcHandler):
    """Answers every call with a stream that says one thing, and notices when it is over."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_stream_rpc_method_handler(self._watch)

    async def _watch(self, _request: bytes, _context: object) -> AsyncIterator[bytes]:
        try:
            yield b"begun"
            await asyncio.Event().wait()
        finally:
            self.over.set()


def test_watch_of_a_peer_that_fell_silent_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing closes its connection: it went away with its network, or means to stay."""
    monkeypatch.setattr(listening, "_KEEPALIVE_SECONDS", 1)
    monkeypatch.setattr(listening, "_KEEPALIVE_TIMEOUT_SECONDS", 1)

    async def body() -> None:
        watches = _Watches()
        server = grpc.aio.server(
            handlers=[watches], options=listening.server_options(ServerConfig())
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        with proxy_to(f"127.0.0.1:{port}") as proxy:
            async with grpc.aio.insecure_channel(proxy.address) as channel:
                call = channel.unary_stream("/a.Service/Watch")(b"")
                assert await call.read() == b"begun"
                proxy.stall()
                await asyncio.wait_for(watches.over.wait(), SOON_SECONDS)
                call.cancel()
        await server.stop(None)

    asyncio.run(body())
