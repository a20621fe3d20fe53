"""The files of ``[tls]``: what is wrong with one is told with its line."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from certificates import Authority, key_with_password

from longwire_server.config import ConfigError, ServerConfig, load_config
from longwire_server.config.tls_files import checked_tls_files

AUTHORITY = Authority()
CONFIG = """\
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "clients.pem"
"""


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    """A configuration whose files are all as they should be."""
    AUTHORITY.issue().write(tmp_path, "server")
    AUTHORITY.write(tmp_path / "clients.pem")
    path = tmp_path / "longwire-server.toml"
    path.write_text(CONFIG)
    return load_config(path, environment={})


def test_tls_files_beside_the_configuration_are_read(config: ServerConfig, tmp_path: Path) -> None:
    files = checked_tls_files(config)
    assert files is not None
    assert files.certificate == (tmp_path / "server.pem").read_bytes()
    assert files.key == (tmp_path / "server.key").read_bytes()
    assert files.client_ca == AUTHORITY.pem
    assert "PRIVATE" not in repr(files)


def test_tls_files_without_a_section_are_none() -> None:
    assert checked_tls_files(load_config(environment={})) is None


def _expired(folder: Path) -> None:
    AUTHORITY.issue(until=-datetime.timedelta(hours=1)).write(folder, "server")


def _of_tomorrow(folder: Path) -> None:
    AUTHORITY.issue(since=datetime.timedelta(hours=1)).write(folder, "server")


def _another_key(folder: Path) -> None:
    (folder / "server.key").write_bytes(AUTHORITY.issue().key)


def _locked_key(folder: Path) -> None:
    (folder / "server.key").write_bytes(key_with_password())


def _half_a_certificate(folder: Path) -> None:
    path = folder / "server.pem"
    path.write_bytes(path.read_bytes()[:100])


TROUBLES: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "certificate_expired": (_expired, 2, "expired at .*renew it"),
    "certificate_half_written": (_half_a_certificate, 2, "holds no certificate"),
    "certificate_missing": (lambda f: (f / "server.pem").unlink(), 2, "No such file"),
    "certificate_of_tomorrow": (_of_tomorrow, 2, "valid only from .*clock"),
    "client_ca_garbage": (lambda f: (f / "clients.pem").write_text("x"), 4, "must be PEM"),
    "client_ca_missing": (lambda f: (f / "clients.pem").unlink(), 4, "No such file"),
    "key_garbage": (lambda f: (f / "server.key").write_text("x"), 3, "holds no private key"),
    "key_of_another": (_another_key, 3, "is not that of the certificate in .*server.pem"),
    "key_with_a_password": (_locked_key, 3, "has a password"),
}


@pytest.mark.parametrize("trouble", sorted(TROUBLES))
def test_tls_file_that_cannot_be_used_is_told_with_its_line(
    config: ServerConfig, tmp_path: Path, trouble: str
) -> None:
    spoil, line, message = TROUBLES[trouble]
    spoil(tmp_path)
    with pytest.raises(ConfigError, match=message) as caught:
        checked_tls_files(config)
    (problem,) = caught.value.problems
    assert problem.place == f"{tmp_path / 'longwire-server.toml'}:{line}"
    assert problem.key.startswith("tls.")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[tls]\ncertificate = 'a.pem'\n", 1, "tls.key: is missing"),
        ("[tls]\nkey = 'a.key'\n", 2, "write certificate = 'server.pem', too"),
        ("[tls]\nclient_ca = 'a.pem'\n", 2, "needs TLS"),
        ("[tls]\ncertificate = 3\nkey = 'a.key'\n", 2, "must be a path as text"),
        ("[tls]\ncertificates = 'a.pem'\n", 2, "did you mean 'certificate'"),
        ("[connections]\nhandshake_seconds = 0\n", 2, "must be at least 0.1"),
        ("[connections]\nmax_calls = 0\n", 2, "must be at least 1"),
    ],
)
def test_tls_section_that_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path, environment={})
    (problem,) = caught.value.problems
    assert problem.place == f"{path}:{line}"


def test_config_with_tls_may_be_reached_from_other_machines(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text("[server]\naddress = '0.0.0.0:50051'\n" + CONFIG)
    config = load_config(path, environment={})
    assert config.tls.is_on
    assert config.tls.certificate == tmp_path / "server.pem"
