"""What a request may say about its place in the queue."""

from __future__ import annotations

from longwire.v1.job_pb2 import JobSpec
from longwire_server.refusals import argument_invalid

MAX_PRIORITY = 10
_BATCH_CHARACTERS = 128


def check_priority(priority: int, field: str = "priority") -> None:
    """Refuses a priority that no job can have.

    Raises:
        RequestRefusedError: it is not from -10 to 10.
    """
    if not -MAX_PRIORITY <= priority <= MAX_PRIORITY:
        raise argument_invalid(
            field, f"it is {priority}; write a number from {-MAX_PRIORITY} to {MAX_PRIORITY}"
        )


def check_batch(batch: str, field: str = "spec.batch") -> None:
    """Refuses a word that no batch can be called.

    Raises:
        RequestRefusedError: it is too long, or no text for one line.
    """
    if len(batch) > _BATCH_CHARACTERS:
        raise argument_invalid(
            field, f"it has {len(batch)} characters; at most {_BATCH_CHARACTERS} fit"
        )
    if not batch.isprintable():
        raise argument_invalid(field, "it has line breaks or control characters; leave them out")


def check_queue_request(spec: JobSpec, batch_backend: str | None) -> None:
    """Refuses what no job can ask of the queue.

    Args:
        spec: what is asked for.
        batch_backend: the backend of the unfinished jobs of the tenant that are in the
            same batch; None where there are none.

    Raises:
        RequestRefusedError: it cannot be.
    """
    check_priority(spec.priority, "spec.priority")
    check_batch(spec.batch)
    if batch_backend not in (None, spec.backend_name):
        raise argument_invalid(
            "spec.batch",
            f"jobs of batch '{spec.batch}' wait or run on backend '{batch_backend}', and those "
            "of a batch need the same backend; take another word for the batch",
        )
