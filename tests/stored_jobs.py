"""Jobs and programs as a store records them, for tests of stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from longwire.v1.job_pb2 import JobState
from longwire_server.jobs.results import FetchedResult
from longwire_server.store.job import FINAL_STATES, Job
from longwire_server.store.job_query import JobQuery
from longwire_server.store.job_store import JobStore, ProgramKey
from longwire_server.store.payload_reader import PayloadReader

QUEUED, VALIDATING = JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_VALIDATING
DONE, ERROR = JobState.JOB_STATE_DONE, JobState.JOB_STATE_ERROR

Body = Callable[[JobStore], Awaitable[None]]
# Runs a coroutine function on an open store.
Suite = Callable[[Body], None]

BELL = ProgramKey("physics", b"\xbe" * 32)
GHZ = ProgramKey("physics", b"\x67" * 32)
MINUTE_US = 60_000_000
# More than any test keeps.
PLENTY_BYTES = 1 << 30


async def with_open(store: JobStore, body: Body) -> None:
    """Opens a store for a while."""
    await store.open()
    try:
        await body(store)
    finally:
        await store.close()


async def joined(reader: PayloadReader, piece_bytes: int, *, left: int | None = None) -> bytes:
    """What a reader gives in pieces, until its end.

    Args:
        reader: gives them.
        piece_bytes: how large they are.
        left: how much is left; None for all.
    """
    left = reader.size_bytes if left is None else left
    found = b""
    while left:
        piece = bytearray(min(piece_bytes, left))
        await reader.read_into(memoryview(piece))
        found += piece
        left -= len(piece)
    return found


async def unfinished(store: JobStore, tenant: str = "physics") -> list[Job]:
    """A tenant's unfinished jobs, the oldest first."""
    states = frozenset(JobState.values()) - FINAL_STATES
    return (await store.list_jobs(JobQuery(tenant, page_size=1000, states=states)))[::-1]


def make_job(number: int, **changes: object) -> Job:
    job = Job(
        job_id=f"{number:032x}",
        tenant="physics",
        request_id="",
        spec_digest=b"\x01" * 32,
        backend_name="aer_simulator",
        name="",
        tags=(),
        state=QUEUED,
        sequence=1,
        attempt=0,
        create_time_us=1_700_000_000_000_000 + number,
    )
    return job.evolve(**changes)


def naming(number: int, key: ProgramKey, **changes: object) -> Job:
    """A job that names a program."""
    return make_job(number, tenant=key.tenant, payloads_sha256=key.payloads_sha256, **changes)


async def data_of(result: FetchedResult) -> bytes:
    """All data of a result that is fetched."""
    data = bytearray(result.size_bytes)
    await result.read_into(memoryview(data))
    return bytes(data)
