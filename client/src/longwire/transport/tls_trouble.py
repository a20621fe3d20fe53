"""Connections that fail because of TLS: what is wrong, and what to do.

Such a connection fails at once, and would for ever: it is not to be tried again.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from longwire.transport.address import host_and_port
from longwire.transport.credentials import Credentials

if TYPE_CHECKING:
    import ssl

_PROBE_SECONDS = 2.0


def tls_trouble(details: str, address: str, credentials: Credentials, *, probes: bool) -> str:
    """What is wrong with TLS, as a sentence; empty where it is something else.

    Args:
        details: gRPC's words for a connection that could not be made.
        address: the server's, resolved.
        credentials: what the connection uses.
        probes: whether to find out by a connection why a server hung up, which says
            nothing by itself. It takes a few milliseconds; 2 s where nothing answers.
    """
    if "failed to connect" not in details:
        return ""
    if "Hostname Verification Check failed" in details:
        return (
            f"The certificate of the server at {address} is for another name: call the server by a "
            "name in its certificate, or have one made for this name (longwire-server "
            "renew-certificate --host NAME)"
        )
    if "certificate has expired" in details:
        return (
            f"The certificate of the server at {address} has expired: its operator has to renew it "
            "(longwire-server renew-certificate)"
        )
    if "CERTIFICATE_VERIFY_FAILED" in details:
        return _not_trusted(address, credentials)
    if "WRONG_VERSION_NUMBER" in details or "HTTP_REQUEST" in details:
        return (
            f"The server at {address} does not speak TLS, or something else answers there: check "
            "the address, and whether the server has a certificate ([tls] in its configuration)"
        )
    if "SSL_ERROR_SSL" in details:
        return f"The server at {address} and this client agree on no TLS ({_said(details)})"
    # Both a server that wants TLS and one that wants another client certificate hang up.
    hung_up = probes and "Socket closed" in details
    return _trouble_of_hanging_up(address, credentials) if hung_up else ""


def _not_trusted(address: str, credentials: Credentials) -> str:
    known = "the authority given for it (ca)" if credentials.ca else "a public authority"
    return (
        f"The certificate of the server at {address} does not come from {known}, so this may be "
        "another server: log in with the authority that its operator gave out (longwire login "
        f"{address} --ca ...; ca= in Python)"
    )


def _said(details: str) -> str:
    """OpenSSL's own word, such as ``UNSUPPORTED_PROTOCOL``."""
    words = [word.split(" ")[0] for word in details.split("OPENSSL_internal:")[1:]]
    return words[0].strip(":") if words else "no more is known"


def _trouble_of_hanging_up(address: str, credentials: Credentials) -> str:
    if not credentials.tls:
        if _speaks_tls(address):
            return (
                f"The server at {address} speaks TLS, and this client did not: log in with the "
                f"authority that its operator gave out (longwire login {address} --ca ...), or "
                "use TLS with a public one (longwire login --tls; tls=True in Python)"
            )
        return ""
    if _hangs_up_after_handshake(address, credentials):
        have = "another client certificate than this" if credentials.certificate else "one"
        return (
            f"The server at {address} asks for a client certificate, and wants {have}: give "
            "one that its operator made (--certificate and --key; certificate= and key= in Python)"
        )
    return ""


def _speaks_tls(address: str) -> bool:
    try:
        with _handshake(address, _context()):
            return True
    except OSError:
        return False


def _hangs_up_after_handshake(address: str, credentials: Credentials) -> bool:
    """Whether a server accepts TLS, and then no client with this certificate."""
    context = _context()
    if credentials.certificate:
        context.load_cert_chain(credentials.certificate, credentials.key, password=lambda: "")
    try:
        with _handshake(address, context) as connection:
            # A server of HTTP/2 speaks first.
            try:
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True
    except OSError:
        return False


def _context() -> ssl.SSLContext:
    """Nothing is sent over it, so whose certificate it is does not matter."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def _handshake(address: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    connection = socket.create_connection(host_and_port(address), timeout=_PROBE_SECONDS)
    try:
        return context.wrap_socket(connection)
    except BaseException:
        connection.close()
        raise
