"""What operators set for backends, and where jobs stand, in every database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from stored_jobs import DONE, QUEUED, VALIDATING, Suite, make_job

from longwire_server.store.backend_control_table import BackendControl
from longwire_server.store.job_store import JobStore
from longwire_server.store.sql_job_store import SqlJobStore


def with_sql(url: str, body: Callable[[SqlJobStore], Awaitable[None]]) -> None:
    async def main() -> None:
        store = SqlJobStore(url)
        await store.open()
        try:
            await body(store)
        finally:
            await store.close()

    asyncio.run(main())


def test_what_is_set_for_backends_is_kept_apart_and_stays(sql_url: str) -> None:
    async def write(store: SqlJobStore) -> None:
        table = store.backend_controls
        assert await table.all() == []
        await table.pause("b", is_paused=True)
        await table.set_status_msg("b", "back at noon")
        await table.set_status_msg("a", "slow today")
        await table.pause("c", is_paused=True)
        await table.pause("c", is_paused=False)

    async def read(store: SqlJobStore) -> None:
        table = store.backend_controls
        assert await table.all() == [
            BackendControl("a", is_paused=False, status_msg="slow today"),
            BackendControl("b", is_paused=True, status_msg="back at noon"),
        ]
        await table.pause("b", is_paused=False)
        await table.set_status_msg("a", "")
        assert await table.all() == [BackendControl("b", status_msg="back at noon")]

    with_sql(sql_url, write)
    with_sql(sql_url, read)


def test_change_by_one_process_becomes_known_to_another(sql_url: str) -> None:
    async def body(here: SqlJobStore) -> None:
        there = SqlJobStore(sql_url)
        await there.open()
        here.account_changes.listen(lambda: None)
        try:
            before = here.backend_controls.mark()
            async with asyncio.timeout(60):
                # Listening begins in a thread: what comes before is not told.
                while here.backend_controls.mark() == before:
                    await there.backend_controls.pause("a", is_paused=True)
                    await asyncio.sleep(0.05)
        finally:
            await here.account_changes.stop()
            await there.close()

    with_sql(sql_url, body)


def test_priority_is_changed_as_labels_are_and_no_change_of_state_undoes_it(
    with_store: Suite,
) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, name="mine", tags=("a",), priority=2)
        await store.add(job, b"")
        changed = await store.set_labels("physics", job.job_id, name=None, tags=None, priority=-3)
        assert changed == job.evolve(priority=-3)
        begun = job.evolve(state=VALIDATING, sequence=2, attempt=1)
        assert await store.update(begun, expected=frozenset({QUEUED}), result=None)
        assert await store.get("physics", job.job_id) == begun.evolve(priority=-3)
        assert await store.set_labels("x", job.job_id, name=None, tags=None, priority=1) is None

    with_store(body)


@pytest.mark.parametrize("state", [VALIDATING, DONE], ids=["validating", "done"])
def test_only_a_queued_job_is_moved_to_the_front(with_store: Suite, state: int) -> None:
    async def body(store: JobStore) -> None:
        job, other = make_job(1), make_job(2, state=state)
        await store.add(job, b"")
        await store.add(other, b"")
        assert await store.move_to_front(job.job_id, 77)
        assert not await store.move_to_front(other.job_id, 77)
        assert not await store.move_to_front("0" * 32, 77)
        assert await store.get("physics", job.job_id) == job.evolve(moved_us=77)
        assert await store.get("physics", other.job_id) == other
        begun = job.evolve(state=VALIDATING, sequence=2, attempt=1)
        assert await store.update(begun, expected=frozenset({QUEUED}), result=None)
        assert await store.get("physics", job.job_id) == begun.evolve(moved_us=77)

    with_store(body)


def test_order_fields_are_kept_with_a_job(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, priority=-10, batch="scan", session_id="5" * 32, submitter="alice")
        await store.add(job, b"")
        assert await store.get("physics", job.job_id) == job

    with_store(body)
