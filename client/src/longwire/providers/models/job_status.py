"""The status of a job, as a record."""

from __future__ import annotations

from enum import Enum
from typing import Any

from longwire.providers.models.document import Document

__all__ = ["JobStatus"]


class JobStatus(Document):
    """The state of a job, with a sentence for people.

    This is the record ``qiskit.providers.models.JobStatus``; the states
    themselves are the enum ``qiskit.providers.JobStatus``.

    Args:
        job_id: the job's id.
        status: the state's name, such as ``RUNNING``; a member of the enum is
            taken by its name.
        status_msg: the state in a sentence.
        kwargs: further members, which are attributes and stand in the dictionary.
    """

    _REQUIRED = ("job_id", "status", "status_msg")

    job_id: str
    status: str
    status_msg: str

    def __init__(self, /, job_id: str, status: str | Enum, status_msg: str, **kwargs: Any) -> None:
        name = status.name if isinstance(status, Enum) else status
        self._store(kwargs, job_id=job_id, status=name, status_msg=status_msg)
