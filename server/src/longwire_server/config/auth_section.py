"""The section ``[auth]`` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from longwire_server.config.oidc_section import OidcSection
from longwire_server.config.section import Count, Section
from longwire_server.config.tenant_name import checked_tenant_name

RoleName = Literal["user", "operator", "admin"]


class CertificateSection(Section):
    """``[[auth.certificate]]``: whose client certificate is whose."""

    # The whole subject, as RFC 4514 writes it: the most specific part first.
    subject: str | None = Field(
        default=None, min_length=1, examples=["'CN=laptop-7,OU=Physics,O=Institute'"]
    )
    # Instead: one of its alternative names, with its kind.
    alternative_name: str | None = Field(
        default=None, min_length=1, examples=["'URI:spiffe://example.org/laptop-7'"]
    )
    # The tenant and the role of who shows it.
    tenant: str = Field(examples=["'physics'"])
    role: RoleName = Field(default="user", examples=["'user'"])

    @field_validator("alternative_name")
    @classmethod
    def _has_a_kind(cls, alternative_name: str | None) -> str | None:
        kinds = ("DNS:", "email:", "URI:")
        if alternative_name is not None and not alternative_name.startswith(kinds):
            raise ValueError(
                f"{alternative_name!r} does not say of which kind it is; write it as "
                "'DNS:NAME', 'email:ADDRESS' or 'URI:URI'"
            )
        return alternative_name

    @field_validator("tenant")
    @classmethod
    def _is_a_tenant(cls, tenant: str) -> str:
        return checked_tenant_name(tenant)

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.subject is None) == (self.alternative_name is None):
            raise ValueError("write either subject or alternative_name")
        return self


class AuthSection(Section):
    """``[auth]``: who may call."""

    # Whether every caller must show who it is. None: yes, where there is a [tls],
    # an [auth.oidc] or an [[auth.certificate]].
    required: bool | None = Field(default=None, examples=["true"])
    # What callers may do who show nothing, where they need not.
    anonymous_role: RoleName = Field(default="user", examples=["'user'"])
    # How many wrong credentials an address may show in a minute before further
    # ones are refused without a look.
    failures_per_minute: Count = Field(default=20, examples=["20"])
    # JSON Web Tokens of an OpenID Connect issuer.
    oidc: OidcSection | None = Field(default=None, examples=["{ issuer = 'https://...' }"])
    # Client certificates, which [tls] client_ca makes the server ask for.
    certificate: Annotated[tuple[CertificateSection, ...], Field(strict=False)] = Field(
        default=(), examples=["[{ subject = 'CN=laptop-7', tenant = 'physics' }]"]
    )

    @property
    def is_set_up(self) -> bool:
        """Whether the file says whose credentials are good, beside the server's own tokens."""
        return self.oidc is not None or bool(self.certificate)

    def beside(self, directory: Path) -> AuthSection:
        """Returns the section with its paths made absolute, relative ones in a directory."""
        if self.oidc is None or self.oidc.keys_file is None:
            return self
        keys_file = directory / self.oidc.keys_file.expanduser()
        return self.model_copy(
            update={"oidc": self.oidc.model_copy(update={"keys_file": keys_file})}
        )
