"""A disk that is full or takes no writes: nothing is acknowledged, nothing is lost."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuits import bell
from job_submitters import JobSubmitters, assert_each_ran_once, ended, listed
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from server_process import (
    DRIVERS,
    START_SECONDS,
    ServerProcess,
    configured_server,
    running_server,
    wait_until,
)
from small_disk import SmallDisk, SmallDiskMissingError, small_disk
from system_calls import SystemCallsMissingError, failing_writes

from longwire import RemoteJob, RemoteProvider
from longwire.errors import ServerBusyError
from longwire.v1.job_pb2 import JobState

CONFIG = """
[server]
lease_seconds = 1

[[pool]]
name = "default"
processes = 2

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of a few megabytes."""
    try:
        with small_disk(tmp_path / "disk", size_mb=6) as mounted:
            yield mounted
    except SmallDiskMissingError as missing:
        pytest.skip(str(missing))


def server_on(
    disk: SmallDisk, tmp_path: Path, data_dir: str = ""
) -> contextlib.AbstractContextManager[ServerProcess]:
    """A server with its data on a disk, and its log elsewhere."""
    config = tmp_path / "longwire-server.toml"
    config.write_text(CONFIG)
    place = disk.mount_point / data_dir
    return running_server(
        tmp_path / "log", "--config", str(config), "--data-dir", str(place),
        environment={"PYTHONPATH": str(DRIVERS)}, prefix=disk.prefix,
    )  # fmt: skip


def assert_is_sound(database: Path) -> None:
    """Asserts that SQLite finds nothing wrong with a database."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def noisy() -> QuantumCircuit:
    """Ten qubits whose outcomes no compression makes shorter."""
    circuit = QuantumCircuit(10)
    circuit.h(range(10))
    circuit.measure_all()
    return circuit


def large_behind(gate: Path, provider: RemoteProvider, shots: int) -> RemoteJob:
    """A job that waits for the gate, and whose result takes more than a byte a shot."""
    job = provider.get_backend("gated").run(noisy(), shots=shots, memory=True, gate=str(gate))
    wait_until(job.running)
    return job


def long_circuit() -> QuantumCircuit:
    """A circuit of some 350 kB, which is kept in a file."""
    circuit = QuantumCircuit(1, 1)
    for number in range(6_000):
        circuit.rz(math.sin(number), 0)
    circuit.measure(0, 0)
    return circuit


def test_full_disk_is_told_and_once_there_is_room_everything_acknowledged_ends(
    disk: SmallDisk, tmp_path: Path, gate: Path
) -> None:
    with server_on(disk, tmp_path) as server, RemoteProvider(server.address) as provider:
        done = provider.get_backend("gated").run(bell(), shots=10)
        assert done.result(timeout=60).success
        # One whose result is kept in the database, and one whose is a file.
        running = [large_behind(gate, provider, shots) for shots in (50_000, 300_000)]
        with JobSubmitters(server.address, "gated", pause_seconds=0) as submitters:
            wait_until(lambda: len(submitters.acknowledged) >= 10)
            disk.fill()
            wait_until(lambda: submitters.refusals.total() >= 10)
            gate.touch()
            wait_until(lambda: all(f"job {job.job_id()}" in server.log() for job in running))
            # What can be read is still told. A checkpoint has SQLite write from the beginning of
            # its log again, which is there: the small result may fit, a new file does not.
            assert running[0].status() in (JobStatus.RUNNING, JobStatus.DONE)
            assert running[1].status() is JobStatus.RUNNING
            assert len(provider.jobs(limit=5)) == 5
            assert provider.job(done.job_id()).result(timeout=60).success
            disk.free()
            told = len(submitters.acknowledged)
            wait_until(lambda: len(submitters.acknowledged) >= told + 10)
        assert set(submitters.refusals) == {"STORE_UNAVAILABLE"}
        assert len(running[0].result(timeout=60).get_memory()) == 50_000
        assert len(running[1].result(timeout=60).get_memory()) == 300_000
        for job in (done, *running):
            submitters.acknowledged[job.job_id()] = job.job_id()
        assert_each_ran_once(server.address, submitters)
        assert "Traceback" not in server.log()
        assert server.terminate() == 0
    disk.copy("longwire.db", tmp_path)
    assert_is_sound(tmp_path / "longwire.db")


