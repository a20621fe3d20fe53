"""``longwire.v1.AccountService``."""

from __future__ import annotations

from typing import Any

from longwire.v1 import account_service_pb2 as messages
from longwire.v1.account_pb2 import Account
from longwire.v1.account_service_pb2_grpc import AccountServiceServicer
from longwire_server.accounts.caller import caller
from longwire_server.accounts.tenants import Tenants
from longwire_server.servicers.usage import UsageReport


class AccountServicer(AccountServiceServicer):
    """Tells callers of themselves.

    Args:
        tenants: what their tenants get.
        usage: tells what these have used.
    """

    def __init__(self, tenants: Tenants, usage: UsageReport) -> None:
        self._tenants = tenants
        self._usage = usage

    async def WhoAmI(  # noqa: N802
        self, _request: messages.WhoAmIRequest, _context: Any
    ) -> messages.WhoAmIResponse:
        """Who the caller is."""
        present = caller()
        account = Account(
            tenant=present.tenant,
            subject=present.subject,
            role=present.role,
            scopes=sorted(present.scopes),
            backend_names=sorted(present.backend_names),
            credential_kind=present.credential_kind,
            token_id=present.token_id,
        )
        if present.expire_time_us is not None:
            account.expire_time.FromMicroseconds(present.expire_time_us)
        return messages.WhoAmIResponse(
            account=account, tenant=self._tenants.to_proto(present.tenant)
        )

    async def GetUsage(  # noqa: N802
        self, request: messages.GetUsageRequest, context: Any
    ) -> messages.GetUsageResponse:
        """What the caller's tenant has used, or others that an operator asks for."""
        return await self._usage.GetUsage(request, context)
