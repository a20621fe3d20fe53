"""Certificates that tests make for themselves: authorities, servers, clients."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)
LOCAL_HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Writes both into a folder; their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        key.write_bytes(self.key)
        return certificate, key

    @property
    def serial_number(self) -> int:
        """The certificate's own number."""
        return x509.load_pem_x509_certificate(self.certificate).serial_number


class Authority:
    """A certificate authority.

    Args:
        name: its name.
    """

    def __init__(self, name: str = "tests") -> None:
        self._key = _new_key()
        self._name = _name(name)
        builder = _builder(self._name, self._name, self._key, -_DAY, 10 * _DAY)
        constraint = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = builder.add_extension(constraint, critical=True).sign(
            self._key, hashes.SHA256()
        )

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        """Its certificate, as bytes."""
        return self._certificate.public_bytes(serialization.Encoding.DER)

    def write(self, path: Path) -> Path:
        """Writes its certificate, and returns the path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.pem)
        return path

    def issue(
        self,
        hosts: Sequence[str] = LOCAL_HOSTS,
        *,
        name: str = "server",
        since: datetime.timedelta = -_DAY,
        until: datetime.timedelta = 5 * _DAY,
    ) -> Pair:
        """A certificate with its key.

        Args:
            hosts: the names and addresses that it is for.
            name: its subject.
            since: from when it is valid, from now.
            until: until when.
        """
        key = _new_key()
        builder = _builder(_name(name), self._name, key, since, until)
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        certificate = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        return Pair(certificate.public_bytes(serialization.Encoding.PEM), key_to_pem(key))


def key_to_pem(key: ec.EllipticCurvePrivateKey, password: str = "") -> bytes:
    """A private key in PEM, with a password where one is given."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def key_with_password() -> bytes:
    """A private key that nobody can use who does not know its password."""
    return key_to_pem(_new_key(), "secret")


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    since: datetime.timedelta,
    until: datetime.timedelta,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + until)
    )
