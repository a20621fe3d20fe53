"""The sections [auth] and [audit]: what they default to, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from longwire_server.config import ConfigError, ServerConfig, load_config

OIDC = """
[auth.oidc]
issuer = "https://login.example.org"
audience = "longwire"
tenant = "physics"
keys_url = "https://login.example.org/certs"
"""
TLS = """
[tls]
certificate = "server.pem"
key = "server.key"
"""
CERTIFICATE = """
[[auth.certificate]]
subject = "CN=laptop"
tenant = "physics"
"""


def load(tmp_path: Path, text: str) -> ServerConfig:
    path = tmp_path / "server.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environment={})


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    found = [str(problem) for problem in caught.value.problems]
    return [each.removeprefix(f"{tmp_path}/server.toml:") for each in found]


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ("", False),
        ("[auth]\nfailures_per_minute = 5\n", False),
        ("[auth]\nrequired = true\n", True),
        (OIDC, True),
        (TLS, True),
        (f"{TLS}client_ca = 'ca.pem'\n{CERTIFICATE}", True),
        (f"{TLS}[auth]\nrequired = false\n", False),
        (f"[auth]\nrequired = false\n{OIDC}", False),
    ],
    ids=["nothing", "a limit", "written", "issuer", "tls", "certificates", "not over tls", "not"],
)
def test_callers_are_asked_where_others_reach_the_server_or_it_is_set_up(
    tmp_path: Path, text: str, required: bool
) -> None:
    config = load(tmp_path, text)
    assert config.auth_required is required
    assert (config.audit_file is not None) is required


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("", None),
        ("[audit]\nenabled = true\n", "data/audit.jsonl"),
        ("[audit]\nfile = 'who.jsonl'\n", "who.jsonl"),
        ("[audit]\nenabled = false\n[auth]\nrequired = true\n", None),
        ("[audit]\nenabled = false\nfile = 'who.jsonl'\n", None),
        ("[auth]\nrequired = true\n", "data/audit.jsonl"),
    ],
    ids=["nothing", "enabled", "file", "disabled", "disabled file", "required"],
)
def test_audit_log_is_where_the_configuration_says(
    tmp_path: Path, text: str, file: str | None
) -> None:
    config = load(tmp_path, f"[server]\ndata_dir = 'data'\n{text}")
    assert config.audit_file == (None if file is None else tmp_path / file)


def test_paths_start_at_the_files_directory(tmp_path: Path) -> None:
    text = OIDC.replace('keys_url = "https://login.example.org/certs"', 'keys_file = "keys.json"')
    config = load(tmp_path, text)
    assert config.auth.oidc is not None
    assert config.auth.oidc.keys_file == tmp_path / "keys.json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[auth]\nrequire = true\n", "2: auth.require: unknown key; did you mean 'required'?"),
        ("[auth]\nanonymous_role = 'root'\n", "2: auth.anonymous_role: is 'root'; write 'user'"),
        ("[auth]\noidc = 1\n", "2: auth.oidc: must be a table, is a whole number"),
        ("[auth]\ncertificate = {}\n", "2: auth.certificate: must be an array, is a table"),
        ("[auth]\ncertificate = [1]\n", "2: auth.certificate[0]: must be a table"),
        (OIDC.replace("issuer =", "isuer ="), "3: auth.oidc.isuer: unknown key; did you mean"),
        (OIDC.replace("issuer =", "isuer ="), "2: auth.oidc.issuer: is missing; write issuer ="),
        (OIDC.replace("https://login.example.org/certs", "http://a/b"), "6: auth.oidc.keys_url: '"),
        (OIDC.replace("keys_url", "# keys_url"), "write either keys_url or keys_file"),
        (f"{OIDC}keys_file = 'keys.pem'\n", "write either keys_url or keys_file"),
        (OIDC.replace("tenant =", "# tenant ="), "write tenant, or tenant_claim"),
        (OIDC.replace("physics", "a b"), "5: auth.oidc.tenant: 'a b' cannot be the name of a"),
        (f"{OIDC}algorithms = ['HS256']\n", "7: auth.oidc.algorithms: 'HS256' is no signature"),
        (f"{OIDC}algorithms = ['none']\n", "7: auth.oidc.algorithms: 'none' is no signature"),
        (f"{OIDC}algorithms = []\n", "7: auth.oidc.algorithms: "),
        (f"{OIDC}roles = {{ x = 'admin' }}\n", "7: auth.oidc.roles: stands without role_claim"),
        (
            f"{OIDC}role_claim = 'r'\nroles = {{ x = 'root' }}\n",
            "8: auth.oidc.roles: 'x' is to be 'root'; write one of user, operator, admin",
        ),
        (CERTIFICATE, "2: auth.certificate: names client certificates, which the server does not"),
        (
            CERTIFICATE.replace("tenant", "# tenant"),
            "2: auth.certificate[0].tenant: is missing; write tenant = 'physics'",
        ),
        (
            CERTIFICATE.replace("subject", "# subject"),
            "2: auth.certificate[0]: write either subject or alternative_name",
        ),
        (
            CERTIFICATE.replace("subject", "alternative_name"),
            "3: auth.certificate[0].alternative_name: 'CN=laptop' does not say of which kind",
        ),
        ("[audit]\nenabled = 'yes'\n", "2: audit.enabled: must be true or false, is text"),
    ],
    ids=lambda value: value.strip()[-40:].replace("\n", " "),
)
def test_mistake_is_told_with_its_line_and_what_to_write(
    tmp_path: Path, text: str, message: str
) -> None:
    assert any(message in found for found in problems(tmp_path, text)), problems(tmp_path, text)
