"""What every store of jobs does: one suite, run against each of them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from stored_jobs import (
    BELL,
    DONE,
    ERROR,
    GHZ,
    MINUTE_US,
    PLENTY_BYTES,
    QUEUED,
    VALIDATING,
    Suite,
    make_job,
    naming,
    unfinished,
    with_open,
)

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobKind
from longwire_server.store.job import FINAL_STATES, Job
from longwire_server.store.job_query import Cursor, JobQuery
from longwire_server.store.job_store import JobStore, ProgramKey, StoreError


def test_added_job_comes_back_equal_with_its_spec(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, name="Bell", tags=("a", "b c"), request_id="r1")
        added = await store.add(job, b"\x00spec\xff")
        assert added.created
        assert added.job == job
        assert await store.get("physics", job.job_id) == job
        assert await store.spec(job.job_id) == b"\x00spec\xff"

    with_store(body)


def test_get_of_another_tenants_job_finds_nothing(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        assert await store.get("chemistry", make_job(1).job_id) is None

    with_store(body)


def test_add_with_known_request_id_returns_the_first_job(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1, request_id="r"), b"first")
        second = await store.add(make_job(2, request_id="r"), b"second")
        assert not second.created
        assert second.job.job_id == make_job(1).job_id
        assert await store.get("physics", make_job(2).job_id) is None
        assert await store.of_request(make_job(1).tenant, "r") == make_job(1, request_id="r")
        assert await store.of_request("chemistry", "r") is None
        other_tenant = await store.add(make_job(3, request_id="r", tenant="chemistry"), b"")
        assert other_tenant.created

    with_store(body)


def test_adds_of_one_request_id_in_parallel_make_one_job(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        outcomes = await asyncio.gather(
            *(store.add(make_job(number, request_id="r"), b"") for number in range(20))
        )
        assert sum(outcome.created for outcome in outcomes) == 1
        assert len({outcome.job.job_id for outcome in outcomes}) == 1

    with_store(body)


def test_update_from_expected_state_writes_job_and_result(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        done = make_job(
            1, state=DONE, sequence=4, attempt=1, start_time_us=5, end_time_us=9, result_bytes=3
        )
        assert await store.update(done, expected=frozenset({QUEUED}), result=b"abc")
        assert await store.get("physics", done.job_id) == done
        assert await store.result(done.job_id) == b"abc"

    with_store(body)


def test_update_keeps_error_with_its_reason(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        failed = make_job(
            1,
            state=ERROR,
            error_reason=ErrorReason.ERROR_REASON_TIME_LIMIT,
            error_message="circuit 'ghz': too long",
        )
        assert await store.update(failed, expected=frozenset({QUEUED}), result=None)
        assert await store.get("physics", failed.job_id) == failed

    with_store(body)


def test_update_from_other_state_writes_nothing(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        done = make_job(1, state=DONE)
        assert not await store.update(done, expected=frozenset({VALIDATING}), result=b"abc")
        assert await store.get("physics", done.job_id) == make_job(1)
        assert await store.result(done.job_id) is None

    with_store(body)


def test_update_of_unknown_job_writes_nothing(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        assert not await store.update(make_job(1), expected=frozenset({QUEUED}), result=b"")
        assert await store.get("physics", make_job(1).job_id) is None

    with_store(body)


def leased(number: int, attempt: int, **changes: object) -> Job:
    """A job in an attempt of the server "a"."""
    return make_job(
        number,
        state=VALIDATING,
        attempt=attempt,
        lease_owner="a",
        lease_expires_us=1_000,
        **changes,
    )


def test_update_of_another_attempt_writes_nothing(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        second = leased(1, 2)
        await store.add(second, b"")
        late = second.evolve(state=DONE, attempt=1)
        expected = frozenset({VALIDATING})
        assert not await store.update(late, expected=expected, attempt=1, result=b"old")
        assert await store.get("physics", second.job_id) == second
        assert await store.result(second.job_id) is None
        done = second.evolve(state=DONE)
        assert await store.update(done, expected=expected, attempt=2, result=b"new")
        assert await store.result(second.job_id) == b"new"

    with_store(body)


def test_job_keeps_its_lease_and_its_limits(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, queue_deadline_us=1_800_000_000_000_000, run_limit_seconds=0.25)
        await store.add(job, b"")
        assert await store.get("physics", job.job_id) == job
        begun = leased(
            1, 1, queue_deadline_us=job.queue_deadline_us, run_limit_seconds=job.run_limit_seconds
        )
        assert await store.update(begun, expected=frozenset({QUEUED}), attempt=0, result=None)
        assert await unfinished(store) == [begun]

    with_store(body)


def test_renewal_extends_the_leases_of_the_owners_present_attempts_alone(
    with_store: Suite,
) -> None:
    async def body(store: JobStore) -> None:
        jobs = [leased(1, 1), leased(2, 2), leased(3, 1).evolve(lease_owner="b")]
        for job in jobs:
            await store.add(job, b"")
        asked = {job.job_id: 1 for job in jobs} | {make_job(4).job_id: 1}
        renewed = await store.renew_leases("a", asked, expires_us=2_000)
        assert renewed == {jobs[0].job_id}
        expiries = [job.lease_expires_us for job in await unfinished(store)]
        assert expiries == [2_000, 1_000, 1_000]

    with_store(body)


def test_list_pages_through_all_jobs_newest_first(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        # Jobs of one microsecond are told apart by their ids.
        jobs = [make_job(number, create_time_us=1000 + number // 3) for number in range(10)]
        for job in jobs:
            await store.add(job, b"")
        seen: list[Job] = []
        after = None
        while page := await store.list_jobs(JobQuery("physics", page_size=3, after=after)):
            seen += page
            after = Cursor.from_token(Cursor(page[-1].create_time_us, page[-1].job_id).to_token())
        assert seen == jobs[::-1]

    with_store(body)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"backend_name": "device"}, [2]),
        ({"states": frozenset({DONE, ERROR})}, [4, 3]),
        ({"tag": "run_1"}, [5]),
        ({"tag": "run"}, []),
        ({"tag": "%"}, []),
        ({"tag": "run_1", "states": frozenset({DONE})}, []),
        ({"name": "Bell"}, [3]),
        ({"name": "Bel"}, []),
        ({"name": "Bell", "states": frozenset({DONE, ERROR}), "backend_name": "device"}, []),
        ({"created_after_us": 1_700_000_000_000_004}, [5, 4]),
        ({"created_before_us": 1_700_000_000_000_003}, [2, 1]),
        ({"tenant": "chemistry"}, [6]),
    ],
)
def test_list_shows_only_jobs_that_match(
    with_store: Suite, query: dict[str, object], numbers: list[int]
) -> None:
    async def body(store: JobStore) -> None:
        for job in (
            make_job(1),
            make_job(2, backend_name="device"),
            make_job(3, state=DONE, name="Bell"),
            make_job(4, state=ERROR),
            make_job(5, tags=("other", "run_1")),
            make_job(6, tenant="chemistry"),
        ):
            await store.add(job, b"")
        found = await store.list_jobs(dataclasses.replace(JobQuery("physics"), **query))
        assert [int(job.job_id, 16) for job in found] == numbers

    with_store(body)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"tag": "run"},
        {"name": "Bell"},
        {"backend_name": "device"},
        {"states": frozenset({DONE})},
        {"states": frozenset({DONE, ERROR})},
        {"states": frozenset({QUEUED})},
        {"tag": "run", "states": frozenset({DONE, ERROR})},
        {"name": "Bell", "states": frozenset({DONE, ERROR}), "backend_name": "device"},
        {"created_after_us": 0, "created_before_us": 2_000_000_000_000_000},
    ],
    ids=lambda query: "-".join(query) + str(sum(query.get("states", ()))),
)
def test_list_holds_no_job_of_another_tenant_on_any_page(
    with_store: Suite, query: dict[str, Any]
) -> None:
    """Both have jobs of the same name, tag and state, at the same times."""

    async def body(store: JobStore) -> None:
        tenants = ("physics", "chemistry")
        jobs = [
            make_job(
                number,
                tenant=tenants[number % 2],
                name="Bell",
                tags=("run",),
                backend_name="device",
                state=(QUEUED, DONE, ERROR)[number // 2 % 3],
                create_time_us=1_700_000_000_000_000 + number // 4,
            )
            for number in range(36)
        ]
        for job in jobs:
            await store.add(job, b"")
        states = query.get("states", frozenset({QUEUED, DONE, ERROR}))
        for tenant in tenants:
            own = [job for job in jobs if job.tenant == tenant and job.state in states]
            found: list[Job] = []
            asked = dataclasses.replace(JobQuery(tenant, page_size=2), **query)
            while page := await store.list_jobs(asked):
                found += page
                last = Cursor(page[-1].create_time_us, page[-1].job_id)
                asked = dataclasses.replace(asked, after=last)
            assert found == own[::-1]

    with_store(body)


def test_delete_removes_job_with_payloads_only_in_expected_state(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1)
        await store.add(job, b"spec")
        assert not await store.delete("physics", job.job_id, expected=FINAL_STATES)
        done = job.evolve(state=DONE)
        await store.update(done, expected=frozenset({QUEUED}), result=b"result")
        assert not await store.delete("chemistry", job.job_id, expected=FINAL_STATES)
        assert await store.delete("physics", job.job_id, expected=FINAL_STATES)
        assert await store.get("physics", job.job_id) is None
        assert await store.spec(job.job_id) is None
        assert await store.result(job.job_id) is None

    with_store(body)


@pytest.mark.parametrize("kind", [kind for kind in JobKind.values() if kind])
def test_job_keeps_its_kind_and_the_digest_of_its_program(
    with_store: Suite, kind: JobKind.ValueType
) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, kind=kind, payloads_sha256=BELL.payloads_sha256)
        await store.add(job, b"", b"circuits")
        assert await store.get("physics", job.job_id) == job
        assert await unfinished(store) == [job]

    with_store(body)


def test_add_that_is_repeated_has_the_outcome_of_the_first(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        for job in (make_job(1), make_job(2, request_id="r")):
            for _ in range(2):
                assert (await store.add(job, b"spec")).created
            assert await store.get("physics", job.job_id) == job

    with_store(body)


def test_add_of_another_job_with_a_known_id_is_refused(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        with pytest.raises(StoreError, match=make_job(1).job_id):
            await store.add(make_job(1, spec_digest=b"\x02" * 32), b"")
        assert await store.get("physics", make_job(1).job_id) == make_job(1)

    with_store(body)


def test_one_bad_write_spoils_no_other_of_its_batch(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        outcomes = await asyncio.gather(
            store.add(make_job(1), b""),
            store.add(make_job(1, spec_digest=b"\x02" * 32), b""),
            store.add(make_job(2), b""),
            return_exceptions=True,
        )
        assert [isinstance(outcome, StoreError) for outcome in outcomes] == [False, True, False]
        assert await store.get("physics", make_job(2).job_id) == make_job(2)

    with_store(body)


def test_update_that_is_repeated_has_the_outcome_of_the_first(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"")
        done = make_job(1, state=DONE, attempt=1, end_time_us=5)
        for _ in range(2):
            assert await store.update(done, expected=frozenset({QUEUED}), attempt=0, result=b"r")
        other = done.evolve(end_time_us=6)
        assert not await store.update(other, expected=frozenset({QUEUED}), result=b"other")
        assert await store.result(done.job_id) == b"r"

    with_store(body)


def test_text_of_any_script_and_any_character_is_kept(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, name="Ψ 量子 🛰 %s %(x)s '\"\\", tags=("ü", "%_\\"), request_id="é")
        await store.add(job, bytes(range(256)))
        assert await store.get("physics", job.job_id) == job
        assert await store.list_jobs(JobQuery("physics", tag="%_\\")) == [job]
        failed = job.evolve(state=ERROR, error_message="bytes: a\0b")
        assert await store.update(failed, expected=frozenset({QUEUED}), result=None)
        kept = await store.get("physics", job.job_id)
        assert kept is not None
        assert kept.error_message.startswith("bytes: a")

    with_store(body)


@pytest.mark.parametrize(
    "make_store",
    ["sqlite-process", "sqlite-power", "sqlite-files", "postgresql"],
    indirect=True,
)
def test_store_on_a_disk_has_its_jobs_when_it_is_opened_again(
    make_store: Callable[[], JobStore],
) -> None:
    async def write(store: JobStore) -> None:
        await store.add(naming(1, BELL), b"spec", b"circuits")
        await store.add(make_job(2), b"")
        await store.update(make_job(2, state=DONE), expected=frozenset({QUEUED}), result=b"result")

    async def read(store: JobStore) -> None:
        assert await store.get("physics", naming(1, BELL).job_id) == naming(1, BELL)
        assert await store.spec(naming(1, BELL).job_id) == b"spec"
        assert await store.program(BELL) == b"circuits"
        assert await store.result(make_job(2).job_id) == b"result"
        assert await unfinished(store) == [naming(1, BELL)]

    asyncio.run(with_open(make_store(), write))
    asyncio.run(with_open(make_store(), read))


async def end(store: JobStore, job: Job) -> None:
    assert await store.update(job.evolve(state=DONE), expected=frozenset({QUEUED}), result=None)


def test_program_is_kept_with_its_job_for_its_tenant_alone(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(naming(1, BELL), b"spec", b"circuits")
        assert await store.program(BELL) == b"circuits"
        assert await store.program(GHZ) is None
        assert await store.program(BELL._replace(tenant="chemistry")) is None

    with_store(body)


def test_job_of_a_known_request_adds_no_program(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1, request_id="r"), b"")
        await store.add(naming(2, BELL, request_id="r"), b"", b"circuits")
        assert await store.program(BELL) is None

    with_store(body)


def test_program_that_an_unfinished_job_names_is_never_removed(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = naming(1, BELL)
        await store.add(job, b"", b"circuits")
        await store.add(naming(2, BELL), b"", b"circuits")
        far_later = job.create_time_us * 2
        await end(store, job)
        assert await store.remove_programs(unused_since_us=far_later, keep_bytes=0) == []
        await end(store, naming(2, BELL))
        assert await store.remove_programs(unused_since_us=far_later, keep_bytes=0) == [BELL]
        assert await store.program(BELL) is None
        assert await store.remove_programs(unused_since_us=far_later, keep_bytes=0) == []

    with_store(body)


def test_program_of_another_tenants_job_does_not_keep_mine(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        theirs = BELL._replace(tenant="chemistry")
        await store.add(naming(1, BELL), b"", b"circuits")
        await store.add(naming(2, theirs), b"", b"circuits")
        await end(store, naming(1, BELL))
        assert await store.remove_programs(unused_since_us=0, keep_bytes=0) == [BELL]
        assert await store.program(theirs) == b"circuits"

    with_store(body)


def test_programs_not_used_since_a_time_are_removed(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        first, second = naming(1, BELL), naming(2, GHZ, create_time_us=2_000_000_000_000_000)
        for job in (first, second):
            await store.add(job, b"", b"circuits")
            await end(store, job)
        removed = await store.remove_programs(
            unused_since_us=first.create_time_us, keep_bytes=PLENTY_BYTES
        )
        assert removed == [BELL]
        assert await store.program(GHZ) == b"circuits"

    with_store(body)


def test_use_of_a_program_a_minute_later_counts(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        first = naming(1, BELL)
        again = naming(2, BELL, create_time_us=first.create_time_us + MINUTE_US)
        for job in (first, again):
            await store.add(job, b"", b"circuits")
            await end(store, job)
        assert not await store.remove_programs(
            unused_since_us=first.create_time_us, keep_bytes=PLENTY_BYTES
        )
        assert await store.remove_programs(
            unused_since_us=again.create_time_us, keep_bytes=PLENTY_BYTES
        ) == [BELL]

    with_store(body)


def test_program_that_was_removed_is_kept_again_with_its_next_job(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(naming(1, BELL), b"", b"circuits")
        await end(store, naming(1, BELL))
        assert await store.remove_programs(unused_since_us=0, keep_bytes=0) == [BELL]
        await store.add(naming(2, BELL), b"", b"circuits")
        assert await store.program(BELL) == b"circuits"

    with_store(body)


def test_least_recently_used_programs_make_room(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        keys = [ProgramKey("physics", bytes([number]) * 32) for number in range(5)]
        for number, key in enumerate(keys):
            # The second is needed, and the first was used again in the end.
            await store.add(naming(number, key), b"", b"x" * 100)
            if number != 1:
                await end(store, naming(number, key))
        again = naming(9, keys[0], create_time_us=naming(9, keys[0]).create_time_us + MINUTE_US)
        await store.add(again, b"", b"x" * 100)
        await end(store, again)
        removed = []
        while step := await store.remove_programs(unused_since_us=0, keep_bytes=300):
            removed += step
        assert removed == [keys[2], keys[3]]

    with_store(body)


def test_many_large_programs_are_removed_in_steps_until_none_is_left(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        keys = [ProgramKey("physics", bytes([number]) * 32) for number in range(3)]
        for number, key in enumerate(keys):
            await store.add(naming(number, key), b"", bytes(3 << 20))
            await end(store, naming(number, key))
        removed = []
        while step := await store.remove_programs(unused_since_us=0, keep_bytes=0):
            removed += step
        assert removed == keys

    with_store(body)


@pytest.mark.parametrize("token", ["", "x", "AAAA", "not a token", "é"])
def test_cursor_from_foreign_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="not a page token"):
        Cursor.from_token(token)
