"""A change of a job's name, tags or priority, as it is sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from longwire.errors import InvalidArgumentError
from longwire.v1.job_service_pb2 import JobTags, UpdateJobRequest


def label_request(
    job_id: str,
    *,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
    priority: int | None = None,
) -> UpdateJobRequest:
    """The request for a change; what may be a label is the server's to say.

    Args:
        job_id: the job.
        name: its new name; None leaves it.
        tags: all tags that it is to have; None leaves them.
        add_tags: tags that it is to have beside the others.
        remove_tags: tags that it is to have no more.
        priority: its new priority; None leaves it.

    Raises:
        InvalidArgumentError: a name or a tag is no text, or the priority no integer.
    """
    if name is not None and not isinstance(name, str):
        raise InvalidArgumentError(f"A job's name is a text, not {name!r:.100}")
    if priority is not None and (isinstance(priority, bool) or not isinstance(priority, int)):
        raise InvalidArgumentError(f"A job's priority is an integer, not {priority!r:.100}")
    for each in (tags or (), add_tags, remove_tags):
        _check_tags(each)
    return UpdateJobRequest(
        job_id=job_id,
        name=name,
        tags=None if tags is None else JobTags(tags=tags),
        add_tags=add_tags,
        remove_tags=remove_tags,
        priority=priority,
    )


def _check_tags(tags: object) -> None:
    if isinstance(tags, str):
        raise InvalidArgumentError(f"A job's tags are a list: write [{tags!r:.100}]")
    if not isinstance(tags, Collection) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidArgumentError(f"A job's tags are a list of texts, not {tags!r:.100}")
