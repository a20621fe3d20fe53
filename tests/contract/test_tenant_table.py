"""What is set for tenants."""

from __future__ import annotations

import asyncio

from stored_jobs import with_open

from longwire_server.store.job_store import JobStore
from longwire_server.store.sql_job_store import SqlJobStore
from longwire_server.store.tenant_table import TenantRow


def test_what_is_set_for_tenants_is_kept_in_the_order_of_their_names(sql_url: str) -> None:
    rows = [TenantRow("Zoo", 0.5), TenantRow("a-b", 2.0, b"q"), TenantRow("b@c", 1.0, b"\x00")]

    async def write(store: JobStore) -> None:
        assert isinstance(store, SqlJobStore)
        for row in reversed(rows):
            await store.tenants.set(row)

    async def read(store: JobStore) -> None:
        assert isinstance(store, SqlJobStore)
        assert await store.tenants.all() == rows

    for body in (write, read):
        asyncio.run(with_open(SqlJobStore(sql_url), body))


def test_what_is_set_again_replaces_all_and_nothing_leaves_no_row(sql_url: str) -> None:
    async def body(store: JobStore) -> None:
        assert isinstance(store, SqlJobStore)
        await store.tenants.set(TenantRow("physics", 3.0, b"quotas"))
        await store.tenants.set(TenantRow("physics", 4.0))
        assert await store.tenants.all() == [TenantRow("physics", 4.0)]
        await store.tenants.set(TenantRow("physics"))
        assert await store.tenants.all() == []

    asyncio.run(with_open(SqlJobStore(sql_url), body))
