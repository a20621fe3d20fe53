"""What gRPC's own tools expect of a server: health, reflection, channelz, service config."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from api_tokens import Metadata, make_token, shown, sqlite_url
from every_rpc import RPCS
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from repository import ROOT
from server_process import (
    START_SECONDS,
    ServerProcess,
    configured_server,
    refused_start,
    wait_until,
    wait_until_loaded,
)

from longwire.v1 import backend_service_pb2, job_service_pb2
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.job_service_pb2_grpc import JobServiceStub

SERVICE_CONFIG = ROOT / "protos/longwire/v1/service_config.json"
CONFIG = """
[auth]
required = true

[server]
reflection = true
channelz_address = "localhost:0"
drain_grace_seconds = 1

[[backend]]
name = "basic_simulator"

[[backend]]
name = "secret"
factory = "gated_backend:GatedBackend"
tenants = ["physics"]

[[backend]]
name = "broken"
factory = "no_such_module:Backend"
"""
_Response = health_pb2.HealthCheckResponse


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("citizen")


@pytest.fixture(scope="module")
def user(data_dir: Path) -> Metadata:
    """Whoever watches shows a token; a single check takes none."""
    return shown(make_token(sqlite_url(data_dir), tenant="chemistry"))


@pytest.fixture(scope="module")
def server(data_dir: Path, user: Metadata) -> Iterator[ServerProcess]:
    assert user
    with configured_server(data_dir, CONFIG) as running:
        wait_until(lambda: "backend basic_simulator is ready" in running.log())
        wait_until(lambda: "backend broken is not operational" in running.log())
        yield running


@pytest.fixture
def health(server: ServerProcess) -> Iterator[health_pb2_grpc.HealthStub]:
    with grpc.insecure_channel(server.address) as channel:
        yield health_pb2_grpc.HealthStub(channel)


@pytest.mark.parametrize(
    ("service", "status"),
    [
        ("", _Response.SERVING),
        ("longwire.v1.JobService", _Response.SERVING),
        ("backend/basic_simulator", _Response.SERVING),
        ("backend/broken", _Response.NOT_SERVING),
    ],
)
def test_health_is_told_of_the_server_its_services_and_its_backends(
    health: health_pb2_grpc.HealthStub, user: Metadata, service: str, status: int
) -> None:
    request = health_pb2.HealthCheckRequest(service=service)
    assert health.Check(request).status == status
    assert next(health.Watch(request, metadata=user)).status == status


@pytest.mark.parametrize("service", ["backend/nobody's", "backend/secret", "backend/"])
def test_health_of_a_backend_that_not_everybody_may_know_of_is_not_found(
    health: health_pb2_grpc.HealthStub, user: Metadata, service: str
) -> None:
    request = health_pb2.HealthCheckRequest(service=service)
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(request)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert next(health.Watch(request, metadata=user)).status == _Response.SERVICE_UNKNOWN


def test_watcher_of_a_backend_hears_when_it_is_loaded_and_when_the_server_drains(
    tmp_path: Path, gate: Path
) -> None:
    config = f"""
    [server]
    drain_grace_seconds = 0.2

    [[backend]]
    name = "slow"
    factory = "gated_backend:loaded_behind"
    arguments = {{ gate = "{gate}" }}
    """
    with configured_server(tmp_path, config) as server:
        with grpc.insecure_channel(server.address) as channel:
            request = health_pb2.HealthCheckRequest(service="backend/slow")
            watch = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=START_SECONDS)
            assert next(watch).status == _Response.NOT_SERVING
            gate.touch()
            assert next(watch).status == _Response.SERVING
            server.process.terminate()
            assert next(watch).status == _Response.NOT_SERVING
        server.wait()


def channelz_address(server: ServerProcess) -> str:
    found = re.search(r"channelz at (\S+)", server.log())
    assert found is not None
    return found[1]


def test_channelz_tells_of_calls_on_its_own_port_alone(server: ServerProcess) -> None:
    with grpc.insecure_channel(server.address) as channel:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        request = channelz_pb2.GetServersRequest()
        with pytest.raises(grpc.RpcError) as caught:
            channelz_pb2_grpc.ChannelzStub(channel).GetServers(request)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with grpc.insecure_channel(channelz_address(server)) as channel:
        servers = channelz_pb2_grpc.ChannelzStub(channel).GetServers(request).server
        assert sum(each.data.calls_succeeded for each in servers) >= 1
        with pytest.raises(grpc.RpcError) as caught:
            BackendServiceStub(channel).ListBackends(backend_service_pb2.ListBackendsRequest())
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_port_of_channelz_that_is_taken_is_told(server: ServerProcess, tmp_path: Path) -> None:
    address = channelz_address(server)
    said = refused_start(tmp_path, f'[server]\nchannelz_address = "{address}"\n')
    assert f"cannot listen on {address} for channelz" in said


def test_tools_call_without_files_where_reflection_is_on(tmp_path: Path) -> None:
    config = '[server]\nreflection = true\n[[backend]]\nname = "basic_simulator"\n'
    with configured_server(tmp_path, config) as server:
        wait_until_loaded(server)
        url = f"http://{server.address}/longwire.v1.BackendService/GetBackendStatus"
        command = [str(Path(sys.executable).with_name("buf")), "curl"]
        command += ["--protocol", "grpc", "--http2-prior-knowledge", url]
        command += ["--data", '{"backend_name": "basic_simulator"}']
        said = subprocess.run(
            command, capture_output=True, text=True, timeout=START_SECONDS, check=True
        )
    assert '"operational": true' in said.stdout


class _Reluctant(grpc.GenericRpcHandler):
    """Answers each method at the third time, and with UNAVAILABLE before."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        method = details.method

        def answer(_request: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls[method] += 1
            if self.calls[method] < 3:
                context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


def test_published_service_config_repeats_what_may_be_repeated_and_nothing_else() -> None:
    handler = _Reluctant()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[handler])
    port = server.add_insecure_port("localhost:0")
    server.start()
    options = [("grpc.service_config", SERVICE_CONFIG.read_text())]
    with grpc.insecure_channel(f"localhost:{port}", options=options) as channel:
        jobs = JobServiceStub(channel)
        jobs.GetJob(job_service_pb2.GetJobRequest(), timeout=START_SECONDS)
        with pytest.raises(grpc.RpcError) as caught:
            jobs.SubmitJob(job_service_pb2.SubmitJobRequest(), timeout=START_SECONDS)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    server.stop(None).wait()
    assert handler.calls == {
        "/longwire.v1.JobService/GetJob": 3,
        "/longwire.v1.JobService/SubmitJob": 1,
    }


def test_published_service_config_names_calls_that_there_are() -> None:
    config = json.loads(SERVICE_CONFIG.read_text())
    there = {tuple(path.strip("/").split("/")) for path in RPCS}
    there |= {(service, "") for service, _ in there}
    named = [name for each in config["methodConfig"] for name in each["name"]]
    assert {(name["service"], name.get("method", "")) for name in named} <= there
