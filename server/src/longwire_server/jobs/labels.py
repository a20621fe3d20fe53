"""The labels of a job, by which people find it again: its name and its tags."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from longwire_server.jobs.queue_request import check_priority
from longwire_server.refusals import argument_invalid, job_not_found
from longwire_server.store.job import Job
from longwire_server.store.job_store import JobStore

_CHARACTERS = 128
_TAGS = 32


@dataclasses.dataclass(frozen=True, slots=True)
class LabelChange:
    """What is to become of a job's labels."""

    name: str | None
    """The new name; None leaves it."""

    tags: tuple[str, ...] | None
    """All tags that it is to have; None leaves them, but for the next two."""

    add_tags: tuple[str, ...]
    """Tags that it is to have beside the others."""

    remove_tags: tuple[str, ...]
    """Tags that it is to have no more. They are removed before others are added."""

    priority: int | None = None
    """Its new priority; None leaves it."""

    @property
    def depends_on_tags(self) -> bool:
        """Whether the new tags depend on those that the job has."""
        return self.tags is None and bool(self.add_tags or self.remove_tags)

    def tags_after(self, tags: tuple[str, ...]) -> tuple[str, ...] | None:
        """The tags that a job has then; None where they stay.

        Args:
            tags: those that it has.
        """
        if self.tags is None and not (self.add_tags or self.remove_tags):
            return None
        removed = frozenset(self.remove_tags)
        kept = [tag for tag in (tags if self.tags is None else self.tags) if tag not in removed]
        has = frozenset(kept)
        added = [tag for tag in dict.fromkeys(self.add_tags) if tag not in has]
        return (*kept, *added)


async def change_labels(store: JobStore, tenant: str, job_id: str, change: LabelChange) -> Job:
    """Changes the labels of a job. Of several changes at the same time none is lost.

    Returns:
        The job as the store has it.

    Raises:
        RequestRefusedError: nothing is asked for, a label is too long or no text for one
            line, there are too many; or the tenant has no such job.
        StoreError: it could not be written.
    """
    check_change(change)
    if not change.depends_on_tags:
        return await _set(store, tenant, job_id, change, None)
    known = await store.get(tenant, job_id)
    while known is not None:
        before = known.tags
        known = await _set(store, tenant, job_id, change, before)
        has_all = change.name in (None, known.name) and change.priority in (None, known.priority)
        if has_all and known.tags == change.tags_after(before):
            return known
        # Somebody else has changed the tags meanwhile.
    raise job_not_found(job_id)


async def _set(
    store: JobStore, tenant: str, job_id: str, change: LabelChange, tags: tuple[str, ...] | None
) -> Job:
    """Writes the labels that come of a change of these tags, if the job has them still."""
    new_tags = change.tags_after(tags or ())
    if new_tags is not None:
        _check_number("add_tags" if change.add_tags else "tags.tags", new_tags)
    job = await store.set_labels(
        tenant,
        job_id,
        name=change.name,
        tags=new_tags,
        expected_tags=tags,
        priority=change.priority,
    )
    if job is None:
        raise job_not_found(job_id)
    return job


def check_change(change: LabelChange) -> None:
    """Refuses a change that no job can have.

    Raises:
        RequestRefusedError: nothing is asked for, or a label cannot be one.
    """
    # Before anything goes through them: there may be as many as a request has room for.
    _check_number("tags.tags", change.tags or ())
    for field, asked in (("add_tags", change.add_tags), ("remove_tags", change.remove_tags)):
        if len(asked) > _TAGS:
            raise argument_invalid(field, f"it names {len(asked)} tags; at most {_TAGS} fit")
    if change.name is None and change.priority is None and change.tags_after(()) is None:
        raise argument_invalid(
            "name",
            "neither it nor tags, add_tags, remove_tags or priority is set; say what is to change",
        )
    if change.priority is not None:
        check_priority(change.priority)
    check_text("name", change.name or "")
    check_tags("tags.tags", change.tags or ())
    check_tags("add_tags", change.add_tags)


def check_tags(field: str, tags: Sequence[str]) -> None:
    """Refuses tags that a job cannot have.

    Args:
        field: the request's field that holds them.
        tags: the tags.

    Raises:
        RequestRefusedError: there are too many, or one is empty, too long, or no text for
            one line.
    """
    _check_number(field, tags)
    for place, tag in enumerate(tags):
        check_text(f"{field}[{place}]", tag)
        if not tag:
            raise argument_invalid(f"{field}[{place}]", "it is empty; leave it out")


def check_text(field: str, text: str) -> None:
    """Refuses a text that is too long for a label, or not for one line.

    Raises:
        RequestRefusedError: it is.
    """
    if len(text) > _CHARACTERS:
        raise argument_invalid(field, f"it has {len(text)} characters; at most {_CHARACTERS} fit")
    if not text.isprintable():
        raise argument_invalid(field, "it has line breaks or control characters; leave them out")


def _check_number(field: str, tags: Sequence[str]) -> None:
    if len(tags) > _TAGS:
        raise argument_invalid(field, f"the job would have {len(tags)} tags; at most {_TAGS} fit")
