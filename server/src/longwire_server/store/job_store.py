"""What every store of jobs can do.

``tests/contract/test_job_store.py`` holds the behaviour that all of them share.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from longwire.v1.job_pb2 import JobState
from longwire_server.store.job import Job
from longwire_server.store.job_query import JobQuery
from longwire_server.store.payload_reader import PayloadReader
from longwire_server.store.usage import Usage


class StoreError(Exception):
    """The store could not carry out an operation; the cause is chained."""


class PayloadDamagedError(StoreError):
    """A payload that is kept in a file is missing or not as it was written.

    To try again is no use: only whoever runs the store can bring it back.
    """


def job_id_taken(job_id: str) -> StoreError:
    """Another job has the id of one that was to be added."""
    return StoreError(f"another job has the id {job_id}")


class ProgramKey(NamedTuple):
    """Which of the programs that are kept by their digest."""

    tenant: str
    """Who sent it. Nobody else can name it."""

    payloads_sha256: bytes
    """Program.payloads_sha256, 32 bytes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Added:
    """The outcome of :meth:`JobStore.add`."""

    job: Job
    """The job that stands in the store under the request id."""

    created: bool
    """Whether it is the one that was to be added."""


class JobStore(abc.ABC):
    """The durable record of jobs. Methods return when what they did is durable.

    Every method raises :class:`StoreError` where the storage fails. After that a write
    may be there all the same, if the storage failed while it was confirmed: adds and
    updates can be repeated, and have the outcome that they had the first time.
    """

    @abc.abstractmethod
    async def open(self) -> None:
        """Makes the store ready, creating or migrating its schema."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Finishes what was begun and releases the storage."""

    @abc.abstractmethod
    async def add(self, job: Job, spec: bytes, program: bytes | None = None) -> Added:
        """Records a new job with its serialised JobSpec.

        Where the tenant has a job with the same non-empty request id, nothing is
        written and that job is returned.

        Args:
            job: the job.
            spec: the serialised JobSpec.
            program: the payloads that ``job.payloads_sha256`` names, as a serialised
                Program; None where it names none. They are kept as a program of the
                tenant, unless they are already: then it counts as used.
        """

    @abc.abstractmethod
    async def program(self, key: ProgramKey) -> bytes | None:
        """The payloads of a program, as they were added.

        Raises:
            PayloadDamagedError: they are no longer.
        """

    @abc.abstractmethod
    async def remove_programs(self, *, unused_since_us: int, keep_bytes: int) -> list[ProgramKey]:
        """Removes programs that no unfinished job names.

        These are the programs last used at or before ``unused_since_us``, and, the
        least recently used first, as many more as there is more than ``keep_bytes``
        of all. When a program was used is known to the minute.

        Returns:
            The programs that were removed. There may be more to remove, since one
            call removes only some; none are left when it returns none.
        """

    @abc.abstractmethod
    async def update(
        self,
        job: Job,
        *,
        expected: frozenset[JobState.ValueType],
        attempt: int | None = None,
        result: bytes | None,
        usage: Usage | None = None,
    ) -> bool:
        """Writes a job's new state, and its result where it has one.

        Args:
            job: the job as it is to be.
            expected: the states that the recorded job may be in.
            attempt: the attempt that the recorded job must be in, counted from 1 (0
                before the first); None for any. It is the fencing token: whoever
                lost an attempt cannot write over the next.
            result: the serialised EncodedResult.
            usage: what is added to the usage of the job's tenant, in the same
                transaction: only where the state is written, and not where it was
                recorded already.

        Returns:
            Whether the job was there in one of the expected states, and in the
            attempt; or is recorded already as it is to be. Otherwise nothing is
            written.
        """

    @abc.abstractmethod
    async def set_labels(
        self,
        tenant: str,
        job_id: str,
        *,
        name: str | None,
        tags: tuple[str, ...] | None,
        expected_tags: tuple[str, ...] | None = None,
        priority: int | None = None,
    ) -> Job | None:
        """Changes the name, the tags or the priority of a job, in whichever state it is.

        Nothing else writes them: an update of the job leaves them as they are.

        Args:
            tenant: who owns the job.
            job_id: the job's id.
            name: its new name; None leaves it.
            tags: all the tags that it is to have; None leaves them.
            expected_tags: the tags that it must have, since the new ones were made of
                them; None for any. Where it has others, nothing is written.
            priority: its new priority; None leaves it.

        Returns:
            The job with the labels that it has then; None where the tenant has no such job.
        """

    @abc.abstractmethod
    async def move_to_front(self, job_id: str, moved_us: int) -> bool:
        """Records when a queued job was put in front of the queue, whosever it is.

        Nothing else writes that: an update of the job leaves it as it is.

        Returns:
            Whether the job was there and queued.
        """

    @abc.abstractmethod
    async def renew_leases(
        self, owner: str, attempts: Mapping[str, int], *, expires_us: int
    ) -> set[str]:
        """Extends the leases of running attempts, all in one transaction.

        Args:
            owner: who has them.
            attempts: the attempt of each job, by the job's id.
            expires_us: until when.

        Returns:
            The ids of the jobs whose lease was extended: those that are in this
            attempt and the owner's.
        """

    @abc.abstractmethod
    async def get(self, tenant: str | None, job_id: str) -> Job | None:
        """The tenant's job with this id; with None, whosever it is."""

    @abc.abstractmethod
    async def of_request(self, tenant: str, request_id: str) -> Job | None:
        """The tenant's job with this request id, which is not empty."""

    @abc.abstractmethod
    async def spec(self, job_id: str) -> bytes | None:
        """The serialised JobSpec of a job.

        Raises:
            PayloadDamagedError: it is no longer as it was added.
        """

    @abc.abstractmethod
    async def result(self, job_id: str) -> bytes | None:
        """The serialised EncodedResult of a job.

        Raises:
            PayloadDamagedError: it is no longer as it was written.
        """

    @abc.abstractmethod
    def result_reader(
        self, job_id: str
    ) -> contextlib.AbstractAsyncContextManager[PayloadReader | None]:
        """Reads the serialised EncodedResult of a job piece by piece, inside of the block.

        Raises:
            PayloadDamagedError: it is missing, or has another size than was written.
        """

    @abc.abstractmethod
    async def list_jobs(self, query: JobQuery) -> list[Job]:
        """At most ``page_size`` jobs, the newest first."""

    @abc.abstractmethod
    async def delete(
        self, tenant: str, job_id: str, *, expected: frozenset[JobState.ValueType]
    ) -> bool:
        """Deletes a job with its payloads.

        Returns:
            Whether the job was there in one of the expected states.
        """

    @abc.abstractmethod
    async def expire_results(self, *, ended_by_us: int, keep_bytes: int) -> int:
        """Removes the results of jobs that have ended, and with them their specs.

        These are the jobs that ended at or before ``ended_by_us``, and as many more as
        there is more than ``keep_bytes`` of all that ended jobs have: of the tenants that
        have most, the earliest ended first. The jobs themselves stay, with
        ``result_bytes`` 0.

        Returns:
            How many jobs have lost what they had. There may be more to remove, since
            one call removes only some; none is left when it returns 0.
        """

    @abc.abstractmethod
    async def remove_jobs(self, *, ended_by_us: int, keep_jobs: int) -> int:
        """Removes jobs that have ended, with all that they have.

        These are the jobs that ended at or before ``ended_by_us``, and as many more as
        there are more than ``keep_jobs`` that have ended: of the tenants that have most,
        the earliest ended first. An unfinished job is never removed.

        Returns:
            How many were removed. There may be more to remove, since one call removes
            only some; none is left when it returns 0.
        """
