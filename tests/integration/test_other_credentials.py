"""Client certificates and JSON Web Tokens, shown to a real server."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import jwt
import pytest
from api_tokens import make_token, shown, sqlite_url
from certificates import Authority, Pair
from cryptography.hazmat.primitives.asymmetric import rsa
from google.rpc import code_pb2, error_details_pb2
from jwt.algorithms import RSAAlgorithm
from server_process import ServerProcess, configured_server
from service_calls import bell_spec, detail, refusal

from longwire.v1 import account_service_pb2, backend_service_pb2, job_service_pb2
from longwire.v1.account_pb2 import Account, CredentialKind, Role
from longwire.v1.account_service_pb2_grpc import AccountServiceStub
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CALL_SECONDS = 120.0
ISSUER = "https://login.example.org/realms/institute"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FAILURES = 5
DAY_SECONDS = 86_400
CONFIG = f"""
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"

[auth]
failures_per_minute = {FAILURES}

[auth.oidc]
issuer = "{ISSUER}"
audience = "longwire"
keys_file = "keys.json"
tenant_claim = "organization"
role_claim = "realm_access.roles"
roles = {{ lab-admins = "admin" }}

[[auth.certificate]]
subject = "CN=laptop"
tenant = "physics"

[[auth.certificate]]
alternative_name = "DNS:control.example.org"
tenant = "lab"
role = "operator"

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""


