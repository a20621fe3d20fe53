"""As whom a server is called, and how it is known to be the right one.

Each of token, authority, certificate and key is taken from the argument, or else from
its variable, or else from the account saved for the address. TLS is used where one of
them needs it: an authority or a client certificate, a token for another machine, an
account that was saved with TLS, or ``tls=True``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from longwire.transport.address import is_loopback
from longwire.transport.saved_accounts import SavedAccount, read_accounts

TOKEN_VARIABLE = "LONGWIRE_TOKEN"  # noqa: S105 - the name of a variable
CA_VARIABLE = "LONGWIRE_CA"
CERTIFICATE_VARIABLE = "LONGWIRE_CERTIFICATE"
KEY_VARIABLE = "LONGWIRE_KEY"

_PEM_BEGIN = "-----BEGIN CERTIFICATE-----"
# A certificate in DER begins with the bytes 0x30 0x82, and is some hundred bytes long.
_BASE64_DER = re.compile(r"MII[A-Za-z0-9+/]{150,}={0,2}")
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class GivenCredentials:
    """What the caller gave; None for what is to be found elsewhere.

    Attributes:
        token: the API token, or a JWT; empty for none.
        ca: the authority of the server's certificate: the path of a PEM file, its text,
            or the certificate itself as base64 of its DER.
        certificate: the path of the client's certificate, PEM.
        key: the path of its private key, PEM.
        tls: whether to use TLS; None decides by the others.
    """

    token: str | None = field(default=None, repr=False)
    ca: str | os.PathLike[str] | None = field(default=None, repr=False)
    certificate: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None
    tls: bool | None = None


@dataclass(frozen=True)
class Credentials:
    """What a connection uses.

    Attributes:
        token: the token; empty for none.
        tls: whether TLS is used.
        ca: the authorities that the server's certificate may come from, PEM; None for
            the public ones that gRPC knows.
        certificate: the path of the client's certificate, absolute; empty for none.
        key: the path of its key.
    """

    token: str = field(default="", repr=False)
    tls: bool = False
    ca: bytes | None = field(default=None, repr=False)
    certificate: str = ""
    key: str = ""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...] | None:
        """What every call carries; None for nothing."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else None

    def account(self, address: str) -> SavedAccount:
        """What is saved of them for a server."""
        ca = "" if self.ca is None else self.ca.decode()
        return SavedAccount(address, self.token, ca, self.certificate, self.key, self.tls)


def resolve_credentials(address: str, given: GivenCredentials) -> Credentials:
    """What a connection to an address uses.

    Args:
        address: the server's, resolved.
        given: the arguments.

    Raises:
        InvalidArgumentError: a file cannot be read or used, a token has a wrong form, or
            would be sent in plain text to another machine.
    """
    account = SavedAccount(address)
    if None in (given.token, given.ca, given.certificate, given.key):
        account = read_accounts().of(address) or account
    token = _token(given.token, account.token)
    certificate = _path(given.certificate, CERTIFICATE_VARIABLE, account.certificate)
    key = _path(given.key, KEY_VARIABLE, account.key)
    if bool(certificate) != bool(key):
        have, lack = ("certificate", "key") if certificate else ("key", "certificate")
        _refuse(
            f"There is a client {have}, {certificate or key}, but no {lack}: give {lack}= (or "
            f"--{lack}), too"
        )
    if given.tls is False:
        return _plain(address, given, token)
    given_ca = given.ca if given.ca is not None else os.environ.get(CA_VARIABLE) or account.ca
    ca = read_authority(given_ca) if given_ca else None
    remote_token = bool(token) and not is_loopback(address)
    tls = bool(given.tls or ca or certificate or account.tls or remote_token)
    if certificate:
        _check_pair(certificate, key)
    return Credentials(token, tls, ca, certificate, key)


def read_authority(ca: str | os.PathLike[str]) -> bytes:
    """The certificate of an authority in PEM.

    Args:
        ca: the path of a PEM file, its text, or the certificate as base64 of its DER.

    Raises:
        InvalidArgumentError: it is none of these.
    """
    import ssl

    text = os.fspath(ca)
    if _BASE64_DER.fullmatch(text.strip()):
        import base64

        try:
            pem = ssl.DER_cert_to_PEM_cert(base64.b64decode(text, validate=True))
        except ValueError:
            _refuse("The authority (ca) is not base64 of a certificate: copy the whole word")
        shown = "that was given as base64"
    elif _PEM_BEGIN in text:
        pem, shown = text, "that was given"
    else:
        pem, shown = _read_text(text, "authority (ca)"), f"in {text}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        _refuse(
            f"The authority (ca) {shown} cannot be read: it must be a certificate in PEM, or "
            "base64 of its DER"
        )
    return pem.encode()


def holds_authority(pem: str) -> bool:
    """Whether a certificate that can be read is that of an authority.

    Others are trusted as they are: until the server has a new one.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem)
    return context.cert_store_stats()["x509_ca"] > 0


def client_pair(credentials: Credentials) -> tuple[bytes | None, bytes | None]:
    """The key and the certificate of the client as they are now; None for none.

    Raises:
        InvalidArgumentError: one cannot be read any more.
    """
    if not credentials.certificate:
        return None, None
    certificate = _read_text(credentials.certificate, "client certificate").encode()
    return _read_text(credentials.key, "key").encode(), certificate


def _plain(address: str, given: GivenCredentials, token: str) -> Credentials:
    if token and not is_loopback(address):
        _refuse(
            f"A token is not sent in plain text to {address}, where anybody on the way could read "
            "it: leave tls=False out, or reach the server through a tunnel on this machine"
        )
    if given.ca or given.certificate:
        _refuse("ca= and certificate= are of use with TLS only: leave tls=False out")
    return Credentials(token)


def _token(given: str | None, saved: str) -> str:
    token = given if given is not None else os.environ.get(TOKEN_VARIABLE) or saved
    # None but text is no token, and is not shown as one.
    token = token.strip() if isinstance(token, str) else " "
    if token and not _TOKEN.fullmatch(token):
        # Never shown, not even in part.
        _refuse(
            "The token has a wrong form: give it as it was printed when it was made, in one word"
        )
    return token


def _path(given: str | os.PathLike[str] | None, variable: str, saved: str) -> str:
    path = given if given is not None else os.environ.get(variable) or saved
    return str(Path(path).expanduser().absolute()) if path else ""


def _read_text(path: str, what: str) -> str:
    try:
        text = Path(path).expanduser().read_text(encoding="ascii", errors="replace")
    except OSError as error:
        _refuse(f"The {what} {path} cannot be read: {error.strerror}")
    # Comments in bundles of authorities hold names in all scripts.
    return text.replace("\N{REPLACEMENT CHARACTER}", "?")


def _check_pair(certificate: str, key: str) -> None:
    """Refuses a client certificate that cannot be used."""
    import ssl

    for what, path in (("client certificate", certificate), ("key", key)):
        _read_text(path, what)
    try:
        # Without the function, OpenSSL would ask on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
            certificate, key, password=lambda: ""
        )
    except (ssl.SSLError, ValueError):
        _refuse(
            f"The client certificate {certificate} and the key {key} cannot be used: both must be "
            "PEM, the key without a password, and the one must belong to the other"
        )


def _refuse(message: str) -> NoReturn:
    from longwire.errors import InvalidArgumentError

    raise InvalidArgumentError(message) from None
