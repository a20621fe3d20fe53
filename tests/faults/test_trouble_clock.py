"""A clock that is set forth and back while jobs wait and run, and while the server is away."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from circuits import bell
from job_submitters import ended, listed
from server_process import ServerProcess, configured_server, wait_until
from shifted_clock import DAY, HOUR, ShiftedClock, ShiftedClockMissingError

from longwire import RemoteJob, RemoteProvider
from longwire.errors import JobFailedError
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import Job, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

LEASE_SECONDS = 1
CONFIG = f"""
[server]
lease_seconds = {LEASE_SECONDS}

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "device"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "simulator"
factory = "gated_backend:GatedBackend"
max_attempts = 3
"""
SHIFTS = {"an hour on": HOUR, "an hour back": -HOUR, "a day on": DAY, "a day back": -DAY}
shifts = pytest.mark.parametrize("seconds", SHIFTS.values(), ids=SHIFTS.keys())


@pytest.fixture(scope="module")
def settable(tmp_path_factory: pytest.TempPathFactory) -> ShiftedClock:
    """A clock."""
    try:
        return ShiftedClock(tmp_path_factory.mktemp("clock") / "shift")
    except ShiftedClockMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def clock(settable: ShiftedClock) -> Iterator[ShiftedClock]:
    """The same, which is right when a test begins, and again when it is over."""
    settable.set(0)
    yield settable
    settable.set(0)


@pytest.fixture(scope="module")
def server(
    settable: ShiftedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server with that clock, and one worker."""
    data = tmp_path_factory.mktemp("data")
    with configured_server(data, CONFIG, environment=settable.environment) as running:
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


def run_behind(gate: Path, provider: RemoteProvider, name: str = "device") -> RemoteJob:
    """A job that runs until the gate opens."""
    job = provider.get_backend(name).run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def run_queued(
    provider: RemoteProvider, count: int, max_queue_seconds: float | None = None
) -> list[RemoteJob]:
    """Jobs that wait."""
    device = provider.get_backend("device")
    return [device.run(bell(), shots=10, max_queue_seconds=max_queue_seconds) for _ in range(count)]


def records(server: ServerProcess, jobs: list[RemoteJob]) -> list[Job]:
    """The records of jobs once they have ended."""
    return ended(server.address, [job.job_id() for job in jobs])


def lease_expires_us(server: ServerProcess) -> int:
    """When the lease of the only attempt ends."""
    database_path = server.log_path.with_name("longwire.db")
    with contextlib.closing(sqlite3.connect(database_path)) as database:
        ((expires_us,),) = database.execute(
            "SELECT lease_expires_us FROM jobs WHERE lease_expires_us IS NOT NULL"
        ).fetchall()
    return int(expires_us)


@shifts
def test_clock_that_jumps_while_jobs_wait_and_run_changes_nothing_for_them(
    server: ServerProcess,
    provider: RemoteProvider,
    clock: ShiftedClock,
    gate: Path,
    seconds: int,
) -> None:
    running = run_behind(gate, provider)
    before = run_queued(provider, 3, max_queue_seconds=600)
    clock.set(seconds)
    after = run_queued(provider, 3, max_queue_seconds=600)
    # The lease is renewed in the new time, and again and again.
    shifted_us = (time.time() + seconds) * 1e6
    wait_until(lambda: abs(lease_expires_us(server) - shifted_us) < HOUR / 2 * 1e6)
    renewed_us = lease_expires_us(server)
    wait_until(lambda: lease_expires_us(server) > renewed_us + 2 * LEASE_SECONDS * 1_000_000)
    assert [job.queue_position() for job in (*before, *after)] == [1, 2, 3, 4, 5, 6]
    gate.touch()
    ends = records(server, [running, *before, *after])
    assert [(job.status.status, job.attempt) for job in ends] == [(JobState.JOB_STATE_DONE, 1)] * 7
    began = [job.start_time.ToNanoseconds() for job in ends[1:]]
    assert began == sorted(began), "jobs ran in another order than that of their submission"


