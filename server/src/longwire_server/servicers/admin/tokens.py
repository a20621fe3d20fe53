"""The calls of ``longwire.v1.AdminService`` that are about API tokens."""

from __future__ import annotations

import time
from typing import Any

from longwire.v1 import admin_service_pb2 as messages
from longwire.v1.account_pb2 import Role, Scope, Token
from longwire_server.accounts.access_refusals import token_not_found
from longwire_server.accounts.token_directory import TokenDirectory
from longwire_server.accounts.tokens import new_token
from longwire_server.refusals import argument_invalid
from longwire_server.store.token import StoredToken
from longwire_server.store.token_table import TokenTable


class TokenAdministration:
    """Makes, lists and revokes API tokens.

    Args:
        table: the tokens in the store.
        directory: those in memory, which follow at once.
    """

    def __init__(self, table: TokenTable, directory: TokenDirectory) -> None:
        self._table = table
        self._directory = directory

    async def CreateToken(  # noqa: N802
        self, request: messages.CreateTokenRequest, _context: Any
    ) -> messages.CreateTokenResponse:
        """Makes a token."""
        expires = None
        if request.HasField("expire_time"):
            try:
                expires = request.expire_time.ToMicroseconds()
            except ValueError as error:
                raise argument_invalid("expire_time", f"it is no time: {error}") from error
        token, secret = new_token(
            name=request.name,
            tenant=request.tenant,
            role=request.role,
            scopes=request.scopes,
            backend_names=request.backend_names,
            expire_time_us=expires,
            now_us=_now_us(),
        )
        await self._table.add(token)
        await self._directory.renew()
        return messages.CreateTokenResponse(token=token_to_proto(token), secret=secret)

    async def ListTokens(  # noqa: N802
        self, _request: messages.ListTokensRequest, _context: Any
    ) -> messages.ListTokensResponse:
        """All tokens, the newest first."""
        tokens = await self._table.all()
        return messages.ListTokensResponse(tokens=[token_to_proto(token) for token in tokens])

    async def RevokeToken(  # noqa: N802
        self, request: messages.RevokeTokenRequest, _context: Any
    ) -> messages.RevokeTokenResponse:
        """Revokes a token: what it has under way has ended when the call returns."""
        token = await self._table.revoke(request.token_id, _now_us())
        if token is None:
            raise token_not_found(request.token_id)
        await self._directory.renew()
        return messages.RevokeTokenResponse(token=token_to_proto(token))


def token_to_proto(stored: StoredToken) -> Token:
    """The record of a token in the words of the wire."""
    token = Token(
        token_id=stored.token_id,
        name=stored.name,
        tenant=stored.tenant,
        role=Role.ValueType(stored.role),
        scopes=[Scope.ValueType(scope) for scope in sorted(stored.scopes)],
        backend_names=sorted(stored.backend_names),
    )
    token.create_time.FromMicroseconds(stored.create_time_us)
    if stored.expire_time_us is not None:
        token.expire_time.FromMicroseconds(stored.expire_time_us)
    if stored.revoke_time_us is not None:
        token.revoke_time.FromMicroseconds(stored.revoke_time_us)
    return token


def _now_us() -> int:
    return time.time_ns() // 1000
