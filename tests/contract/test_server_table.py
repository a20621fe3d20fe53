"""The servers that share a store: whose jobs are whose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from stored_jobs import VALIDATING, make_job, with_open

from longwire_server.store.job import Job
from longwire_server.store.job_query import Cursor
from longwire_server.store.job_store import JobStore
from longwire_server.store.server_beat import ServerBeat
from longwire_server.store.server_table import ServerTable
from longwire_server.store.sql_job_store import SqlJobStore

HERE = ServerBeat("here", "1", 30.0)
THERE = ServerBeat("there", "2", 30.0)
BACKENDS = ["aer_simulator"]


def on_store(url: str, body: Callable[[SqlJobStore, ServerTable], Awaitable[None]]) -> None:
    store = SqlJobStore(url)

    async def run(_store: JobStore) -> None:
        await body(store, store.servers)

    asyncio.run(with_open(store, run))


async def add_jobs(store: JobStore, count: int, owner: str, **changes: Any) -> list[Job]:
    jobs = [make_job(number, lease_owner=owner, **changes) for number in range(count)]
    for job in jobs:
        await store.add(job, b"spec")
    return jobs


async def claim(servers: ServerTable, dead: ServerBeat | None, limit: int = 100) -> list[Job]:
    return await servers.claim("here", dead, backend_names=BACKENDS, limit=limit)


def test_signs_of_life_are_counted_and_seen_by_all(sql_url: str) -> None:
    async def body(_store: JobStore, servers: ServerTable) -> None:
        await servers.register(HERE)
        await servers.register(THERE)
        goes_on, all_beats = await servers.beat(HERE)
        assert goes_on
        assert [(beat.server_id, beat.beats) for beat in all_beats] == [("here", 2), ("there", 1)]

    on_store(sql_url, body)


def test_life_that_was_ended_or_replaced_does_not_go_on(sql_url: str) -> None:
    async def body(_store: JobStore, servers: ServerTable) -> None:
        await servers.register(HERE)
        await servers.sign_off(HERE)
        goes_on, (beat,) = await servers.beat(HERE)
        assert (goes_on, beat.has_stopped) == (False, True)
        later = ServerBeat("here", "another", 30.0)
        await servers.register(later)
        goes_on, (beat,) = await servers.beat(HERE)
        assert (goes_on, beat.has_stopped, beat.boot_id) == (False, False, "another")
        assert (await servers.beat(later))[0]

    on_store(sql_url, body)


def test_jobs_of_a_dead_server_are_claimed_in_order_and_its_row_goes(sql_url: str) -> None:
    async def body(store: JobStore, servers: ServerTable) -> None:
        await servers.register(HERE)
        _, dead = await servers.register(THERE)
        jobs = await add_jobs(store, 5, "there")
        first, second = await claim(servers, dead, 3), await claim(servers, dead, 3)
        assert first + second == [job.evolve(lease_owner="here") for job in jobs]
        assert await claim(servers, dead) == []
        assert [beat.server_id for beat in (await servers.beat(HERE))[1]] == ["here"]

    on_store(sql_url, body)


def test_jobs_of_a_server_that_has_given_another_sign_of_life_are_not_claimed(sql_url: str) -> None:
    async def body(store: JobStore, servers: ServerTable) -> None:
        (seen,) = await servers.register(THERE)
        await add_jobs(store, 1, "there")
        await servers.beat(THERE)
        assert await claim(servers, seen) == []
        assert (await servers.beat(THERE))[0]

    on_store(sql_url, body)


def test_claim_leaves_final_jobs_and_those_on_other_backends(sql_url: str) -> None:
    async def body(store: JobStore, servers: ServerTable) -> None:
        (dead,) = await servers.register(THERE)
        await add_jobs(store, 2, "there", backend_name="device")
        assert await claim(servers, dead) == []
        # It still has jobs.
        assert (await servers.register(HERE))[1].server_id == "there"

    on_store(sql_url, body)


def test_jobs_without_a_server_are_claimed_by_the_first_that_asks(sql_url: str) -> None:
    async def body(store: JobStore, servers: ServerTable) -> None:
        await add_jobs(store, 2, "")
        assert len(await claim(servers, None)) == 2
        assert await claim(servers, None) == []

    on_store(sql_url, body)


def test_two_that_claim_at_once_share_the_jobs(sql_url: str) -> None:
    async def body(store: JobStore, servers: ServerTable) -> None:
        (dead,) = await servers.register(THERE)
        await add_jobs(store, 40, "there")
        other = SqlJobStore(sql_url)

        async def claim_all(table: ServerTable, owner: str) -> list[str]:
            claimed: list[str] = []
            while jobs := await table.claim(owner, dead, backend_names=BACKENDS, limit=3):
                claimed += [job.job_id for job in jobs]
            return claimed

        async def beside(_other: JobStore) -> None:
            here, elsewhere = await asyncio.gather(
                claim_all(servers, "here"), claim_all(other.servers, "elsewhere")
            )
            assert not set(here) & set(elsewhere)
            assert len(here) + len(elsewhere) == 40
            for owner, claimed in (("here", here), ("elsewhere", elsewhere)):
                owned = await servers.owned(owner, queued=True, after=None, limit=100)
                assert [job.job_id for job in owned] == sorted(claimed)

        await with_open(other, beside)

    on_store(sql_url, body)


def test_jobs_of_a_server_whoever_owns_them_are_read_in_pages(sql_url: str) -> None:
    async def body(store: JobStore, servers: ServerTable) -> None:
        jobs = await add_jobs(store, 5, "here")
        begun = make_job(9, tenant="chemistry", lease_owner="here", state=VALIDATING, attempt=1)
        await store.add(begun, b"spec")
        after = Cursor(jobs[1].create_time_us, jobs[1].job_id)
        assert await servers.owned("here", queued=True, after=after, limit=2) == jobs[2:4]
        assert await servers.owned("here", queued=False, after=None, limit=9) == [begun]
        assert await servers.owned("here", queued=None, after=None, limit=9) == [*jobs, begun]
        assert await servers.owned("there", queued=None, after=None, limit=9) == []

    on_store(sql_url, body)


def test_request_to_cancel_is_found_by_the_server_that_has_the_job(sql_url: str) -> None:
    async def body(store: JobStore, servers: ServerTable) -> None:
        job, _ = await add_jobs(store, 2, "here")
        assert await servers.ask_to_cancel(job.tenant, job.job_id)
        assert not await servers.ask_to_cancel("chemistry", job.job_id)
        assert await servers.cancel_requests("here") == [job.job_id]
        assert await servers.cancel_requests("there") == []
        recorded = await store.get(job.tenant, job.job_id)
        assert recorded is not None
        assert recorded.cancel_requested

    on_store(sql_url, body)
