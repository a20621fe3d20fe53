"""Every call of every service, made by everybody who may not, and that nothing comes of it.

The calls are those of the service descriptors: one that is new fails here until it is
classified in ``servicers/access_table.py`` and has a request below.
"""

from __future__ import annotations

import dataclasses
import secrets
import socket
import ssl
from collections.abc import Iterator

import grpc
import pytest
from api_tokens import Metadata, make_token, revoke_token, shown, sqlite_url, token_id
from certificates import Authority
from every_rpc import RPCS, call, request_of
from google.protobuf.message import Message
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from server_process import START_SECONDS, configured_server, wait_until
from service_calls import bell_spec, refusal

from longwire.v1 import (
    admin_service_pb2,
    backend_service_pb2,
    job_service_pb2,
    session_service_pb2,
)
from longwire.v1.account_pb2 import Role
from longwire.v1.job_pb2 import JobState
from longwire_server.accounts.roles import ROLES, SCOPES
from longwire_server.servicers.access_table import ACCESS, OPEN

GUARDED = sorted(name for name in RPCS if ACCESS.get(name) is not OPEN)
OPEN_TO_ALL = sorted(name for name in RPCS if name not in GUARDED)
MANAGED = sorted(name for name in GUARDED if ACCESS[name].role > Role.ROLE_USER)
# What names a thing by an id that belongs to a tenant, or asks for a tenant's. Those of
# AdminService reach over all tenants.
OTHERS_THINGS = sorted(
    name
    for name in set(GUARDED) - set(MANAGED)
    if {"job_id", "session_id", "tenant"} & set(RPCS[name].input_type.fields_by_name)
)
ON_A_BACKEND = sorted(
    name
    for name in set(GUARDED) - set(MANAGED)
    if {"backend_name", "spec"} & set(RPCS[name].input_type.fields_by_name)
    and "all_tenants" not in RPCS[name].input_type.fields_by_name
)
OPERATORS_MAY = ("CancelJob", "GetJob", "GetUsage", "ListJobs")
STRANGERS = ("nothing", "garbage", "unknown id", "wrong secret", "expired", "revoked")
CALL_SECONDS = 60.0


