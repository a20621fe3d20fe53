"""From what a call shows to who makes it.

What a call shows is judged from memory. Only a token that memory does not know, or knows
otherwise, has the store asked, since it may have been made a moment ago by another
process; likewise a JSON Web Token whose key is unknown has the issuer asked. Addresses
that have shown too many wrong ones have nobody asked any more. They do not lock out
others behind the same address: what memory knows to be good is good from anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from longwire.v1.account_pb2 import Role
from longwire_server.accounts.access_refusals import (
    credential_expired,
    credential_revoked,
    issuer_unavailable,
    too_many_failures,
    unknown_credential,
)
from longwire_server.accounts.caller import DEFAULT_TENANT, Caller
from longwire_server.accounts.certificates import Certificates
from longwire_server.accounts.failures import Failures
from longwire_server.accounts.issuer_keys import KeysUnavailableError
from longwire_server.accounts.json_web_tokens import JsonWebTokens
from longwire_server.accounts.roles import ROLES, scopes_of
from longwire_server.accounts.token_directory import TokenDirectory
from longwire_server.accounts.tokens import PREFIX, is_right, parse_token
from longwire_server.config.auth_section import AuthSection
from longwire_server.refusals import store_unavailable
from longwire_server.store.job_store import StoreError

_SCHEME: Final = "bearer "


class Authenticator:
    """Knows the credentials of one server.

    Args:
        section: ``[auth]``.
        required: whether callers must show who they are.
        tokens: the API tokens.

    Raises:
        KeysUnavailableError: the file of the issuer's keys cannot be read.
    """

    def __init__(self, section: AuthSection, *, required: bool, tokens: TokenDirectory) -> None:
        self._tokens = tokens
        self._failures = Failures(section.failures_per_minute)
        self._jwts = None if section.oidc is None else JsonWebTokens(section.oidc)
        self._certificates = Certificates(section.certificate) if section.certificate else None
        role = ROLES[section.anonymous_role]
        self._anonymous = None if required else _anonymous(role)

    @property
    def reads_certificates(self) -> bool:
        """Whether a certificate can say who calls."""
        return self._certificates is not None

    @property
    def anonymous(self) -> Caller | None:
        """Who calls without showing anything; None where nobody may."""
        return self._anonymous

    def known(self, authorization: str) -> Caller | None:
        """Who shows this, where memory knows it to be good just now.

        Args:
            authorization: the metadata of this name.
        """
        text = _bearer(authorization)
        if text.startswith(PREFIX):
            parsed = parse_token(text)
            if parsed is None or not self._tokens.is_fresh():
                return None
            token = self._tokens.get(parsed[0])
            if not is_right(parsed[1], token) or token is None:
                return None
            if token.revoke_time_us is not None:
                return None
            found = self._tokens.caller(token)
        else:
            jwt_caller = self._known_jwt(text)
            if jwt_caller is None:
                return None
            found = jwt_caller
        return None if is_expired(found) else found

    def of_certificate(self, pem: bytes) -> Caller | None:
        """Who shows a certificate; None where it says nothing.

        Raises:
            RequestRefusedError: its time is over.
        """
        caller = None if self._certificates is None else self._certificates.known(pem)
        if caller is not None and is_expired(caller):
            raise credential_expired("client certificate")
        return caller

    async def find(self, authorization: str, address: str) -> Caller:
        """Who shows this.

        Args:
            authorization: the metadata of this name.
            address: where the call comes from.

        Raises:
            RequestRefusedError: it is not good, which is counted; or whether it is
                cannot be found out now.
        """
        text = _bearer(authorization)
        blocked_seconds = self._failures.blocked_seconds(address)
        if text.startswith(PREFIX):
            caller = await self._of_token(text, may_ask=not blocked_seconds)
        else:
            caller = await self._of_jwt(text, may_ask=not blocked_seconds)
        if caller is not None:
            return caller
        if blocked_seconds:
            raise too_many_failures(self._failures.per_minute, blocked_seconds)
        self._failures.count(address)
        raise unknown_credential(is_needed=self._anonymous is None)

    def require_good(self, caller: Caller) -> None:
        """Refuses a caller who was found good before and is so no more.

        Raises:
            RequestRefusedError: its credential was revoked, or its time is over.
        """
        if caller.token_id:
            token = self._tokens.get(caller.token_id)
            if token is None or token.revoke_time_us is not None:
                raise credential_revoked()
        if is_expired(caller):
            raise credential_expired("credential")

    def watch(self, caller: Caller, on_revoked: Callable[[], None]) -> None:
        """Has ``on_revoked`` called when the caller's credential is revoked."""
        if caller.token_id:
            self._tokens.watch(caller.token_id, on_revoked)

    def unwatch(self, caller: Caller, on_revoked: Callable[[], None]) -> None:
        """Ends a watch."""
        if caller.token_id:
            self._tokens.unwatch(caller.token_id, on_revoked)

    async def _of_token(self, text: str, *, may_ask: bool) -> Caller | None:
        parsed = parse_token(text)
        if parsed is None:
            return None
        if (caller := self._right_token(*parsed)) is not None and self._tokens.is_fresh():
            return caller
        if may_ask or not self._tokens.is_fresh():
            # Asked for a wrong secret, too: an id that exists takes no less time.
            try:
                await self._tokens.renew()
            except StoreError as error:
                raise store_unavailable() from error
        return self._right_token(*parsed)

    def _right_token(self, token_id: str, secret: str) -> Caller | None:
        """Who has a token, by memory; None where the secret is wrong."""
        token = self._tokens.get(token_id)
        if not is_right(secret, token) or token is None:
            return None
        if token.revoke_time_us is not None:
            raise credential_revoked()
        caller = self._tokens.caller(token)
        if is_expired(caller):
            raise credential_expired("API token")
        return caller

    async def _of_jwt(self, text: str, *, may_ask: bool) -> Caller | None:
        jwts = self._jwts
        if jwts is None or not jwts.looks_like_one(text):
            return None
        caller = jwts.known(text)
        if caller is None and may_ask and not jwts.has_key_of(text):
            try:
                is_worth_another_look = await jwts.renew_keys()
            except KeysUnavailableError as error:
                raise issuer_unavailable() from error
            caller = jwts.known(text) if is_worth_another_look else None
        if caller is not None and is_expired(caller):
            raise credential_expired("JSON Web Token")
        return caller

    def _known_jwt(self, text: str) -> Caller | None:
        if self._jwts is None or not self._jwts.looks_like_one(text):
            return None
        return self._jwts.known(text)


def shown_token_id(authorization: str) -> str:
    """The id of the API token that the metadata shows, right or wrong; empty for none."""
    parsed = parse_token(_bearer(authorization))
    return "" if parsed is None else parsed[0]


def is_expired(caller: Caller) -> bool:
    """Whether the time of a caller's credential is over."""
    return caller.expire_time_us is not None and caller.expire_time_us <= time.time() * 1e6


def _anonymous(role: Role.ValueType) -> Caller:
    return Caller(DEFAULT_TENANT, role=role, scopes=scopes_of(role))


def _bearer(authorization: str) -> str:
    """The token in the metadata; empty where there is none."""
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        return ""
    return authorization[len(_SCHEME) :].strip()
