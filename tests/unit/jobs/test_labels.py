"""What becomes of a job's name and tags when they are changed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from stored_jobs import make_job

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.jobs.labels import LabelChange, change_labels
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore
from longwire_server.store.memory_job_store import MemoryJobStore

TENANT = "physics"


class SlowlyReadStore(MemoryJobStore):
    """A store that lets others go on while it reads, as a database does."""

    async def get(self, tenant: str, job_id: str) -> Job | None:
        """See :meth:`JobStore.get`."""
        await asyncio.sleep(0)
        return await super().get(tenant, job_id)


def change(**changes: Any) -> LabelChange:
    nothing: dict[str, Any] = {"name": None, "tags": None, "add_tags": (), "remove_tags": ()}
    return LabelChange(**nothing | changes)


def changed(job: Job, *changes: LabelChange, store: JobStore | None = None) -> Job:
    """The job as it is recorded after changes that were asked for at the same time."""

    async def body() -> Job:
        records = store or MemoryJobStore()
        await records.add(job, b"")
        await asyncio.gather(
            *(change_labels(records, TENANT, job.job_id, each) for each in changes)
        )
        recorded = await records.get(TENANT, job.job_id)
        assert recorded is not None
        return recorded

    return asyncio.run(body())


@pytest.mark.parametrize(
    ("asked", "name", "tags"),
    [
        (change(name="new"), "new", ("a", "b")),
        (change(name=""), "", ("a", "b")),
        (change(tags=("c",)), "old", ("c",)),
        (change(tags=()), "old", ()),
        (change(add_tags=("c", "a", "c")), "old", ("a", "b", "c")),
        (change(remove_tags=("a", "never there")), "old", ("b",)),
        (change(add_tags=("a",), remove_tags=("a",)), "old", ("b", "a")),
        (change(tags=("x", "y"), add_tags=("z",), remove_tags=("x",)), "old", ("y", "z")),
        (change(name="n" * 128, tags=("t" * 128,) * 32), "n" * 128, ("t" * 128,) * 32),
    ],
)
def test_change_leaves_what_it_does_not_name(
    asked: LabelChange, name: str, tags: tuple[str, ...]
) -> None:
    job = changed(make_job(1, name="old", tags=("a", "b")), asked)
    assert (job.name, job.tags) == (name, tags)
    assert job.sequence == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (change(), "name"),
        (change(name="n" * 129), "name"),
        (change(name="two\nlines"), "name"),
        (change(tags=("",)), "tags.tags[0]"),
        (change(tags=("good", "t" * 129)), "tags.tags[1]"),
        (change(tags=tuple(map(str, range(33)))), "tags.tags"),
        (change(add_tags=("tab\t",)), "add_tags[0]"),
        (change(add_tags=tuple(map(str, range(31)))), "add_tags"),
        (change(add_tags=("a",) * 33), "add_tags"),
        (change(remove_tags=("a",) * 33), "remove_tags"),
    ],
)
def test_change_that_no_job_can_have_is_refused_by_its_field(
    asked: LabelChange, field: str
) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        changed(make_job(1, tags=("a", "b")), asked)
    assert caught.value.reason == ErrorReason.ERROR_REASON_ARGUMENT_INVALID
    assert caught.value.field == field
    assert caught.value.message.startswith(f"{field}: ")


def test_changes_at_the_same_time_lose_nothing() -> None:
    adds = [change(add_tags=(f"tag {number}",)) for number in range(20)]
    job = changed(
        make_job(1, tags=("first",)),
        *adds,
        change(name="named"),
        change(remove_tags=("first",)),
        store=SlowlyReadStore(),
    )
    assert set(job.tags) == {f"tag {number}" for number in range(20)}
    assert job.name == "named"


@pytest.mark.parametrize("asked", [change(name="x"), change(add_tags=("x",))])
def test_job_of_another_tenant_is_not_found(asked: LabelChange) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        changed(make_job(1, tenant="chemistry"), asked)
    assert caught.value.reason == ErrorReason.ERROR_REASON_JOB_NOT_FOUND
