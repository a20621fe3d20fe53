"""What the tenants get of this server: their shares and quotas, from memory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Mapping

from longwire.v1 import account_pb2
from longwire_server.accounts.quotas import Quotas, check_quotas
from longwire_server.accounts.tenant_names import check_tenant_name
from longwire_server.refusals import argument_invalid
from longwire_server.store.account_changes import Mark
from longwire_server.store.job_store import StoreError
from longwire_server.store.tenant_table import TenantRow, TenantTable

_logger = logging.getLogger(__name__)

# How soon a server does what another process has set.
_LOOK_EVERY_SECONDS = 1.0
# It is read again so often whether or not a change became known.
_LOOKS_PER_REFRESH = 30
# Weights are compared with each other: what is more than this is a mistake.
_MOST_WEIGHT = 1_000_000.0


class Tenants:
    """Shares and quotas, as they were set, here or by another process on the same store.

    Args:
        table: what was set.
        defaults: the quotas of tenants for whom none were.

    Attributes:
        on_change: called, each without arguments, when anything has been set.
    """

    def __init__(self, table: TenantTable, defaults: Quotas) -> None:
        self._table = table
        self._defaults = defaults
        self._rows: Mapping[str, TenantRow] = {}
        self._quotas: Mapping[str, Quotas] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self.on_change: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Reads what was set, now and from time to time.

        Raises:
            StoreError: the store could not be read.
        """
        mark = self._table.mark()
        await self.refresh()
        self._refreshing = asyncio.create_task(self._keep_refreshing(mark))

    async def stop(self) -> None:
        """Reads it no more."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing

    def weight(self, tenant: str) -> float:
        """A tenant's share of the workers, relative to the others'; above 0."""
        row = self._rows.get(tenant)
        return 1.0 if row is None else row.weight

    def quotas(self, tenant: str) -> Quotas:
        """What a tenant may ask for, with every limit that holds."""
        return self._quotas.get(tenant, self._defaults)

    def to_proto(self, tenant: str) -> account_pb2.Tenant:
        """A tenant with the quotas that hold for it."""
        return account_pb2.Tenant(
            name=tenant, weight=self.weight(tenant), quotas=self.quotas(tenant).to_proto()
        )

    def all_set(self) -> list[account_pb2.Tenant]:
        """The tenants for whom anything is set, with that alone, in the order of their names."""
        return [_message(row) for row in self._rows.values()]

    async def set(self, tenant: account_pb2.Tenant) -> account_pb2.Tenant:
        """Sets a tenant's share and quotas, all of them, and returns what was set.

        Raises:
            RequestRefusedError: the name, the weight or a quota cannot be.
            StoreError: it could not be written.
        """
        row = tenant_row(tenant)
        await self._table.set(row)
        rows = {**self._rows, row.name: row}
        if row.is_plain:
            del rows[row.name]
        self._take_over(rows)
        return _message(row)

    async def refresh(self) -> None:
        """Reads what was set.

        Raises:
            StoreError: the store could not be read.
        """
        self._take_over({row.name: row for row in await self._table.all()})

    def _take_over(self, rows: Mapping[str, TenantRow]) -> None:
        if rows == self._rows:
            return
        self._rows = dict(sorted(rows.items()))
        self._quotas = {
            row.name: self._defaults.with_set(account_pb2.Quotas.FromString(row.quotas))
            for row in self._rows.values()
        }
        for tell in self.on_change:
            tell()

    async def _keep_refreshing(self, last: Mark) -> None:
        has_failed, looks = False, 0
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            present, looks = self._table.mark(), looks + 1
            if present == last and not has_failed and looks < _LOOKS_PER_REFRESH:
                continue
            try:
                await self.refresh()
            except StoreError as error:
                if not has_failed:
                    _logger.warning("what is set for tenants cannot be read: %s", error)
                has_failed = True
            else:
                has_failed = False
                last, looks = present, 0


def tenant_row(tenant: account_pb2.Tenant) -> TenantRow:
    """What is to be recorded of a tenant. A weight of 0 counts as 1.

    Raises:
        RequestRefusedError: the name, the weight or a quota cannot be.
    """
    check_tenant_name("tenant.name", tenant.name)
    weight = tenant.weight
    if not (math.isfinite(weight) and 0 <= weight <= _MOST_WEIGHT):
        raise argument_invalid(
            "tenant.weight",
            f"it is {weight:g}; write a number above 0, and at most {_MOST_WEIGHT:g}",
        )
    check_quotas("tenant.quotas", tenant.quotas)
    quotas = tenant.quotas.SerializeToString(deterministic=True)
    return TenantRow(tenant.name, weight or 1.0, quotas)


def _message(row: TenantRow) -> account_pb2.Tenant:
    quotas = account_pb2.Quotas.FromString(row.quotas)
    return account_pb2.Tenant(name=row.name, weight=row.weight, quotas=quotas)
