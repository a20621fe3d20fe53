"""Client certificates: whose they are.

That a certificate is signed by ``[tls] client_ca`` and good in its time, the TLS handshake
has found out before; what is checked here is who has it, and that its time is not over
on a connection that has lasted longer.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from cryptography import x509

from longwire.v1.account_pb2 import CredentialKind
from longwire_server.accounts.caller import Caller
from longwire_server.accounts.roles import ROLES, scopes_of
from longwire_server.config.auth_section import CertificateSection

# Certificates that were read are remembered by their digest.
_REMEMBERED: Final = 1024
_MAX_SUBJECT_CHARACTERS: Final = 256


class Certificates:
    """Finds the owners of certificates.

    Args:
        sections: each ``[[auth.certificate]]``. The first one that fits decides.
    """

    def __init__(self, sections: Iterable[CertificateSection]) -> None:
        self._sections = tuple(sections)
        self._remembered: OrderedDict[bytes, Caller | None] = OrderedDict()

    def known(self, pem: bytes) -> Caller | None:
        """Who calls with a certificate in PEM; None where the configuration names nobody."""
        digest = hashlib.sha256(pem).digest()
        if digest not in self._remembered:
            self._remembered[digest] = self._caller(pem)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return self._remembered[digest]

    def _caller(self, pem: bytes) -> Caller | None:
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            subject = certificate.subject.rfc4514_string()
            names = frozenset(_alternative_names(certificate))
        except ValueError:
            return None
        for section in self._sections:
            if section.subject == subject or section.alternative_name in names:
                role = ROLES[section.role]
                shown = section.subject or section.alternative_name or ""
                return Caller(
                    tenant=section.tenant,
                    subject=shown[:_MAX_SUBJECT_CHARACTERS],
                    role=role,
                    scopes=scopes_of(role),
                    credential_kind=CredentialKind.CREDENTIAL_KIND_CERTIFICATE,
                    expire_time_us=int(certificate.not_valid_after_utc.timestamp() * 1_000_000),
                )
        return None


def _alternative_names(certificate: x509.Certificate) -> Iterable[str]:
    """The alternative names, each with its kind, as the configuration writes them."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for kind, prefix in (
        (x509.DNSName, "DNS"),
        (x509.RFC822Name, "email"),
        (x509.UniformResourceIdentifier, "URI"),
    ):
        for name in names.get_values_for_type(kind):
            yield f"{prefix}:{name}"