@shifts
def test_limit_of_the_time_in_the_queue_holds_whatever_the_clock_says(
    provider: RemoteProvider, clock: ShiftedClock, gate: Path, seconds: int
) -> None:
    running = run_behind(gate, provider)
    (late,) = run_queued(provider, 1, max_queue_seconds=1.0)
    clock.set(seconds)
    with pytest.raises(JobFailedError, match=r"longer than 1 s in the queue"):
        late.result(timeout=60)
    gate.touch()
    assert running.result(timeout=60).success


def test_pages_of_a_listing_hold_every_job_once_while_the_clock_jumps(
    server: ServerProcess, provider: RemoteProvider, clock: ShiftedClock
) -> None:
    jobs: list[RemoteJob] = []
    for seconds in (0, DAY, -DAY, HOUR, -HOUR, 0):
        clock.set(seconds)
        jobs += run_queued(provider, 2)
    before = {job.job_id for job in listed(server.address)}
    assert {job.job_id() for job in jobs} <= before
    found: list[Job] = []
    with grpc.insecure_channel(server.address) as channel:
        stub, token = JobServiceStub(channel), ""
        for seconds in (-DAY, HOUR, 0, DAY, -HOUR, *[0] * 100):
            # New jobs and jumps between two pages.
            clock.set(seconds)
            run_queued(provider, 1)
            page = stub.ListJobs(messages.ListJobsRequest(page_size=5, page_token=token))
            found += page.jobs
            token = page.next_page_token
            if not token:
                break
    job_ids = [job.job_id for job in found]
    assert len(set(job_ids)) == len(job_ids)
    assert before <= set(job_ids)
    created = [job.create_time.ToNanoseconds() for job in found]
    assert created == sorted(created, reverse=True)


@pytest.mark.parametrize(
    ("first", "then"),
    [(DAY, 0), (0, DAY)],
    ids=["a day back", "a day on"],
)
def test_server_that_starts_in_another_time_takes_up_all_jobs_at_once(
    clock: ShiftedClock, gate: Path, tmp_path: Path, first: int, then: int
) -> None:
    data = tmp_path / "data"
    clock.set(first)
    with configured_server(data, CONFIG, environment=clock.environment) as server:
        with RemoteProvider(server.address) as provider:
            done = run_queued(provider, 1)
            assert done[0].result(timeout=60).success
            running = run_behind(gate, provider, "simulator")
            queued = run_queued(provider, 3)
        server.kill()
    clock.set(then)
    with (
        configured_server(
            data, CONFIG, address=server.address, environment=clock.environment
        ) as later,
        RemoteProvider(later.address) as provider,
    ):
        behind = run_queued(provider, 2)
        gate.touch()
        ends = records(later, [*done, running, *queued, *behind])
        assert [job.status.status for job in ends] == [JobState.JOB_STATE_DONE] * 7
        assert [job.attempt for job in ends] == [1, 2, 1, 1, 1, 1, 1]
        began = [job.start_time.ToNanoseconds() for job in ends[1:]]
        assert began == sorted(began)
        # The newest first, as far as the clock of the time knew it.
        assert len(listed(later.address)) == 7
        of_one_clock = [job.job_id for job in reversed(listed(later.address))]
        written = [job.job_id() for job in (*done, running, *queued)]
        assert [job_id for job_id in of_one_clock if job_id in written] == written


def test_deadline_from_a_time_to_come_keeps_no_job_longer_than_it_asked_for(
    clock: ShiftedClock, gate: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    clock.set(DAY)
    with configured_server(data, CONFIG, environment=clock.environment) as server:
        with RemoteProvider(server.address) as provider:
            running = run_behind(gate, provider, "simulator")
            (late,) = run_queued(provider, 1, max_queue_seconds=2.0)
        server.kill()
    clock.set(0)
    with (
        configured_server(
            data, CONFIG, address=server.address, environment=clock.environment
        ) as later,
        RemoteProvider(later.address) as provider,
    ):
        with pytest.raises(JobFailedError, match=r"longer than 2 s in the queue"):
            provider.job(late.job_id()).result(timeout=60)
        gate.touch()
        assert provider.job(running.job_id()).result(timeout=60).success
