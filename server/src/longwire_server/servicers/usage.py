"""The call of ``longwire.v1.AccountService`` that is about usage."""

from __future__ import annotations

import datetime
from typing import Any

from longwire.v1 import account_service_pb2 as messages
from longwire.v1.account_pb2 import Usage
from longwire_server.accounts.reach import tenant_asked_for
from longwire_server.refusals import argument_invalid, quoted
from longwire_server.store import usage as stored
from longwire_server.store.usage_table import UsageTable

_US_PER_SECOND = 1_000_000


class UsageReport:
    """Tells what tenants have used.

    Args:
        table: what is recorded.
    """

    def __init__(self, table: UsageTable) -> None:
        self._table = table

    async def GetUsage(  # noqa: N802
        self, request: messages.GetUsageRequest, _context: Any
    ) -> messages.GetUsageResponse:
        """What was used, by tenant, day and backend."""
        found = await self._table.of(
            tenant_asked_for(request.tenant, all_tenants=request.all_tenants),
            first_day=_checked_day("first_day", request.first_day),
            last_day=_checked_day("last_day", request.last_day),
        )
        return messages.GetUsageResponse(usage=map(_message, found))


def _checked_day(field: str, day: str) -> str:
    """Returns a day, or nothing where nothing is given.

    Raises:
        RequestRefusedError: it is no day, or not written as YYYY-MM-DD.
    """
    try:
        is_day = not day or datetime.date.fromisoformat(day).isoformat() == day
    except ValueError:
        is_day = False
    if not is_day:
        raise argument_invalid(field, f"{quoted(day)} is no day; write it as YYYY-MM-DD")
    return day


def _message(used: stored.Usage) -> Usage:
    return Usage(
        tenant=used.tenant,
        backend_name=used.backend_name,
        day=used.day,
        jobs=used.jobs,
        shots=used.shots,
        worker_seconds=used.worker_us / _US_PER_SECOND,
    )
