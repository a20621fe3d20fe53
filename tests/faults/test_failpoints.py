"""Servers and workers that die at every step between receive and deliver.

Real processes end by SIGKILL at a failpoint (``longwire_server/failpoints.py``) in the
middle of a job. The next server has the same data and address, the client rides it
out, and at the end what it was told agrees with the store.

The ordinary run takes the steps at which most can go wrong; ``make faults`` takes all.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from armed_servers import ArmedServers
from fault_run import IS_LONG
from job_audit import audit
from riding_client import RidingClient, has_begun
from server_process import START_SECONDS, wait_until
from service_calls import recorded

from longwire.v1.job_pb2 import JobState
from longwire_server.failpoints import FAILPOINTS
from longwire_server.jobs.lifecycle import CANCELLED, DONE, state_name

CONFIG = """
[server]
drain_grace_seconds = 0.2

[store]
# Of a job's payloads, the program is in a file and the result is not.
file_above_bytes = 200

[[pool]]
name = "default"
processes = 1
# A worker that passes a failpoint removes the file that armed it.
paths_write = ["{armed}"]

[[backend]]
name = "simulator"
factory = "gated_backend:GatedBackend"
max_attempts = 100
"""

SEED = 5

# What brings a server to a failpoint: by name or its beginning. All others lie on the
# way of every job.
OF_START = ("store.migration.", "recovery.")
OF_LOST_ATTEMPT = ("jobs.put_back.",)
OF_CANCEL = ("service.cancel.", "jobs.cancel.")
OF_DELETE = ("jobs.delete.", "store.payload.unneeded")
OF_DRAIN = ("server.drain.",)
OF_WORKER = ("worker.",)
OF_OTHERS = (*OF_START, *OF_LOST_ATTEMPT, *OF_CANCEL, *OF_DELETE, *OF_DRAIN, *OF_WORKER)

ESSENTIAL = {
    "store.migration.after",
    "jobs.delete.after",
    "recovery.put_back",
    "store.commit.before",
    "store.commit.after",
    "jobs.add.after",
    "worker.run.before",
    "worker.answer.after",
    "jobs.put_back.after",
    "service.final.before",
    "jobs.cancel.queued",
    "server.drain.before",
}


def failpoints(*beginnings: str) -> list[str]:
    """The failpoints of this run whose names begin so."""
    chosen = FAILPOINTS if IS_LONG else ESSENTIAL
    return [name for name in FAILPOINTS if name in chosen and name.startswith(beginnings)]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArmedServers]:
    """Servers with one worker, and every job of this module."""
    with ArmedServers(tmp_path_factory.mktemp("armed"), CONFIG) as servers:
        yield servers


@pytest.fixture
def client(servers: ArmedServers) -> Iterator[RidingClient]:
    """A client."""
    with RidingClient(servers.address, servers.records) as opened:
        yield opened


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for what is under way while a server dies."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


def run_once(client: RidingClient, request_id: str, gate: Path) -> str:
    """Submits a job, opens its gate when it has begun, and gets its result twice."""
    job_id, stream = client.submit(SEED, request_id, gate=gate)
    event = client.follow(stream, until=has_begun)
    gate.touch()
    # The other client may have opened the gate before.
    if not event.HasField("finished"):
        client.follow(stream)
    client.fetch(job_id)
    return job_id


def require_well(servers: ArmedServers) -> None:
    """Checks every job of this module."""
    assert audit(servers.records, servers.stored()) == []


def ran_at_same_time(
    servers: ArmedServers, threads: ThreadPoolExecutor, request_id: str, gate: Path, name: str
) -> str:
    """Two clients send one request while a server dies; the job that both were given."""
    with (
        RidingClient(servers.address, servers.records) as one,
        RidingClient(servers.address, servers.records) as other,
    ):
        under_way = [threads.submit(run_once, client, request_id, gate) for client in (one, other)]
        if not name.startswith(OF_WORKER):
            servers.restart_when_dead(name, under_way)
        one_id, other_id = (each.result(START_SECONDS) for each in under_way)
        assert one_id == other_id
        # Also when all is over.
        assert one.submit(SEED, request_id, gate=gate)[0] == one_id
    return one_id


@pytest.mark.parametrize(
    "name",
    [name for name in failpoints("") if not name.startswith(OF_OTHERS)]
    + failpoints(*OF_LOST_ATTEMPT),
)
def test_job_survives_its_server_at(
    servers: ArmedServers, threads: ThreadPoolExecutor, gate: Path, name: str
) -> None:
    servers.arm(name)
    if name.startswith(OF_LOST_ATTEMPT):
        servers.arm("worker.run.before")
    ran_at_same_time(servers, threads, f"request at {name}", gate, name)
    require_well(servers)


@pytest.mark.parametrize("name", failpoints(*OF_WORKER))
def test_job_survives_its_worker_at(
    servers: ArmedServers, threads: ThreadPoolExecutor, gate: Path, name: str
) -> None:
    servers.arm(name)
    job_id = ran_at_same_time(servers, threads, f"request at {name}", gate, name)
    wait_until(lambda: servers.has_passed(name))
    # An answer in the socket counts.
    attempts = 1 if name == "worker.answer.after" else 2
    assert recorded(servers.address, job_id).attempt == attempts
    require_well(servers)


@pytest.mark.parametrize("name", failpoints("recovery."))
def test_interrupted_job_survives_the_next_server_too_at(
    servers: ArmedServers, client: RidingClient, gate: Path, name: str
) -> None:
    _, running = client.submit(SEED, gate=gate)
    client.follow(running, until=has_begun)
    _, queued = client.submit(SEED + 1)
    servers.server.kill()
    servers.start_and_die(name)
    servers.start()
    gate.touch()
    for stream in (running, queued):
        client.follow(stream)
    require_well(servers)


@pytest.mark.parametrize("name", failpoints("server.drain."))
def test_job_survives_a_server_that_dies_while_it_drains_at(
    servers: ArmedServers, client: RidingClient, gate: Path, name: str
) -> None:
    _, running = client.submit(SEED, gate=gate)
    client.follow(running, until=has_begun)
    _, queued = client.submit(SEED + 1)
    servers.arm(name)
    assert servers.server.terminate() == -signal.SIGKILL
    assert servers.has_passed(name)
    servers.start()
    gate.touch()
    for stream in (running, queued):
        client.follow(stream)
    require_well(servers)


@pytest.mark.parametrize("name", failpoints(*OF_CANCEL))
def test_job_is_cancelled_although_its_server_dies_at(
    servers: ArmedServers,
    client: RidingClient,
    threads: ThreadPoolExecutor,
    gate: Path,
    name: str,
) -> None:
    ends = frozenset({DONE, CANCELLED})
    running_id, running = client.submit(SEED, gate=gate, may_end_in=ends)
    client.follow(running, until=has_begun)
    queued_id, queued = client.submit(SEED + 1, may_end_in=ends)
    servers.arm(name)
    cancelled_id = running_id if name == "jobs.cancel.running" else queued_id
    with RidingClient(servers.address, servers.records) as other:
        cancel = threads.submit(other.cancel, cancelled_id)
        servers.restart_when_dead(name, [cancel])
        # The gate is closed, so that it could not end otherwise.
        assert state_name(cancel.result(START_SECONDS)) == "CANCELLED"
    gate.touch()
    told: dict[str, JobState.ValueType] = {}
    for stream in (running, queued):
        job = client.follow(stream).finished.job
        told[job.job_id] = job.status.status
    assert told == {running_id: DONE, queued_id: DONE} | {cancelled_id: CANCELLED}
    require_well(servers)


@pytest.mark.parametrize("name", failpoints(*OF_DELETE))
def test_job_is_deleted_although_its_server_dies_at(
    servers: ArmedServers, client: RidingClient, threads: ThreadPoolExecutor, name: str
) -> None:
    job_id, stream = client.submit(SEED)
    client.follow(stream)
    servers.arm(name)
    delete = threads.submit(client.delete, job_id)
    servers.restart_when_dead(name, [delete])
    delete.result(START_SECONDS)
    require_well(servers)


@pytest.mark.parametrize("name", failpoints("store.migration."))
def test_store_is_whole_although_the_first_server_died_at(tmp_path: Path, name: str) -> None:
    servers = ArmedServers(tmp_path, CONFIG)
    servers.start_and_die(name)
    with servers, RidingClient(servers.address, servers.records) as client:
        client.follow(client.submit(SEED)[1])
        require_well(servers)


@pytest.mark.parametrize("name", ["store.payload.part", "store.payload.written"])
def test_file_that_no_job_refers_to_is_gone_after_the_next_start(
    servers: ArmedServers, client: RidingClient, threads: ThreadPoolExecutor, name: str
) -> None:
    servers.arm(name)
    submission = threads.submit(client.submit, SEED)
    servers.await_death(name, [submission])
    assert servers.payload_files() > servers.referred_files()
    servers.let_files_age()
    servers.start()
    client.follow(submission.result(START_SECONDS)[1])
    wait_until(lambda: servers.payload_files() == servers.referred_files())
    require_well(servers)
