"""JSON Web Tokens: which are good, and whose they are."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from longwire.v1.account_pb2 import CredentialKind, Role
from longwire_server.accounts import issuer_keys
from longwire_server.accounts.authenticator import is_expired
from longwire_server.accounts.caller import Caller
from longwire_server.accounts.issuer_keys import KeysUnavailableError
from longwire_server.accounts.json_web_tokens import LEEWAY_SECONDS, JsonWebTokens
from longwire_server.config.oidc_section import OidcSection

ISSUER = "https://login.example.org/realms/institute"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def key_set(**keys: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    entries = []
    for key_id, key in keys.items():
        algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
        entry = json.loads(algorithm.to_jwk(key.public_key()))
        entries.append({**entry, "kid": key_id, "use": "sig"})
    return json.dumps({"keys": entries}).encode()


def claims(**changes: object) -> dict[str, Any]:
    now = int(time.time())
    found = {
        "iss": ISSUER,
        "aud": ["longwire", "account"],
        "sub": "alice",
        "organization": "physics",
        "iat": now,
        "exp": now + 300,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def signed(key: Any = KEY, algorithm: str = "RS256", kid: str | None = None, **changes: Any) -> str:
    headers = None if kid is None else {"kid": kid}
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def section(folder: Path, **changes: Any) -> OidcSection:
    path = folder / "keys.pem"
    path.write_bytes(pem(KEY))
    given = {
        "issuer": ISSUER,
        "audience": "longwire",
        "keys_file": path,
        "tenant_claim": "organization",
        **changes,
    }
    return OidcSection.model_validate(given)


@pytest.fixture
def tokens(tmp_path: Path) -> JsonWebTokens:
    return JsonWebTokens(section(tmp_path))


def test_token_of_the_issuer_says_who_calls(tokens: JsonWebTokens) -> None:
    caller = tokens.known(signed())
    assert isinstance(caller, Caller)
    assert (caller.tenant, caller.subject, caller.role) == ("physics", "alice", Role.ROLE_USER)
    assert caller.credential_kind == CredentialKind.CREDENTIAL_KIND_JWT
    assert caller.token_id == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.example.org/realms/other"},
        {"aud": "account"},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 257},
        {"organization": None},
        {"organization": "a b"},
        {"organization": ["physics"]},
        {"key": OTHER_KEY},
        {"key": "x" * 64, "algorithm": "HS256"},
        {"key": None, "algorithm": "none"},
    ],
    ids=lambda changes: (
        "-".join(f"{name}-{str(value)[:20]}" for name, value in changes.items())
        if "key" not in changes and "iat" not in changes and "nbf" not in changes
        else "-".join([*changes, str(changes.get("algorithm", ""))])
    ),
)
def test_token_that_is_not_the_issuers_for_us_is_nobodys(
    tokens: JsonWebTokens, changes: dict[str, Any]
) -> None:
    assert tokens.known(signed(**changes)) is None


def test_token_signed_with_the_public_key_as_a_secret_is_nobodys(tokens: JsonWebTokens) -> None:
    """The confusion of algorithms: PyJWT itself refuses to make such a token."""
    import hashlib
    import hmac

    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")
    mac = hmac.new(pem(KEY), head + b"." + body, hashlib.sha256).digest()
    forged = b".".join([head, body, base64.urlsafe_b64encode(mac).rstrip(b"=")])
    assert tokens.known(forged.decode()) is None


@pytest.mark.parametrize("past_seconds", [LEEWAY_SECONDS - 30, LEEWAY_SECONDS + 30])
def test_token_expires_with_a_minute_of_leeway(tokens: JsonWebTokens, past_seconds: int) -> None:
    caller = tokens.known(signed(exp=int(time.time()) - past_seconds))
    assert caller is not None
    assert is_expired(caller) is (past_seconds > LEEWAY_SECONDS)


@pytest.mark.parametrize(
    ("theirs", "role"),
    [
        (["member", "lab-operators"], Role.ROLE_OPERATOR),
        (["lab-operators", "lab-admins"], Role.ROLE_ADMIN),
        ("lab-admins", Role.ROLE_ADMIN),
        (["admin", "operator", 7, None], Role.ROLE_USER),
        ({"lab-admins": True}, Role.ROLE_USER),
    ],
    ids=str,
)
def test_roles_of_the_issuer_are_mapped_and_others_count_nothing(
    tmp_path: Path, theirs: object, role: int
) -> None:
    roles = {"lab-operators": "operator", "lab-admins": "admin"}
    tokens = JsonWebTokens(section(tmp_path, role_claim="realm_access.roles", roles=roles))
    caller = tokens.known(signed(realm_access={"roles": theirs}))
    assert caller is not None
    assert caller.role == role


def test_token_without_any_role_is_nobodys_where_there_is_no_default(tmp_path: Path) -> None:
    given = {"role_claim": "roles", "roles": {"users": "user"}, "default_role": "none"}
    tokens = JsonWebTokens(section(tmp_path, **given))
    assert tokens.known(signed(roles=["others"])) is None
    assert tokens.known(signed(roles=["users"])) is not None


def test_signature_that_the_configuration_does_not_name_is_refused(tmp_path: Path) -> None:
    tokens = JsonWebTokens(section(tmp_path, algorithms=["ES256"]))
    assert tokens.known(signed()) is None


def test_file_of_keys_that_holds_none_is_told(tmp_path: Path) -> None:
    given = section(tmp_path)
    assert given.keys_file is not None
    given.keys_file.write_text("{}")
    with pytest.raises(KeysUnavailableError, match=r"keys\.pem holds no public keys"):
        JsonWebTokens(given)


class Issuer:
    """An issuer's keys on a port of this machine."""

    def __init__(self) -> None:
        self.keys = key_set(first=KEY)
        self.status = 200
        self.location = "http://127.0.0.1:1/"
        self.num_fetches = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.num_fetches += 1
                self.send_response(issuer.status)
                self.send_header("Location", issuer.location)
                self.send_header("Content-Length", str(len(issuer.keys)))
                self.end_headers()
                self.wfile.write(issuer.keys)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/certs"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    opened = Issuer()
    yield opened
    opened.close()


