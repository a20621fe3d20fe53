"""What the files of ``[tls]`` hold, and whether it can be used."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from longwire_server.config.model import ServerConfig
from longwire_server.config.problems import ConfigError, Problem
from longwire_server.config.source import dotted
from longwire_server.config.tls_section import TlsSection

# It takes a while, and most commands need none of it.
if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True)
class TlsFiles:
    """The contents of the files, in PEM.

    Attributes:
        certificate: the server's, and those between it and its authority.
        key: its private key.
        client_ca: the authorities of client certificates; None where none is asked for.
        valid_until: when the certificate expires.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None
    valid_until: datetime.datetime


class TlsFilesError(Exception):
    """The files cannot be used; the message says why and what to do.

    Attributes:
        key: the setting whose file it is.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def checked_tls_files(config: ServerConfig) -> TlsFiles | None:
    """Returns the contents of the files; None where the server has no TLS.

    Raises:
        ConfigError: a file cannot be read, or holds what cannot be used.
    """
    if not config.tls.is_on:
        return None
    try:
        return read_tls_files(config.tls)
    except TlsFilesError as error:
        key = ("tls", error.key)
        place = config.source.place(key)
        raise ConfigError([Problem(place, dotted(key), str(error))]) from error


def read_tls_files(tls: TlsSection) -> TlsFiles:
    """Returns the contents of the files of a section that has a certificate.

    Raises:
        TlsFilesError: a file cannot be read, or holds what cannot be used.
    """
    assert tls.certificate is not None
    assert tls.key is not None
    chain, key = _read("certificate", tls.certificate), _read("key", tls.key)
    certificate = _certificates("certificate", tls.certificate, chain)[0]
    _check_validity("certificate", tls.certificate, certificate)
    _check_fits(tls.key, key, tls.certificate, certificate)
    client_ca = None
    if tls.client_ca is not None:
        client_ca = _read("client_ca", tls.client_ca)
        for authority in _certificates("client_ca", tls.client_ca, client_ca):
            _check_validity("client_ca", tls.client_ca, authority)
    return TlsFiles(chain, key, client_ca, certificate.not_valid_after_utc)


def _read(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsFilesError(
            setting, f"{path} cannot be read: {error.strerror}; give the path of a PEM file"
        ) from error


def _certificates(setting: str, path: Path, pem: bytes) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise TlsFilesError(
            setting,
            f"{path} holds no certificate that can be read; it must be PEM, with lines that say "
            "-----BEGIN CERTIFICATE-----",
        ) from error


def _check_validity(setting: str, path: Path, certificate: x509.Certificate) -> None:
    now = datetime.datetime.now(datetime.UTC)
    until, since = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    if until <= now:
        raise TlsFilesError(
            setting,
            f"the certificate in {path} expired at {until:%Y-%m-%d %H:%M} UTC; renew it "
            "(longwire-server renew-certificate does that for one that init made)",
        )
    if since > now:
        raise TlsFilesError(
            setting,
            f"the certificate in {path} is valid only from {since:%Y-%m-%d %H:%M} UTC on; check "
            "the clock of this machine",
        )


def _check_fits(
    key_path: Path, key: bytes, certificate_path: Path, certificate: x509.Certificate
) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private_key = load_pem_private_key(key, password=None)
    except TypeError as error:
        raise TlsFilesError(
            "key", f"the key in {key_path} has a password; write it without one"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TlsFilesError(
            "key",
            f"{key_path} holds no private key that can be read; it must be PEM, with a line that "
            "says -----BEGIN PRIVATE KEY-----",
        ) from error
    if private_key.public_key() != certificate.public_key():
        raise TlsFilesError(
            "key",
            f"the key in {key_path} is not that of the certificate in {certificate_path}; give "
            "the key with which the certificate was made",
        )
