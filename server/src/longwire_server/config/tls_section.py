"""The section ``[tls]`` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field, ValidationInfo, field_validator

from longwire_server.config.section import Section

PemFile: TypeAlias = Annotated[Path | None, Field(strict=False)]


class TlsSection(Section):
    """``[tls]``: how the server shows who it is, and is spoken to in private.

    What the files hold is checked where they are used, by
    :mod:`longwire_server.config.tls_files`: they may change while the server runs.
    """

    # The server's certificate and those between it and its authority, PEM. `~` is
    # expanded; a relative path starts at the configuration file's directory.
    certificate: PemFile = Field(default=None, examples=["'server.pem'"])
    # The certificate's private key, PEM, without a password.
    key: PemFile = Field(default=None, validate_default=True, examples=["'server.key'"])
    # The authorities of client certificates, PEM. With them every client needs one.
    client_ca: PemFile = Field(default=None, examples=["'client-ca.pem'"])

    @field_validator("key")
    @classmethod
    def _stands_beside_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "certificate" not in info.data or (key is None) == (info.data["certificate"] is None):
            return key
        if key is None:
            raise ValueError("is missing; write the file of the certificate's private key")
        raise ValueError("stands without its certificate; write certificate = 'server.pem', too")

    @field_validator("client_ca")
    @classmethod
    def _is_of_use(cls, client_ca: Path | None, info: ValidationInfo) -> Path | None:
        if client_ca is not None and "certificate" in info.data and not info.data["certificate"]:
            raise ValueError(
                "needs TLS, for which the server has no certificate; write certificate and key, too"
            )
        return client_ca

    @property
    def is_on(self) -> bool:
        """Whether the server speaks TLS."""
        return self.certificate is not None

    def beside(self, directory: Path) -> TlsSection:
        """Returns the section with its paths made absolute, relative ones in a directory."""
        files = {"certificate": self.certificate, "key": self.key, "client_ca": self.client_ca}
        return self.model_copy(
            update={name: path and directory / path.expanduser() for name, path in files.items()}
        )