def by_url(folder: Path, issuer: Issuer) -> JsonWebTokens:
    return JsonWebTokens(section(folder, keys_file=None, keys_url=issuer.url))


def test_keys_are_fetched_once_for_many_tokens(tmp_path: Path, issuer: Issuer) -> None:
    async def check() -> None:
        tokens = by_url(tmp_path, issuer)
        text = signed(kid="first")
        assert tokens.known(text) is None
        assert not tokens.has_key_of(text)
        await asyncio.gather(*(tokens.renew_keys() for _ in range(20)))
        assert tokens.known(text) is not None
        assert tokens.known(signed(kid="first", sub="bob")) is not None

    asyncio.run(check())
    assert issuer.num_fetches == 1


def test_unknown_keys_have_them_fetched_again_but_not_at_will(
    tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        tokens = by_url(tmp_path, issuer)
        await tokens.renew_keys()
        old, new = signed(kid="first"), signed(OTHER_KEY, kid="second")
        assert tokens.known(old) is not None
        issuer.keys = key_set(second=OTHER_KEY)
        for _ in range(20):
            assert not await tokens.renew_keys()
        assert issuer.num_fetches == 1
        monkeypatch.setattr(issuer_keys, "_FETCH_EVERY_SECONDS", 0.0)
        assert await tokens.renew_keys()
        assert tokens.known(new) is not None
        # What the issuer has withdrawn is good no longer, remembered or not.
        assert tokens.known(old) is None

    asyncio.run(check())
    assert issuer.num_fetches == 2


def test_key_that_the_issuer_withdraws_is_refused_once_it_is_time_to_renew_keys(
    tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        tokens = by_url(tmp_path, issuer)
        await tokens.renew_keys()
        old = signed(kid="first")
        assert tokens.known(old) is not None
        issuer.keys = key_set(second=OTHER_KEY)
        monkeypatch.setattr(issuer_keys, "_FETCH_EVERY_SECONDS", 0.0)
        assert tokens.known(old) is not None
        assert issuer.num_fetches == 1
        monkeypatch.setattr(issuer_keys, "_RENEW_EVERY_SECONDS", 0.0)
        async with asyncio.timeout(60):
            while tokens.known(old) is not None:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.01)

    asyncio.run(check())


def test_redirect_to_good_keys_is_not_followed(tmp_path: Path, issuer: Issuer) -> None:
    """Whoever can have an issuer redirect would choose the keys."""
    other = Issuer()
    issuer.status, issuer.location = 302, other.url

    async def check() -> None:
        tokens = by_url(tmp_path, issuer)
        with pytest.raises(KeysUnavailableError):
            await tokens.renew_keys()
        assert tokens.known(signed(kid="first")) is None

    try:
        asyncio.run(check())
    finally:
        other.close()
    assert (issuer.num_fetches, other.num_fetches) == (1, 0)


@pytest.mark.parametrize("trouble", ["error", "redirect", "garbage", "too large"])
def test_keys_that_cannot_be_fetched_are_told_and_tried_again(
    tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(issuer_keys, "_FETCH_EVERY_SECONDS", 0.0)
    good = issuer.keys
    if trouble == "error":
        issuer.status = 500
    elif trouble == "redirect":
        issuer.status = 302
    else:
        issuer.keys = b"{}" if trouble == "garbage" else b" " * (1 << 20) + good

    async def check() -> None:
        tokens = by_url(tmp_path, issuer)
        with pytest.raises(KeysUnavailableError):
            await tokens.renew_keys()
        issuer.status, issuer.keys = 200, good
        assert await tokens.renew_keys()
        assert tokens.known(signed(kid="first")) is not None

    asyncio.run(check())


def test_keys_for_other_purposes_are_left_out(tmp_path: Path) -> None:
    document = json.loads(key_set(first=KEY, second=ec.generate_private_key(ec.SECP256R1())))
    document["keys"][0]["use"] = "enc"
    path = tmp_path / "set.json"
    path.write_text(json.dumps(document))
    tokens = JsonWebTokens(section(tmp_path, keys_file=path))
    assert not tokens.has_key_of(signed(kid="first"))
    assert tokens.has_key_of(signed(kid="second"))
