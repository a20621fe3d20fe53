"""What every store of jobs can do.

``tests/contract/test_job_store.py`` holds the behaviour that all of them share.
"""

from __future__ import annotations

import abc
import dataclasses

from longwire.v1.job_pb2 import JobState
from longwire_server.store.job import Job
from longwire_server.store.job_query import JobQuery


class StoreError(Exception):
    """The store could not carry out an operation; the cause is chained."""


@dataclasses.dataclass(frozen=True, slots=True)
class Added:
    """The outcome of :meth:`JobStore.add`."""

    job: Job
    """The job that stands in the store under the request id."""

    created: bool
    """Whether it is the one that was to be added."""


class JobStore(abc.ABC):
    """The durable record of jobs. Methods return when what they did is durable.

    Every method raises :class:`StoreError` where the storage fails.
    """

    @abc.abstractmethod
    async def open(self) -> None:
        """Makes the store ready, creating or migrating its schema."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Finishes what was begun and releases the storage."""

    @abc.abstractmethod
    async def add(self, job: Job, spec: bytes) -> Added:
        """Records a new job with its serialised JobSpec.

        Where the tenant has a job with the same non-empty request id, nothing is
        written and that job is returned.
        """

    @abc.abstractmethod
    async def update(
        self, job: Job, *, expected: frozenset[JobState.ValueType], result: bytes | None
    ) -> bool:
        """Writes a job's new state, and its result where it has one.

        Args:
            job: the job as it is to be.
            expected: the states that the recorded job may be in.
            result: the serialised EncodedResult.

        Returns:
            Whether the job was there in one of the expected states. Where it was
            not, nothing is written.
        """

    @abc.abstractmethod
    async def get(self, tenant: str, job_id: str) -> Job | None:
        """The tenant's job with this id."""

    @abc.abstractmethod
    async def spec(self, job_id: str) -> bytes | None:
        """The serialised JobSpec of a job."""

    @abc.abstractmethod
    async def result(self, job_id: str) -> bytes | None:
        """The serialised EncodedResult of a job."""

    @abc.abstractmethod
    async def list_jobs(self, query: JobQuery) -> list[Job]:
        """At most ``page_size`` jobs, the newest first."""

    @abc.abstractmethod
    async def unfinished(self) -> list[Job]:
        """The jobs of all tenants that are not in a final state, the oldest first."""

    @abc.abstractmethod
    async def delete(
        self, tenant: str, job_id: str, *, expected: frozenset[JobState.ValueType]
    ) -> bool:
        """Deletes a job with its payloads.

        Returns:
            Whether the job was there in one of the expected states.
        """