class Site:
    """A server that asks for client certificates, and the authority of all of them."""

    def __init__(self, server: ServerProcess, authority: Authority, data_dir: Path) -> None:
        self._address = server.address
        self._authority = authority
        self.url = sqlite_url(data_dir)

    def channel(self, pair: Pair) -> grpc.Channel:
        """A connection of whoever has a certificate."""
        credentials = grpc.ssl_channel_credentials(self._authority.pem, pair.key, pair.certificate)
        return grpc.secure_channel(self._address, credentials)

    def issue(self, name: str, host: str = "somewhere.example.org", *, days: float = 5.0) -> Pair:
        """A certificate, good for so many days."""
        until = datetime.timedelta(days=days)
        return self._authority.issue([host], name=name, until=until)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data_dir = tmp_path_factory.mktemp("site")
    authority = Authority()
    authority.issue().write(data_dir, "server")
    authority.write(data_dir / "ca.pem")
    keys = [{**json.loads(RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "first"}]
    (data_dir / "keys.json").write_text(json.dumps({"keys": keys}))
    with configured_server(data_dir, CONFIG) as server:
        yield Site(server, authority, data_dir)


def whoami(channel: grpc.Channel, text: str | None = None) -> Account:
    return (
        AccountServiceStub(channel)
        .WhoAmI(
            account_service_pb2.WhoAmIRequest(),
            metadata=None if text is None else shown(text),
            timeout=CALL_SECONDS,
        )
        .account
    )


def signed(expires_in: float = 300, **claims: object) -> str:
    now = time.time()
    found = {
        "iss": ISSUER,
        "aud": "longwire",
        "sub": "alice",
        "organization": "chemistry",
        "exp": now + expires_in,
        **claims,
    }
    return jwt.encode(found, KEY, algorithm="RS256", headers={"kid": "first"})


def test_certificate_says_who_calls_by_its_subject(site: Site) -> None:
    with site.channel(site.issue("laptop")) as channel:
        account = whoami(channel)
        assert (account.tenant, account.subject) == ("physics", "CN=laptop")
        assert account.role == Role.ROLE_USER
        assert account.credential_kind == CredentialKind.CREDENTIAL_KIND_CERTIFICATE
        assert account.HasField("expire_time")


def test_certificate_says_who_calls_by_its_alternative_name(site: Site) -> None:
    with site.channel(site.issue("whatever", "control.example.org")) as channel:
        account = whoami(channel)
        assert (account.tenant, account.role) == ("lab", Role.ROLE_OPERATOR)
        assert account.subject == "DNS:control.example.org"


def test_certificate_that_nobody_named_is_of_a_stranger(site: Site) -> None:
    with site.channel(site.issue("DNS:control.example.org")) as channel:
        status, info = refusal(lambda: [whoami(channel)])
        assert (status.code, info.reason) == (code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED")


def test_job_of_a_certificate_runs_and_its_streams_work(site: Site) -> None:
    with site.channel(site.issue("laptop")) as channel:
        jobs = JobServiceStub(channel)
        request = job_service_pb2.RunJobRequest(spec=bell_spec())
        call = jobs.RunJob(request, timeout=CALL_SECONDS)
        events = [event for response in call for event in response.events]
        assert events[-1].finished.job.status.status == JobState.JOB_STATE_DONE
        read = job_service_pb2.GetResultRequest(job_id=events[0].job_id)
        assert b"".join(part.chunk for part in jobs.GetResult(read, timeout=CALL_SECONDS))


def test_certificate_whose_time_is_over_ends_the_calls_of_its_connection(site: Site) -> None:
    pair = site.issue("laptop", days=10 / DAY_SECONDS)
    with site.channel(pair) as channel:
        watch = BackendServiceStub(channel).WatchBackendStatus(
            backend_service_pb2.WatchBackendStatusRequest(backend_name="gated"),
            timeout=CALL_SECONDS,
        )
        assert next(watch).backend_status.backend_name == "gated"
        status, info = refusal(lambda: watch)
        assert (status.code, info.reason) == (code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED")
        assert "has expired" in status.message
        # The same connection: a new one would not come about.
        status, _ = refusal(lambda: [whoami(channel)])
        assert status.code == code_pb2.UNAUTHENTICATED
        assert status.message.startswith("Your client certificate has expired")
        # A token beside it is good still.
        assert whoami(channel, make_token(site.url)).tenant == "physics"


def test_token_beside_a_certificate_decides(site: Site) -> None:
    text = make_token(site.url, tenant="chemistry", name="bob")
    with site.channel(site.issue("laptop")) as channel:
        assert whoami(channel, text).tenant == "chemistry"


def test_json_web_token_says_who_calls(site: Site) -> None:
    with site.channel(site.issue("nobody")) as channel:
        account = whoami(channel, signed())
        assert (account.tenant, account.subject) == ("chemistry", "alice")
        assert account.role == Role.ROLE_USER
        assert account.credential_kind == CredentialKind.CREDENTIAL_KIND_JWT
        admin = whoami(channel, signed(realm_access={"roles": ["lab-admins"]}))
        assert admin.role == Role.ROLE_ADMIN


def test_json_web_token_that_is_over_says_so_and_ends_its_streams(site: Site) -> None:
    with site.channel(site.issue("nobody")) as channel:
        status, _ = refusal(lambda: [whoami(channel, signed(expires_in=-120))])
        assert status.code == code_pb2.UNAUTHENTICATED
        assert status.message.startswith("Your JSON Web Token has expired")
        # The leeway of a minute is over in three seconds.
        soon = BackendServiceStub(channel).WatchBackendStatus(
            backend_service_pb2.WatchBackendStatusRequest(backend_name="gated"),
            metadata=shown(signed(expires_in=-57)),
            timeout=CALL_SECONDS,
        )
        status, _ = refusal(lambda: soon)
        assert status.code == code_pb2.UNAUTHENTICATED
        assert "has expired" in status.message


def test_address_that_guesses_is_stopped_and_its_neighbours_are_not(site: Site) -> None:
    """The last one here: afterwards this address has nothing more to try for a minute."""
    text = make_token(site.url, name="neighbour")
    with site.channel(site.issue("nobody")) as channel:
        codes = [refusal(lambda: [whoami(channel, "garbage")])[0].code for _ in range(FAILURES)]
        assert set(codes) <= {code_pb2.UNAUTHENTICATED, code_pb2.RESOURCE_EXHAUSTED}
        status, info = refusal(lambda: [whoami(channel, "garbage")])
        assert (status.code, info.reason) == (code_pb2.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
        retry = error_details_pb2.RetryInfo()
        assert detail(status, retry)
        assert 0 < retry.retry_delay.ToTimedelta().total_seconds() <= 60
        assert whoami(channel, text).subject == "neighbour"
        assert whoami(channel, signed(sub="newcomer")).subject == "newcomer"
