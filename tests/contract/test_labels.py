"""Names and tags of jobs, which can be changed, and by which jobs are found."""

from __future__ import annotations

import asyncio

import pytest
from stored_jobs import DONE, QUEUED, Suite, make_job

from longwire_server.store.job import FINAL_STATES
from longwire_server.store.job_query import Cursor, JobQuery
from longwire_server.store.job_store import JobStore


async def listed(store: JobStore, **query: object) -> list[int]:
    found = await store.list_jobs(JobQuery("physics", **query))  # type: ignore[arg-type]
    return [int(job.job_id, 16) for job in found]


@pytest.mark.parametrize("state", [QUEUED, DONE], ids=["queued", "done"])
def test_labels_that_are_set_replace_those_that_were_given(with_store: Suite, state: int) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, name="first", tags=("a", "b"), state=state, sequence=7)
        await store.add(job, b"")
        renamed = await store.set_labels("physics", job.job_id, name="Ψ", tags=None)
        assert renamed == job.evolve(name="Ψ")
        retagged = await store.set_labels("physics", job.job_id, name=None, tags=("b", "c"))
        assert retagged == job.evolve(name="Ψ", tags=("b", "c"))
        assert await store.get("physics", job.job_id) == retagged
        cleared = await store.set_labels("physics", job.job_id, name="", tags=())
        assert cleared == job.evolve(name="", tags=())

    with_store(body)


def test_job_is_found_by_its_present_labels_alone(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1, name="old", tags=("a", "b")), b"")
        await store.add(make_job(2, name="old", tags=("b",)), b"")
        await store.set_labels("physics", make_job(1).job_id, name="new", tags=("c", "a"))
        assert await listed(store, tag="a") == [1]
        assert await listed(store, tag="b") == [2]
        assert await listed(store, tag="c") == [1]
        assert await listed(store, name="old") == [2]
        assert await listed(store, name="new", tag="c") == [1]

    with_store(body)


def test_labels_of_another_tenants_job_stay(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, name="mine", tags=("a",))
        await store.add(job, b"")
        assert await store.set_labels("chemistry", job.job_id, name="x", tags=("x",)) is None
        assert await store.set_labels("physics", make_job(2).job_id, name="x", tags=None) is None
        assert await store.get("physics", job.job_id) == job
        assert await listed(store, tag="x") == []

    with_store(body)


def test_labels_made_of_tags_that_the_job_has_no_more_are_not_set(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, name="old", tags=("a", "b"))
        await store.add(job, b"")

        async def add(tag: str, expected: tuple[str, ...]) -> object:
            return await store.set_labels(
                "physics", job.job_id, name=tag, tags=(*expected, tag), expected_tags=expected
            )

        first = job.evolve(name="c", tags=("a", "b", "c"))
        assert await add("c", ("a", "b")) == first
        assert await add("d", ("a", "b")) == first
        assert await store.get("physics", job.job_id) == first
        assert await listed(store, tag="d") == []
        assert await add("d", first.tags) == first.evolve(name="d", tags=("a", "b", "c", "d"))

    with_store(body)


def test_update_of_a_job_leaves_the_labels_that_were_set_since(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, name="given", tags=("given",))
        await store.add(job, b"")
        await store.set_labels("physics", job.job_id, name="set", tags=("set",))
        # Whoever runs the job knows the labels of its submission.
        done = job.evolve(state=DONE, attempt=1, end_time_us=9, result_bytes=1)
        for _ in range(2):
            assert await store.update(done, expected=frozenset({QUEUED}), attempt=0, result=b"r")
        assert await store.get("physics", job.job_id) == done.evolve(name="set", tags=("set",))
        assert await listed(store, tag="set") == [1]
        assert await listed(store, tag="given") == []

    with_store(body)


def test_add_that_is_repeated_after_its_job_went_on_has_the_outcome_of_the_first(
    with_store: Suite,
) -> None:
    async def body(store: JobStore) -> None:
        for job in (make_job(1), make_job(2, request_id="r")):
            await store.add(job, b"spec")
            await store.set_labels("physics", job.job_id, name="set", tags=None)
            done = job.evolve(state=DONE)
            await store.update(done, expected=frozenset({QUEUED}), result=None)
            assert (await store.add(job, b"spec")).created
            assert await store.get("physics", job.job_id) == done.evolve(name="set")

    with_store(body)


def test_deleted_job_is_found_by_no_tag(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, tags=("a", "b"), state=DONE)
        await store.add(job, b"")
        await store.set_labels("physics", job.job_id, name=None, tags=("b", "c"))
        assert await store.delete("physics", job.job_id, expected=FINAL_STATES)
        for tag in ("a", "b", "c"):
            assert await listed(store, tag=tag) == []
        # Its place can be taken by another one of the same time and id.
        await store.add(job, b"")
        assert await listed(store, tag="a") == [1]
        assert await listed(store, tag="c") == []

    with_store(body)


def test_tag_that_was_given_twice_is_kept_as_given_and_shows_the_job_once(
    with_store: Suite,
) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1, tags=("a", "a"))
        await store.add(job, b"")
        assert await store.get("physics", job.job_id) == job
        assert await listed(store, tag="a") == [1]
        await store.set_labels("physics", job.job_id, name=None, tags=())
        assert await listed(store, tag="a") == []

    with_store(body)


def test_labels_set_at_the_same_time_leave_one_of_them_whole(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job = make_job(1)
        await store.add(job, b"")
        wanted = [(f"tag{number}", f"also{number}") for number in range(20)]
        await asyncio.gather(
            *(store.set_labels("physics", job.job_id, name=None, tags=tags) for tags in wanted)
        )
        kept = await store.get("physics", job.job_id)
        assert kept is not None
        assert kept.tags in wanted
        for tags in wanted:
            for tag in tags:
                assert await listed(store, tag=tag) == ([1] if tag in kept.tags else [])

    with_store(body)


@pytest.mark.parametrize(
    "query",
    [
        {"tag": "even"},
        {"name": "even"},
        {"backend_name": "even"},
        {"states": frozenset({DONE})},
        {"states": frozenset({DONE, QUEUED}), "tag": "even"},
    ],
    ids=["tag", "name", "backend", "state", "states-and-tag"],
)
def test_list_with_a_filter_pages_through_all_that_match(
    with_store: Suite, query: dict[str, object]
) -> None:
    async def body(store: JobStore) -> None:
        for number in range(14):
            even = {"tags": ("even", "x"), "name": "even", "backend_name": "even", "state": DONE}
            # Jobs of one microsecond are told apart by their ids.
            times = {"create_time_us": 1000 + number // 4}
            await store.add(make_job(number, **times, **(even if number % 2 == 0 else {})), b"")
        seen: list[int] = []
        after = None
        while numbers := await listed(store, page_size=3, after=after, **query):
            seen += numbers
            after = Cursor(1000 + numbers[-1] // 4, make_job(numbers[-1]).job_id)
        assert seen == [12, 10, 8, 6, 4, 2, 0]

    with_store(body)
