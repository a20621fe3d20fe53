"""Shares and quotas of tenants, from memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from stored_jobs import with_open

from longwire.v1 import account_pb2
from longwire_server.accounts.quotas import Quotas
from longwire_server.accounts.tenants import Tenants
from longwire_server.config.model import LimitsSection, ServerConfig
from longwire_server.config.quotas_section import QuotasSection
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.direct_access import accounts_of
from longwire_server.store.job_store import JobStore
from longwire_server.store.sql_job_store import SqlJobStore
from longwire_server.store.tenant_table import TenantRow

DEFAULTS = Quotas.of_config(ServerConfig(quotas=QuotasSection(shots=1000)))


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder}/longwire.db"


def test_quotas_that_are_not_set_are_those_of_the_configuration() -> None:
    config = ServerConfig(
        limits=LimitsSection(program_bytes=77), quotas=QuotasSection(circuits=5, run_seconds=2.5)
    )
    quotas = Quotas.of_config(config)
    assert (quotas.program_bytes, quotas.circuits, quotas.run_seconds) == (77, 5, 2.5)
    message = account_pb2.Quotas(shots=3)
    assert quotas.with_set(message).shots == 3
    assert quotas.with_set(message).to_proto() == account_pb2.Quotas(
        unfinished_jobs=quotas.unfinished_jobs,
        jobs_per_second=quotas.jobs_per_second,
        program_bytes=77,
        circuits=5,
        qubits=quotas.qubits,
        shots=3,
        run_seconds=2.5,
    )


def test_what_is_set_for_a_tenant_holds_at_once_for_it_alone(tmp_path: Path) -> None:
    changes = []

    async def body(store: JobStore) -> None:
        assert isinstance(store, SqlJobStore)
        tenants = Tenants(store.tenants, DEFAULTS)
        tenants.on_change.append(lambda: changes.append(tenants.weight("physics")))
        await tenants.start()
        assert (tenants.weight("physics"), tenants.quotas("physics")) == (1.0, DEFAULTS)
        quotas = account_pb2.Quotas(shots=5)
        given = account_pb2.Tenant(name="physics", weight=3.0, quotas=quotas)
        assert await tenants.set(given) == given
        assert tenants.weight("physics") == 3.0
        assert tenants.quotas("physics").shots == 5
        assert tenants.quotas("physics").circuits == DEFAULTS.circuits
        assert (tenants.weight("chemistry"), tenants.quotas("chemistry")) == (1.0, DEFAULTS)
        assert tenants.all_set() == [given]
        # A weight of 0 counts as 1, and with nothing set there is nothing to list.
        await tenants.set(account_pb2.Tenant(name="physics"))
        assert (tenants.weight("physics"), tenants.all_set()) == (1.0, [])
        await tenants.stop()

    asyncio.run(with_open(SqlJobStore(url_in(tmp_path)), body))
    assert changes == [3.0, 1.0]


def test_what_another_process_sets_is_heeded(tmp_path: Path) -> None:
    async def body(store: JobStore) -> None:
        assert isinstance(store, SqlJobStore)
        tenants = Tenants(store.tenants, DEFAULTS)
        await tenants.start()
        changed = asyncio.Event()
        tenants.on_change.append(changed.set)
        async with accounts_of(url_in(tmp_path)) as accounts:
            await accounts.tenants.set(TenantRow("physics", 2.0))
        # Generous: other work may load the machine.
        await asyncio.wait_for(changed.wait(), 60)
        assert tenants.weight("physics") == 2.0
        await tenants.stop()

    asyncio.run(with_open(SqlJobStore(url_in(tmp_path)), body))


@pytest.mark.parametrize(
    ("tenant", "field"),
    [
        (account_pb2.Tenant(name=""), "tenant.name"),
        (account_pb2.Tenant(name="a b"), "tenant.name"),
        (account_pb2.Tenant(name="a", weight=-1), "tenant.weight"),
        (account_pb2.Tenant(name="a", weight=float("nan")), "tenant.weight"),
        (account_pb2.Tenant(name="a", weight=1e9), "tenant.weight"),
        (account_pb2.Tenant(name="a", quotas={"shots": 0}), "tenant.quotas.shots"),
        (
            account_pb2.Tenant(name="a", quotas={"jobs_per_second": float("inf")}),
            "tenant.quotas.jobs_per_second",
        ),
    ],
    ids=["no name", "name", "negative", "nan", "huge", "no shots", "infinite rate"],
)
def test_setting_that_cannot_be_is_refused_with_its_field(
    tmp_path: Path, tenant: account_pb2.Tenant, field: str
) -> None:
    async def body(store: JobStore) -> None:
        assert isinstance(store, SqlJobStore)
        tenants = Tenants(store.tenants, DEFAULTS)
        with pytest.raises(RequestRefusedError) as caught:
            await tenants.set(tenant)
        assert caught.value.field == field
        assert await store.tenants.all() == []

    asyncio.run(with_open(SqlJobStore(url_in(tmp_path)), body))
