"""JSON Web Tokens of an OpenID Connect issuer: whether they are good, and whose they are."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import jwt

from longwire.v1.account_pb2 import CredentialKind, Role
from longwire_server.accounts.caller import Caller
from longwire_server.accounts.issuer_keys import FileKeys, IssuerKeys, UrlKeys
from longwire_server.accounts.roles import ROLES, scopes_of
from longwire_server.config.oidc_section import OidcSection
from longwire_server.config.tenant_name import checked_tenant_name

# Between the issuer's clock and ours.
LEEWAY_SECONDS: Final = 60
# Tokens that were found good are remembered by their digest: a signature takes a
# hundred times as long.
_REMEMBERED: Final = 4096
_MAX_CHARACTERS: Final = 8192
# Keys that are tried for a token that names none of them.
_MAX_KEYS: Final = 8
_MAX_SUBJECT_CHARACTERS: Final = 256
# The year 3000: a time stamp has no room for much more.
_FAR_SECONDS: Final = 32_503_680_000


class JsonWebTokens:
    """Checks the tokens of one issuer.

    Args:
        section: ``[auth.oidc]``.

    Raises:
        KeysUnavailableError: the file of keys cannot be read.
    """

    def __init__(self, section: OidcSection) -> None:
        self._section = section
        self._keys: IssuerKeys
        if section.keys_file is not None:
            self._keys = FileKeys(section.keys_file)
        else:
            assert section.keys_url is not None, "the configuration has one of the two"
            self._keys = UrlKeys(section.keys_url)
        self._remembered: OrderedDict[bytes, Caller] = OrderedDict()
        self._generation = self._keys.generation

    @staticmethod
    def looks_like_one(text: str) -> bool:
        """Whether a text has the shape of a token."""
        return text.count(".") == 2 and len(text) <= _MAX_CHARACTERS

    def known(self, text: str) -> Caller | None:
        """Who calls with a token, as far as the keys in memory tell; None for nobody."""
        # Also for a token that is remembered: its key may be withdrawn.
        self._keys.look_again()
        if self._generation != self._keys.generation:
            self._generation = self._keys.generation
            self._remembered.clear()
        digest = hashlib.sha256(text.encode()).digest()
        caller = self._remembered.get(digest)
        if caller is None:
            caller = self._caller(text)
            if caller is None:
                return None
            self._remembered[digest] = caller
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return caller

    async def renew_keys(self) -> bool:
        """Looks for newer keys; see :meth:`IssuerKeys.renew`.

        Raises:
            KeysUnavailableError: there are none.
        """
        return await self._keys.renew()

    def has_key_of(self, text: str) -> bool:
        """Whether a key in memory may have signed a token."""
        return bool(self._keys.candidates(_key_id(text)))

    def _caller(self, text: str) -> Caller | None:
        for key in self._keys.candidates(_key_id(text))[:_MAX_KEYS]:
            try:
                claims = jwt.decode(
                    text,
                    key,
                    algorithms=self._section.algorithms,
                    audience=self._section.audience,
                    issuer=self._section.issuer,
                    leeway=LEEWAY_SECONDS,
                    # Of time, only what begins is checked here: see `expire_time_us`.
                    options={"require": ["exp", "iss", "aud"], "verify_exp": False},
                )
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            return self._of_claims(claims)
        return None

    def _of_claims(self, claims: Mapping[str, Any]) -> Caller | None:
        subject = _claim(claims, self._section.subject_claim)
        tenant = self._tenant(claims)
        role = self._role(claims)
        expires = claims["exp"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= _MAX_SUBJECT_CHARACTERS:
            return None
        if not isinstance(expires, int | float) or not math.isfinite(expires):
            return None
        if tenant is None or role is None:
            return None
        return Caller(
            tenant=tenant,
            subject=subject,
            role=role,
            scopes=scopes_of(role),
            credential_kind=CredentialKind.CREDENTIAL_KIND_JWT,
            expire_time_us=int((min(expires, _FAR_SECONDS) + LEEWAY_SECONDS) * 1_000_000),
        )

    def _tenant(self, claims: Mapping[str, Any]) -> str | None:
        section = self._section
        claimed = None if section.tenant_claim is None else _claim(claims, section.tenant_claim)
        if claimed is None:
            return section.tenant
        try:
            return checked_tenant_name(claimed) if isinstance(claimed, str) else None
        except ValueError:
            return None

    def _role(self, claims: Mapping[str, Any]) -> Role.ValueType | None:
        """The highest that the issuer's roles stand for; None where it has none."""
        section = self._section
        claimed = None if section.role_claim is None else _claim(claims, section.role_claim)
        theirs = [claimed] if isinstance(claimed, str) else claimed
        names = theirs if isinstance(theirs, list) else []
        roles = [ROLES[section.roles[name]] for name in names if _is_in(name, section.roles)]
        if section.default_role != "none":
            roles.append(ROLES[section.default_role])
        return max(roles, default=None)


def _is_in(name: object, roles: Mapping[str, Any]) -> bool:
    return isinstance(name, str) and name in roles


def _claim(claims: Mapping[str, Any], name: str) -> object:
    """A claim by its name, or, where there is none, by its path with dots."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _key_id(text: str) -> str | None:
    try:
        key_id = jwt.get_unverified_header(text).get("kid")
    except (jwt.PyJWTError, ValueError):
        return None
    return key_id if isinstance(key_id, str) else None