def test_error_of_a_full_disk_is_a_busy_server_to_python(
    disk: SmallDisk, tmp_path: Path, gate: Path
) -> None:
    with (
        server_on(disk, tmp_path) as server,
        RemoteProvider(server.address) as patient,
        # It asks a server again whose store is away, and gives up in the end.
        RemoteProvider(server.address, timeout_seconds=4) as provider,
    ):
        acknowledged = [patient.get_backend("gated").run(bell(), shots=10)]
        backend = provider.get_backend("gated")

        def run_until_refused() -> None:
            while True:
                acknowledged.append(backend.run(bell(), shots=10))

        disk.fill()
        with pytest.raises(ServerBusyError, match="nothing was recorded") as caught:
            run_until_refused()
        assert caught.value.reason == "STORE_UNAVAILABLE"
        with pytest.raises(ServerBusyError, match="nothing was recorded"):
            backend.run(long_circuit(), shots=10)
        assert not [path for path in disk.inside("payloads").rglob("*") if path.is_file()]
        disk.free()
        acknowledged += [backend.run(circuit, shots=10) for circuit in (bell(), long_circuit())]
        assert all(job.result(timeout=60).success for job in acknowledged)
        assert len(listed(server.address)) == len(acknowledged)


@pytest.mark.parametrize("error", ["EROFS", "EIO"])
def test_disk_that_takes_no_writes_for_a_while_costs_no_acknowledged_job(
    tmp_path: Path, gate: Path, error: str
) -> None:
    data = tmp_path / "data"
    with configured_server(data, CONFIG) as server, RemoteProvider(server.address) as provider:
        running = provider.get_backend("gated").run(bell(), shots=10, gate=str(gate))
        wait_until(running.running)
        with JobSubmitters(server.address, "gated") as submitters:
            wait_until(lambda: len(submitters.acknowledged) >= 10)
            try:
                with failing_writes(server.pid, data.glob("longwire.db*"), error=error):
                    wait_until(lambda: submitters.refusals.total() >= 10)
                    gate.touch()
                    wait_until(lambda: f"job {running.job_id()}" in server.log())
            except SystemCallsMissingError as missing:
                pytest.skip(str(missing))
            told = len(submitters.acknowledged)
            wait_until(lambda: len(submitters.acknowledged) >= told + 10)
        assert set(submitters.refusals) == {"STORE_UNAVAILABLE"}
        assert running.result(timeout=60).success
        submitters.acknowledged["of the provider"] = running.job_id()
        assert_each_ran_once(server.address, submitters)
        assert server.terminate() == 0
    assert_is_sound(data / "longwire.db")


def refused_start(disk: SmallDisk, data_dir: Path) -> str:
    """What a server says that cannot keep its jobs."""
    command = [sys.executable, "-m", "longwire_server", "serve", "--address", "localhost:0"]
    done = subprocess.run(
        [*disk.prefix, *command, "--data-dir", str(data_dir)],
        capture_output=True, text=True, timeout=START_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_server_on_a_read_only_disk_says_so_and_ends(disk: SmallDisk) -> None:
    disk.inside("empty").mkdir()
    disk.allow_writing(False)
    for name in ("empty", "absent"):
        place = disk.mount_point / name
        said = refused_start(disk, place)
        assert "longwire-server: " in said
        assert "Read-only file system" in said
        assert str(place) in said


def test_store_that_became_read_only_is_as_it_was_when_it_is_writable_again(
    disk: SmallDisk, tmp_path: Path
) -> None:
    with server_on(disk, tmp_path) as server, RemoteProvider(server.address) as provider:
        done = provider.get_backend("gated").run(bell(), shots=10)
        assert done.result(timeout=60).success
        # As it is left by a server that had no time to tidy up.
        server.kill()
    disk.allow_writing(False)
    assert "Read-only file system" in refused_start(disk, disk.mount_point)
    disk.allow_writing(True)
    with server_on(disk, tmp_path) as server, RemoteProvider(server.address) as provider:
        assert provider.job(done.job_id()).result(timeout=60).success
        assert provider.get_backend("gated").run(bell(), shots=10).result(timeout=60).success
        (_, first) = listed(server.address)
        assert first.job_id == done.job_id()
        (job,) = ended(server.address, [done.job_id()])
        assert job.status.status == JobState.JOB_STATE_DONE
        assert server.terminate() == 0
    disk.copy("longwire.db", tmp_path)
    assert_is_sound(tmp_path / "longwire.db")
