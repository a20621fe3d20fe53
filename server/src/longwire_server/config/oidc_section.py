"""The section ``[auth.oidc]`` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from longwire_server.config.address import is_loopback
from longwire_server.config.section import Section
from longwire_server.config.tenant_name import checked_tenant_name

# Signatures by a key that only the issuer has. A secret that both know is no
# proof, and one that no signature needs (none) even less.
ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
_ROLE_NAMES: Final = ("user", "operator", "admin")


class OidcSection(Section):
    """``[auth.oidc]``: JSON Web Tokens of an OpenID Connect issuer."""

    # The claim `iss`, exactly.
    issuer: str = Field(min_length=1, examples=["'https://login.example.org/realms/institute'"])
    # What the claim `aud` must hold.
    audience: str = Field(min_length=1, examples=["'longwire'"])
    # Where the issuer's keys are: a URL of a JSON Web Key Set.
    keys_url: str | None = Field(
        default=None,
        examples=["'https://login.example.org/realms/institute/protocol/openid-connect/certs'"],
    )
    # Instead: a file with a JSON Web Key Set, or with public keys in PEM.
    keys_file: Annotated[Path, Field(strict=False)] | None = Field(
        default=None, validate_default=True, examples=["'/etc/longwire/issuer-keys.json'"]
    )
    # The signatures that are accepted.
    algorithms: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(
        default=("RS256", "PS256", "ES256", "EdDSA"), examples=["['RS256']"]
    )
    # The claim that names the caller.
    subject_claim: str = Field(default="sub", min_length=1, examples=["'preferred_username'"])
    # The claim that names the tenant; dots lead into objects.
    tenant_claim: str | None = Field(default=None, min_length=1, examples=["'organization'"])
    # The tenant of those whose token has no such claim. Without it they are refused.
    tenant: str | None = Field(default=None, validate_default=True, examples=["'physics'"])
    # The claim with the roles, a text or an array; dots lead into objects.
    role_claim: str | None = Field(default=None, min_length=1, examples=["'realm_access.roles'"])
    # What the issuer calls the roles.
    roles: Mapping[str, Any] = Field(
        default_factory=dict, examples=["{ 'longwire-operators' = 'operator' }"]
    )
    # The role of those who have none of them. 'none': they are refused.
    default_role: Literal["user", "operator", "admin", "none"] = Field(
        default="user", examples=["'user'"]
    )

    @field_validator("keys_url")
    @classmethod
    def _cannot_be_changed_on_the_way(cls, keys_url: str | None) -> str | None:
        if keys_url is None:
            return None
        url = urlsplit(keys_url)
        is_near = url.scheme == "http" and is_loopback(url.hostname or "")
        if not url.hostname or (url.scheme != "https" and not is_near):
            raise ValueError(
                f"{keys_url!r} is no URL that begins with https://; who changes the keys on the "
                "way can make tokens, so write one that does, or keys_file"
            )
        return keys_url

    @field_validator("keys_file")
    @classmethod
    def _are_in_one_place(cls, keys_file: Path | None, info: ValidationInfo) -> Path | None:
        if "keys_url" in info.data and (keys_file is None) == (info.data["keys_url"] is None):
            raise ValueError("write either keys_url or keys_file")
        return keys_file

    @field_validator("algorithms")
    @classmethod
    def _are_asymmetric(cls, algorithms: tuple[str, ...]) -> tuple[str, ...]:
        for algorithm in algorithms:
            if algorithm not in ALGORITHMS:
                raise ValueError(
                    f"{algorithm!r} is no signature that only the issuer can make; write some of "
                    f"{', '.join(ALGORITHMS)}"
                )
        return algorithms

    @field_validator("tenant")
    @classmethod
    def _is_there_or_claimed(cls, tenant: str | None, info: ValidationInfo) -> str | None:
        if tenant is not None:
            return checked_tenant_name(tenant)
        if info.data.get("tenant_claim") is None and "tenant_claim" in info.data:
            raise ValueError("write tenant, or tenant_claim, so that each caller has a tenant")
        return None

    @field_validator("roles")
    @classmethod
    def _are_roles(cls, roles: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        for theirs, ours in roles.items():
            if ours not in _ROLE_NAMES:
                raise ValueError(
                    f"{theirs!r} is to be {ours!r}; write one of {', '.join(_ROLE_NAMES)}"
                )
        if roles and info.data.get("role_claim") is None:
            raise ValueError("stands without role_claim, the claim in which they are; write both")
        return roles
