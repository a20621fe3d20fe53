"""Who calls: tokens, their ends, the audit log, and that secrets are nowhere."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from api_tokens import make_token, shown, sqlite_url, token_id
from google.rpc import code_pb2
from server_process import DRIVERS, ServerProcess, configured_server, wait_until_loaded
from service_calls import bell_spec, refusal

from longwire.v1 import (
    account_service_pb2,
    admin_service_pb2,
    backend_service_pb2,
    job_service_pb2,
)
from longwire.v1.account_pb2 import CredentialKind, Role, Scope
from longwire.v1.account_service_pb2_grpc import AccountServiceStub
from longwire.v1.admin_service_pb2_grpc import AdminServiceStub
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CALL_SECONDS = 120.0
POOL = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""
# As an operator does who looks for a mistake. Workers inherit it, too.
_LOUD = "import logging\nlogging.basicConfig(level=logging.DEBUG)\n"


class House:
    """A server that asks who calls, and its tokens."""

    def __init__(self, server: ServerProcess, data_dir: Path, channel: grpc.Channel) -> None:
        self.server = server
        self.data_dir = data_dir
        self.jobs = JobServiceStub(channel)
        self.backends = BackendServiceStub(channel)
        self.accounts = AccountServiceStub(channel)
        self.admins = AdminServiceStub(channel)
        self.texts: list[str] = []
        self.admin = self.token(role=Role.ROLE_ADMIN, name="root")

    def token(self, **facts: Any) -> str:
        """Makes a token, beside the server that runs."""
        self.texts.append(make_token(sqlite_url(self.data_dir), **facts))
        return self.texts[-1]

    def whoami(self, text: str | None) -> account_service_pb2.WhoAmIResponse:
        return self.accounts.WhoAmI(
            account_service_pb2.WhoAmIRequest(),
            metadata=None if text is None else shown(text),
            timeout=CALL_SECONDS,
        )

    def revoke(self, text: str) -> None:
        request = admin_service_pb2.RevokeTokenRequest(token_id=token_id(text))
        answer = self.admins.RevokeToken(request, metadata=shown(self.admin), timeout=CALL_SECONDS)
        assert answer.token.HasField("revoke_time")

    def submit(self, text: str, **spec: Any) -> str:
        request = job_service_pb2.SubmitJobRequest(spec=bell_spec(**spec))
        answer = self.jobs.SubmitJob(request, metadata=shown(text), timeout=CALL_SECONDS)
        return str(answer.job.job_id)

    def records(self, **facts: str) -> list[dict[str, Any]]:
        """The audit records with these facts."""
        lines = (self.data_dir / "audit.jsonl").read_text().splitlines()
        found = [json.loads(line) for line in lines]
        return [each for each in found if facts.items() <= each.items()]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data_dir = tmp_path_factory.mktemp("house")
    (data_dir / "loud").mkdir()
    (data_dir / "loud" / "sitecustomize.py").write_text(_LOUD)
    environment = {"PYTHONPATH": f"{DRIVERS}:{data_dir / 'loud'}", "PYTHONASYNCIODEBUG": "1"}
    config = f"[auth]\nrequired = true\nfailures_per_minute = 1000\n{POOL}"
    with (
        configured_server(data_dir, config, environment=environment) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        yield House(server, data_dir, channel)


def ends(call: Callable[[], Any]) -> str:
    """The message with which a call ends as unauthenticated."""
    status, info = refusal(call)
    assert (status.code, info.reason) == (code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED")
    return str(status.message)


def test_caller_is_told_who_it_is(house: House) -> None:
    text = house.token(name="bob", tenant="chemistry", backend_names=["gated"])
    answer = house.whoami(text)
    account = answer.account
    assert (account.tenant, account.subject, account.role) == ("chemistry", "bob", Role.ROLE_USER)
    assert list(account.scopes) == [Scope.SCOPE_READ, Scope.SCOPE_SUBMIT]
    assert list(account.backend_names) == ["gated"]
    assert account.credential_kind == CredentialKind.CREDENTIAL_KIND_TOKEN
    assert account.token_id == token_id(text)
    assert answer.tenant.name == "chemistry"


def test_token_made_over_the_wire_is_good_and_listed_without_its_secret(house: House) -> None:
    admin = {"metadata": shown(house.admin), "timeout": CALL_SECONDS}
    request = admin_service_pb2.CreateTokenRequest(
        name="carol", tenant="physics", role=Role.ROLE_USER, scopes=[Scope.SCOPE_READ]
    )
    made = house.admins.CreateToken(request, **admin)
    house.texts.append(made.secret)
    assert house.whoami(made.secret).account.subject == "carol"
    listed = house.admins.ListTokens(admin_service_pb2.ListTokensRequest(), **admin)
    assert made.token in listed.tokens
    assert made.secret.split("_", 2)[2] not in str(listed)
    [record] = house.records(about_token_id=made.token.token_id)
    assert record["method"] == "longwire.v1.AdminService/CreateToken"
    assert (record["subject"], record["role"], record["code"]) == ("root", "admin", "OK")


def test_token_that_is_not_is_not_revoked(house: House) -> None:
    request = admin_service_pb2.RevokeTokenRequest(token_id="0" * 16)
    status, info = refusal(lambda: house.admins.RevokeToken(request, metadata=shown(house.admin)))
    assert (status.code, info.reason) == (code_pb2.NOT_FOUND, "TOKEN_NOT_FOUND")


@pytest.mark.parametrize("by", ["call", "command"])
def test_streams_end_when_their_token_is_revoked_and_their_jobs_go_on(
    house: House, tmp_path: Path, by: str
) -> None:
    gate = tmp_path / "gate"
    text, other = house.token(), house.token()
    run = house.jobs.RunJob(
        job_service_pb2.RunJobRequest(spec=bell_spec(gate=gate)),
        metadata=shown(text),
        timeout=CALL_SECONDS,
    )
    job_id = next(run).events[0].job_id
    status = house.backends.WatchBackendStatus(
        backend_service_pb2.WatchBackendStatusRequest(backend_name="gated"),
        metadata=shown(text),
        timeout=CALL_SECONDS,
    )
    assert next(status).backend_status.backend_name == "gated"
    if by == "call":
        house.revoke(text)
    else:
        command = [sys.executable, "-m", "longwire_server", "token", "revoke", token_id(text)]
        subprocess.run([*command, "--data-dir", str(house.data_dir)], check=True)
    assert "was revoked" in ends(lambda: run)
    assert "was revoked" in ends(lambda: status)
    assert "was revoked" in ends(lambda: [house.whoami(text)])
    gate.touch()
    watch = house.jobs.WatchJob(
        job_service_pb2.WatchJobRequest(job_id=job_id), metadata=shown(other), timeout=CALL_SECONDS
    )
    last = [event for response in watch for event in response.events][-1]
    assert last.finished.job.status.status == JobState.JOB_STATE_DONE


def test_stream_ends_when_its_token_expires(house: House) -> None:
    text = house.token(lifetime_seconds=3)
    watch = house.backends.WatchBackendStatus(
        backend_service_pb2.WatchBackendStatusRequest(backend_name="gated"),
        metadata=shown(text),
        timeout=CALL_SECONDS,
    )
    assert "has expired" in ends(lambda: watch)
    assert "has expired" in ends(lambda: [house.whoami(text)])


@pytest.mark.parametrize(
    ("value", "is_good"),
    [("Bearer {}", True), ("bearer {}", True), ("{}", False), ("Basic {}", False)],
    ids=["Bearer", "bearer", "bare", "Basic"],
)
def test_token_is_shown_as_a_bearer(house: House, value: str, is_good: bool) -> None:
    def call() -> list[account_service_pb2.WhoAmIResponse]:
        request = account_service_pb2.WhoAmIRequest()
        metadata = (("authorization", value.format(house.admin)),)
        return [house.accounts.WhoAmI(request, metadata=metadata, timeout=CALL_SECONDS)]

    if is_good:
        assert call()[0].account.subject == "root"
    else:
        ends(call)


def test_two_credentials_in_one_call_are_none(house: House) -> None:
    metadata = (*shown(house.admin), *shown(house.token()))
    request = account_service_pb2.WhoAmIRequest()
    ends(lambda: [house.accounts.WhoAmI(request, metadata=metadata)])


def test_large_request_of_a_stranger_is_refused_unread(house: House) -> None:
    """A request above the limit would be RESOURCE_EXHAUSTED, had anybody begun to read it."""
    spec = bell_spec()
    spec.program.payloads.append(b"x" * (40 << 20))
    ends(lambda: [house.jobs.SubmitJob(job_service_pb2.SubmitJobRequest(spec=spec))])


def test_audit_log_says_who_did_what_to_which_job(house: House, tmp_path: Path) -> None:
    text = house.token(name="dave", tenant="biology")
    operator = house.token(name="olga", tenant="lab", role=Role.ROLE_OPERATOR)
    job_id = house.submit(text, gate=tmp_path / "never")
    cancel = job_service_pb2.CancelJobRequest(job_id=job_id)
    house.jobs.CancelJob(cancel, metadata=shown(operator), timeout=CALL_SECONDS)
    result = job_service_pb2.GetResultRequest(job_id=job_id)
    refusal(lambda: house.jobs.GetResult(result, metadata=shown(operator)))
    delete = job_service_pb2.DeleteJobRequest(job_id=job_id)
    house.jobs.DeleteJob(delete, metadata=shown(text), timeout=CALL_SECONDS)
    records = house.records(job_id=job_id)
    facts = ("subject", "tenant", "role", "method", "code", "reason")
    service = "longwire.v1.JobService"
    assert [tuple(record.get(fact) for fact in facts) for record in records] == [
        ("dave", "biology", "user", f"{service}/SubmitJob", "OK", None),
        ("olga", "lab", "operator", f"{service}/CancelJob", "OK", None),
        ("olga", "lab", "operator", f"{service}/GetResult", "NOT_FOUND", "JOB_NOT_FOUND"),
        ("dave", "biology", "user", f"{service}/DeleteJob", "OK", None),
    ]
    assert records[0]["token_id"] == token_id(text)
    assert records[0]["backend_name"] == "gated"
    assert records[0]["address"] in ("127.0.0.1", "::1")
    assert set(records[0]) >= {"time", "duration_ms"}


def test_audit_log_has_refused_strangers_and_what_they_lack(house: House) -> None:
    text = house.token(name="eve")
    request = admin_service_pb2.ListTokensRequest()
    refusal(lambda: house.admins.ListTokens(request, metadata=shown(text)))
    [record] = house.records(subject="eve")
    assert (record["code"], record["method"]) == (
        "PERMISSION_DENIED",
        "longwire.v1.AdminService/ListTokens",
    )
    before = len(house.records(code="UNAUTHENTICATED"))
    wrong = text[:-5] + "AAAAA"
    ends(lambda: [house.whoami(wrong)])
    records = house.records(code="UNAUTHENTICATED")
    assert len(records) == before + 1
    assert records[-1]["shown_token_id"] == token_id(text)
    assert not {"subject", "tenant", "token_id"} & set(records[-1])


def test_text_of_a_caller_forges_no_record(house: House) -> None:
    forged = '"}\n{"time": "now", "subject": "root", "code": "OK"}\n\u2028' + "x" * 1000
    request = job_service_pb2.CancelJobRequest(job_id=forged)
    num_lines = len(house.records())
    refusal(lambda: house.jobs.CancelJob(request, metadata=shown(house.admin)))
    records = house.records()
    assert len(records) == num_lines + 1
    assert records[-1]["job_id"] == forged[:256]
    assert records[-1]["code"] == "NOT_FOUND"


def test_audit_log_is_its_owners_alone_also_after_it_was_rotated(house: House) -> None:
    path = house.data_dir / "audit.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.rename(path.with_suffix(".1"))
    ends(lambda: [house.whoami(None)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(house.records()) == 1
    path.with_suffix(".1").rename(path)


def test_secrets_are_in_no_file_of_the_server(house: House) -> None:
    house.whoami(house.admin)
    assert "DEBUG" in house.server.log()
    assert len(house.texts) > 5
    files = {path: path.read_bytes() for path in house.data_dir.rglob("*") if path.is_file()}
    assert {"audit.jsonl", "longwire.db", "server.log"} <= {path.name for path in files}
    for text in house.texts:
        secret = text.split("_", 2)[2].encode()
        assert [path.name for path, content in files.items() if secret in content] == []


def test_callers_are_anybody_where_nobody_asks_and_what_they_show_must_be_good(
    tmp_path: Path,
) -> None:
    with (
        configured_server(tmp_path, f'[auth]\nanonymous_role = "operator"\n{POOL}') as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        house = House(server, tmp_path, channel)
        account = house.whoami(None).account
        assert (account.tenant, account.subject) == ("default", "")
        assert account.role == Role.ROLE_OPERATOR
        assert account.credential_kind == CredentialKind.CREDENTIAL_KIND_NONE
        assert house.whoami(house.admin).account.role == Role.ROLE_ADMIN
        ends(lambda: [house.whoami("garbage")])
        wait_until_loaded(server)
        pause = admin_service_pb2.PauseBackendRequest(backend_name="gated")
        house.admins.PauseBackend(pause, timeout=CALL_SECONDS)
        assert not (tmp_path / "audit.jsonl").exists()
