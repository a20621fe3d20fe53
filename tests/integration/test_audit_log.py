"""One record for each call that is to be recorded, whatever shows who makes it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from api_tokens import Metadata, make_token, shown, sqlite_url, token_id
from certificates import Authority
from every_rpc import ENDLESS, request_of, responses
from google.protobuf.message import Message
from server_process import ServerProcess, configured_server, wait_until
from service_calls import bell_spec

from longwire.v1 import account_service_pb2, job_service_pb2
from longwire.v1.account_pb2 import Role
from longwire.v1.account_service_pb2_grpc import AccountServiceStub
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire_server.servicers.access_table import ACCESS, Audit

CONFIG = """
[server]
reflection = true
drain_grace_seconds = 1

[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"

[[auth.certificate]]
subject = "CN=root"
tenant = "physics"
role = "admin"

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""
GUARDED = sorted(rpc for rpc, access in ACCESS.items() if access is not None)
LAST = "/longwire.v1.AdminService/DrainServer"
UNDONE_BY = {
    "/longwire.v1.AdminService/PauseBackend": "/longwire.v1.AdminService/ResumeBackend",
    "/longwire.v1.SessionService/OpenSession": "/longwire.v1.SessionService/CloseSession",
}
# A token that the server has in memory, one of which it does not know yet, and none.
CREDENTIALS = ("known token", "new token", "certificate")
GET = "/longwire.v1.JobService/GetJob"
LIST = "/longwire.v1.JobService/ListJobs"
USAGE = "/longwire.v1.AccountService/GetUsage"


@dataclasses.dataclass(frozen=True)
class Site:
    """A server that records who did what, and a connection for each kind of caller."""

    data_dir: Path
    server: ServerProcess
    plain: grpc.Channel
    """With a certificate that says nothing."""

    certified: grpc.Channel
    """Of an admin by its certificate."""

    admin: str

    def token(self, **facts: Any) -> str:
        """Makes a token of which the server does not know yet."""
        return make_token(sqlite_url(self.data_dir), **facts)

    def admin_by(self, credential: str) -> tuple[grpc.Channel, Metadata | None]:
        """Where an admin calls, and what it shows."""
        if credential == "certificate":
            return self.certified, None
        if credential == "known token":
            # Since a token was made, the server looks for it with the next call.
            whoami = account_service_pb2.WhoAmIRequest()
            AccountServiceStub(self.plain).WhoAmI(whoami, metadata=shown(self.admin))
            return self.plain, shown(self.admin)
        return self.plain, shown(self.token(role=Role.ROLE_ADMIN, name="new"))

    def job(self) -> str:
        """A job of physics that is done."""
        call = JobServiceStub(self.plain).RunJob(
            job_service_pb2.RunJobRequest(spec=bell_spec()), metadata=shown(self.admin)
        )
        return [event.job_id for response in call for event in response.events][-1]

    def records(self) -> list[dict[str, Any]]:
        """All of the log."""
        lines = (self.data_dir / "audit.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def called(
        self, rpc: str, request: Message, channel: grpc.Channel, metadata: Metadata | None
    ) -> tuple[str, list[dict[str, Any]]]:
        """Makes a call, and returns the code with which it ended and the records of it."""
        before = len(self.records())
        try:
            for _ in responses(channel, rpc, request, metadata):
                if rpc in ENDLESS:
                    break
            code = "OK"
        except grpc.RpcError as error:
            code = error.code().name
        return code, self.records()[before:]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data_dir = tmp_path_factory.mktemp("site")
    authority = Authority()
    authority.issue().write(data_dir, "server")
    authority.write(data_dir / "ca.pem")
    admin = make_token(sqlite_url(data_dir), role=Role.ROLE_ADMIN, name="root")
    pairs = [authority.issue(["somewhere.example.org"], name=name) for name in ("nobody", "root")]
    nobody, root = (
        grpc.ssl_channel_credentials(authority.pem, pair.key, pair.certificate) for pair in pairs
    )
    with (
        configured_server(data_dir, CONFIG) as server,
        grpc.secure_channel(server.address, nobody) as first,
        grpc.secure_channel(server.address, root) as second,
    ):
        yield Site(data_dir, server, first, second, admin)


def _made(site: Site, rpc: str, job_id: str) -> Message:
    """A request about a job, a session that is not, and a token made for that."""
    about = token_id(site.token(name="victim"))
    return request_of(rpc, job_id=job_id, session_id="0" * 32, about=about)


def _undo(site: Site, rpc: str, records: list[dict[str, Any]]) -> None:
    """Lets jobs run again."""
    again = {
        "PauseBackend": "AdminService/ResumeBackend",
        "OpenSession": "SessionService/CloseSession",
    }
    if undoing := again.get(rpc.rpartition("/")[2]):
        other = f"/longwire.v1.{undoing}"
        session_id = records[-1].get("session_id", "")
        request = request_of(other, job_id="", session_id=session_id)
        assert site.called(other, request, site.plain, shown(site.admin))[0] == "OK"


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("rpc", [rpc for rpc in GUARDED if rpc != LAST])
def test_call_is_recorded_once_if_it_is_to_be(site: Site, rpc: str, credential: str) -> None:
    request = _made(site, rpc, site.job())
    channel, metadata = site.admin_by(credential)
    code, records = site.called(rpc, request, channel, metadata)
    access = ACCESS[rpc]
    assert access is not None
    if access.audit is not Audit.ALWAYS:
        assert records == []
        return
    [record] = records
    assert (record["method"], record["code"]) == (rpc[1:], code)
    assert (record["tenant"], record["role"]) == ("physics", "admin")
    assert record["credential"] == credential.split()[-1]
    if metadata is not None:
        assert record["token_id"] == token_id(metadata[0][1])
    for field, fact in (
        ("job_id", "job_id"),
        ("session_id", "session_id"),
        ("backend_name", "backend_name"),
        ("token_id", "about_token_id"),
    ):
        if field in request.DESCRIPTOR.fields_by_name:
            assert record[fact] == getattr(request, field)
    _undo(site, rpc, records)


def _asked(rpc: str, tenant: str, *, all_tenants: bool = False) -> Message:
    if rpc == LIST:
        return job_service_pb2.ListJobsRequest(tenant=tenant, all_tenants=all_tenants)
    return account_service_pb2.GetUsageRequest(tenant=tenant, all_tenants=all_tenants)


@pytest.mark.parametrize("rpc", [LIST, USAGE])
def test_question_about_other_tenants_is_recorded_and_about_ones_own_is_not(
    site: Site, rpc: str
) -> None:
    operator = shown(site.token(tenant="lab", role=Role.ROLE_OPERATOR))
    for tenant in ("", "lab"):
        assert site.called(rpc, _asked(rpc, tenant), site.plain, operator) == ("OK", [])
    code, [record] = site.called(rpc, _asked(rpc, "physics"), site.plain, operator)
    assert (code, record["code"], record["about_tenant"]) == ("OK", "OK", "physics")
    code, [record] = site.called(rpc, _asked(rpc, "", all_tenants=True), site.plain, operator)
    assert (code, record["code"], record["all_tenants"]) == ("OK", "OK", True)
    user = shown(site.token(tenant="chemistry", name="eve"))
    code, [record] = site.called(rpc, _asked(rpc, "physics"), site.plain, user)
    assert code == record["code"] == "PERMISSION_DENIED"
    assert (record["subject"], record["about_tenant"]) == ("eve", "physics")


def test_look_at_another_tenants_job_is_recorded_and_at_ones_own_is_not(site: Site) -> None:
    job_id = site.job()
    request = job_service_pb2.GetJobRequest(job_id=job_id)
    text = site.token(tenant="lab", name="olga", role=Role.ROLE_OPERATOR)
    code, [record] = site.called(GET, request, site.plain, shown(text))
    assert code == "OK"
    facts = ("method", "tenant", "subject", "token_id", "job_id", "about_tenant", "code")
    assert tuple(record[fact] for fact in facts) == (
        GET[1:],
        "lab",
        "olga",
        token_id(text),
        job_id,
        "physics",
        "OK",
    )
    own = shown(site.token(role=Role.ROLE_OPERATOR))
    assert site.called(GET, request, site.plain, own) == ("OK", [])
    stranger = shown(site.token(tenant="chemistry"))
    assert site.called(GET, request, site.plain, stranger) == ("NOT_FOUND", [])


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_job_is_recorded_when_it_is_accepted_and_not_again_at_its_end(
    site: Site, gate: Path, credential: str
) -> None:
    channel, metadata = site.admin_by(credential)
    before = len(site.records())
    call = responses(
        channel,
        "/longwire.v1.JobService/RunJob",
        job_service_pb2.RunJobRequest(spec=bell_spec(gate=gate)),
        metadata,
    )
    job_id = next(call).events[0].job_id
    [record] = site.records()[before:]
    assert (record["job_id"], record["code"]) == (job_id, "OK")
    gate.touch()
    assert list(call)[-1].events[-1].HasField("finished")
    assert site.records()[before:] == [record]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_watch_that_its_caller_leaves_is_recorded_at_its_end(
    site: Site, gate: Path, credential: str
) -> None:
    request = job_service_pb2.SubmitJobRequest(spec=bell_spec(gate=gate))
    submitted = JobServiceStub(site.plain).SubmitJob(request, metadata=shown(site.admin))
    channel, metadata = site.admin_by(credential)
    before = len(site.records())
    call = responses(
        channel,
        "/longwire.v1.JobService/WatchJob",
        job_service_pb2.WatchJobRequest(job_id=submitted.job.job_id),
        metadata,
    )
    next(call)
    assert site.records()[before:] == []
    call.cancel()
    wait_until(lambda: site.records()[before:])
    [record] = site.records()[before:]
    assert (record["job_id"], record["code"]) == (submitted.job.job_id, "CANCELLED")


def test_drain_is_recorded(site: Site) -> None:
    """The last one here: afterwards there is no server."""
    request = request_of(LAST, job_id="", session_id="")
    code, [record] = site.called(LAST, request, site.plain, shown(site.admin))
    assert (code, record["code"], record["method"]) == ("OK", "OK", LAST[1:])
    assert site.server.wait() == 0