@dataclasses.dataclass(frozen=True)
class World:
    """A server with something to lose."""

    channel: grpc.Channel
    address: str
    authority: Authority
    tokens: dict[str, str]
    job_id: str
    session_id: str
    at_first: list[object] = dataclasses.field(default_factory=list)

    def call(self, rpc: str, request: Message, metadata: Metadata | None) -> list[Message]:
        """Makes a call, and returns its responses; of an endless stream the first one."""
        return call(self.channel, rpc, request, metadata)

    def shown(self, whom: str) -> Metadata | None:
        """What somebody shows."""
        return None if whom == "nothing" else shown(self.tokens[whom])

    def snapshot(self) -> list[object]:
        """Everything that somebody could have changed."""
        admin = shown(self.tokens["admin"])
        listed = self.call(
            "/longwire.v1.JobService/ListJobs",
            job_service_pb2.ListJobsRequest(all_tenants=True),
            admin,
        )
        jobs = [(job.job_id, job.status.status, job.name, *job.tags) for job in listed[0].jobs]
        reads = {
            "/longwire.v1.AdminService/ListTokens": admin_service_pb2.ListTokensRequest(),
            "/longwire.v1.AdminService/ListTenants": admin_service_pb2.ListTenantsRequest(),
            "/longwire.v1.BackendService/ListBackends": backend_service_pb2.ListBackendsRequest(),
        }
        found = [self.call(rpc, request, admin)[0] for rpc, request in reads.items()]
        request = session_service_pb2.GetSessionRequest(session_id=self.session_id)
        owner = shown(self.tokens["owner"])
        session = self.call("/longwire.v1.SessionService/GetSession", request, owner)[0].session
        health = self.call("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(), None)
        return [jobs, *found, session.state, *health]


CONFIG = """
[server]
reflection = true

[limits]
session_idle_seconds = 900

[tls]
certificate = "server.pem"
key = "server.key"

[auth]
failures_per_minute = 1_000_000

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
tenants = ["physics"]
"""


def _tokens(url: str) -> dict[str, str]:
    texts = {
        "owner": make_token(url),
        "stranger": make_token(url, tenant="chemistry"),
        "operator": make_token(url, role=Role.ROLE_OPERATOR),
        "foreign operator": make_token(url, tenant="chemistry", role=Role.ROLE_OPERATOR),
        "admin": make_token(url, role=Role.ROLE_ADMIN),
        "expired": make_token(url, role=Role.ROLE_ADMIN, lifetime_seconds=1, age_seconds=60),
        "revoked": make_token(url, role=Role.ROLE_ADMIN),
        "garbage": "let me in",
    }
    for scope in SCOPES.values():
        others = [each for each in SCOPES.values() if each != scope]
        texts[f"all but {scope}"] = make_token(url, role=Role.ROLE_ADMIN, scopes=others)
    revoke_token(url, texts["revoked"])
    right = texts["admin"]
    texts["unknown id"] = right.replace(token_id(right), secrets.token_hex(8))
    texts["wrong secret"] = f"lw_{token_id(right)}_{secrets.token_urlsafe(32)}"
    return texts


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data_dir = tmp_path_factory.mktemp("matrix")
    authority = Authority()
    authority.issue().write(data_dir, "server")
    tokens = _tokens(sqlite_url(data_dir))
    gate = data_dir / "gate"
    with configured_server(data_dir, CONFIG) as server:
        credentials = grpc.ssl_channel_credentials(authority.pem)
        with grpc.secure_channel(server.address, credentials) as channel:
            owner = shown(tokens["owner"])
            spec = bell_spec(gate=gate)
            job_id = call(
                channel,
                "/longwire.v1.JobService/SubmitJob",
                job_service_pb2.SubmitJobRequest(spec=spec),
                owner,
            )[0].job.job_id
            get = job_service_pb2.GetJobRequest(job_id=job_id)

            def is_running() -> bool:
                found = call(channel, "/longwire.v1.JobService/GetJob", get, owner)[0].job
                return bool(found.status.status == JobState.JOB_STATE_RUNNING)

            wait_until(is_running)
            opening = session_service_pb2.OpenSessionRequest(backend_name="gated")
            session = call(channel, "/longwire.v1.SessionService/OpenSession", opening, owner)[0]
            made = World(
                channel, server.address, authority, tokens, job_id, session.session.session_id
            )
            made.at_first.extend(made.snapshot())
            yield made
            gate.touch()
        assert "error " not in server.log(), server.log()


def _request(world: World, rpc: str, **ids: str) -> Message:
    given = {"job_id": world.job_id, "session_id": world.session_id, **ids}
    return request_of(rpc, **given, about=token_id(world.tokens["admin"]))


def _refusal(
    world: World, rpc: str, request: Message, whom: str
) -> tuple[int, str, dict[str, str]]:
    """The code, the reason and the details of a refusal, of which nothing came."""
    status, info = refusal(lambda: world.call(rpc, request, world.shown(whom)))
    assert world.snapshot() == world.at_first
    return status.code, info.reason, dict(info.metadata)


def test_every_call_of_every_service_is_classified_and_no_other() -> None:
    assert sorted(ACCESS) == sorted(RPCS)


def test_calls_that_are_open_to_all_are_these() -> None:
    assert OPEN_TO_ALL == ["/grpc.health.v1.Health/Check"]


def test_server_has_no_other_services(world: World) -> None:
    answer = world.call(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest(list_services="*"),
        world.shown("owner"),
    )
    names = [service.name for service in answer[0].list_services_response.service]
    assert sorted(names) == sorted({rpc.split("/")[1] for rpc in RPCS})


@pytest.mark.parametrize("whom", STRANGERS)
@pytest.mark.parametrize("rpc", OPEN_TO_ALL)
def test_call_open_to_all_is_answered(world: World, rpc: str, whom: str) -> None:
    assert world.call(rpc, _request(world, rpc), world.shown(whom))


@pytest.mark.parametrize("whom", STRANGERS)
@pytest.mark.parametrize("rpc", GUARDED)
def test_call_of_a_stranger_is_unauthenticated(world: World, rpc: str, whom: str) -> None:
    found = _refusal(world, rpc, _request(world, rpc), whom)
    assert found == (code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED", {})


@pytest.mark.parametrize(
    ("rpc", "whom"),
    [
        (rpc, whom)
        for rpc in MANAGED
        for whom, role in (("owner", Role.ROLE_USER), ("operator", Role.ROLE_OPERATOR))
        if role < ACCESS[rpc].role
    ],
)
def test_call_below_its_role_is_denied(world: World, rpc: str, whom: str) -> None:
    code, reason, details = _refusal(world, rpc, _request(world, rpc), whom)
    assert (code, reason) == (code_pb2.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert ROLES[details["role"]] == ACCESS[rpc].role


@pytest.mark.parametrize("rpc", [rpc for rpc in GUARDED if ACCESS[rpc].scope is not None])
def test_call_without_its_scope_is_denied(world: World, rpc: str) -> None:
    scope = ACCESS[rpc].scope
    code, reason, details = _refusal(world, rpc, _request(world, rpc), f"all but {scope}")
    assert (code, reason) == (code_pb2.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert SCOPES[details["scope"]] == scope


@pytest.mark.parametrize("rpc", OTHERS_THINGS)
def test_call_about_another_tenants_thing_is_as_with_one_that_is_not(
    world: World, rpc: str
) -> None:
    found = _refusal(world, rpc, _request(world, rpc), "stranger")
    if "tenant" in RPCS[rpc].input_type.fields_by_name:
        assert found == (code_pb2.PERMISSION_DENIED, "PERMISSION_DENIED", {"role": "operator"})
        return
    kind = "SESSION" if "session_id" in RPCS[rpc].input_type.fields_by_name else "JOB"
    assert found == (code_pb2.NOT_FOUND, f"{kind}_NOT_FOUND", {})
    guessed = secrets.token_hex(16)
    request = _request(world, rpc, job_id=guessed, session_id=guessed)
    assert _refusal(world, rpc, request, "stranger") == found
    assert _refusal(world, rpc, request, "owner") == found


@pytest.mark.parametrize(
    "rpc", [rpc for rpc in OTHERS_THINGS if rpc.rpartition("/")[2] not in OPERATORS_MAY]
)
def test_operator_reaches_no_further_than_records(world: World, rpc: str) -> None:
    """Programs and results are not for operators of another tenant, nor sessions or labels."""
    code, _, _ = _refusal(world, rpc, _request(world, rpc), "foreign operator")
    assert code == code_pb2.NOT_FOUND


@pytest.mark.parametrize("rpc", ON_A_BACKEND)
def test_call_about_a_backend_of_other_tenants_finds_none(world: World, rpc: str) -> None:
    code, reason, details = _refusal(world, rpc, _request(world, rpc), "stranger")
    assert (code, reason) == (code_pb2.NOT_FOUND, "BACKEND_NOT_FOUND")
    assert "gated" not in str(details)


@pytest.mark.parametrize("rpc", sorted(RPCS))
def test_call_in_plain_text_or_over_a_wrong_authority_reaches_nobody(
    world: World, rpc: str
) -> None:
    """Neither are tokens sent where the server does not prove who it is."""
    wrong = grpc.ssl_channel_credentials(Authority("wrong").pem)
    for channel in (
        grpc.insecure_channel(world.address),
        grpc.secure_channel(world.address, wrong),
    ):
        with channel, pytest.raises(grpc.RpcError) as caught:
            call(channel, rpc, _request(world, rpc), world.shown("admin"))
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert world.snapshot() == world.at_first


def test_connection_with_old_tls_is_refused(world: World) -> None:
    host, _, port = world.address.rpartition(":")
    context = ssl.create_default_context(cadata=world.authority.pem.decode())
    context.set_ciphers("ALL:@SECLEVEL=0")
    for bound in ("minimum_version", "maximum_version"):
        with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
            setattr(context, bound, ssl.TLSVersion.TLSv1_1)
    with (
        socket.create_connection((host, int(port)), START_SECONDS) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
