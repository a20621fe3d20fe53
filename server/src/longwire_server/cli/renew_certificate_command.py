"""The command ``renew-certificate``, for certificates that ``init`` made."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from longwire_server.cli.init_command import AUTHORITY_FILE, AUTHORITY_KEY_FILE
from longwire_server.cli.options import ConfigOption, fail, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    from longwire_server.cli.authority import Authority

T = TypeVar("T")


def renew_certificate(
    config: ConfigOption = None,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="One more name or address for it; repeatable."),
    ] = None,
) -> None:
    """Renews the server's certificate, from the authority that init made beside it.

    A running server takes it into use by itself; clients notice nothing. The key stays,
    and so do the names in the certificate.
    """
    from longwire_server.cli.authority import certificate_to_pem, has_issued, hosts_of, issue

    path = load(config).tls.certificate
    if path is None:
        fail("the configuration has no [tls]; longwire-server init makes one that has")
    certificate, authority = _read_certificate(path), _read_authority(path.parent)
    if not has_issued(authority, certificate):
        fail(
            f"{path} does not come from the authority in {path.parent / AUTHORITY_FILE}; have it "
            "renewed by whoever made it"
        )
    hosts = [*hosts_of(certificate), *(host or [])]
    try:
        # The key stays: so one file changes, in one step, and the pair always fits.
        renewed = issue(authority, certificate.public_key(), hosts)  # type: ignore[arg-type]
    except ValueError as error:
        fail(f"--host: {error}")
    try:
        _replace(path, certificate_to_pem(renewed))
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")
    typer.echo(
        f"{path}: valid until {renewed.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, for "
        f"{', '.join(hosts_of(renewed))}"
    )


def _read_certificate(path: Path) -> x509.Certificate:
    from cryptography.x509 import load_pem_x509_certificate

    return _read(path, load_pem_x509_certificate)


def _read_authority(directory: Path) -> Authority:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from longwire_server.cli.authority import Authority

    certificate = _read_certificate(directory / AUTHORITY_FILE)
    key = _read(directory / AUTHORITY_KEY_FILE, lambda pem: load_pem_private_key(pem, None))
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        fail(f"{directory / AUTHORITY_KEY_FILE} is not a key that init made")
    return Authority(certificate, key)


def _read(path: Path, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(path.read_bytes())
    except OSError as error:
        fail(
            f"{path} cannot be read: {error.strerror}; a certificate that init did not make is "
            "renewed by whoever made it"
        )
    except (ValueError, TypeError):
        fail(f"{path} is not what init made; restore it from a backup")


def _replace(path: Path, contents: bytes) -> None:
    written = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, path.stat().st_mode & 0o777)
            file.write(contents)
            file.flush()
            os.fsync(descriptor)
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise
