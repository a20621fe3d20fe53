"""What a worker can reach, tried from inside of one by a driver that means ill."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuits import bell
from server_process import ServerProcess, configured_server, wait_until_loaded

from longwire import RemoteProvider
from longwire.errors import JobFailedError
from longwire_server.execution.frames_pb2 import BackendLoaded, WorkerFrame
from longwire_server.execution.worker.framing import LENGTH, pack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")

# Landlock's question for its version, which has no side effect.
LANDLOCK_ABI = ctypes.CDLL(None).syscall(444, None, 0, 1) if sys.platform == "linux" else 0
needs_landlock = pytest.mark.skipif(LANDLOCK_ABI < 1, reason="the kernel has no Landlock")


def has_capabilities() -> bool:
    """Whether a server that these tests start is mightier than others."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    status = Path("/proc/self/status").read_text()
    return int(status.partition("CapEff:")[2].split()[0], 16) != 0


CONFIG = """
[limits]
result_bytes = 20_000
inline_result_bytes = 20_000

[[pool]]
name = "default"
processes = 1
network = false
subprocesses = false
processor_seconds = 5

[[pool]]
name = "drivers"
processes = 1
paths_read = ["{readable}"]
paths_write = ["{writable}"]

[[backend]]
name = "sealed"
factory = "hostile_backend:HostileBackend"

[[backend]]
name = "driven"
factory = "hostile_backend:HostileBackend"
pool = "drivers"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Around the server's data directory, with files for a driver beside it."""
    folder = tmp_path_factory.mktemp("sandbox")
    for name in ("readable", "writable", "others"):
        (folder / name).mkdir()
        (folder / name / "notes").write_text("mine")
    return folder


@pytest.fixture(scope="module")
def hostile_server(folder: Path) -> Iterator[ServerProcess]:
    """A server with the driver in a pool for simulations, and in one for drivers."""
    config = CONFIG.format(readable=folder / "readable", writable=folder / "writable")
    secret = {"LONGWIRE_TEST_SECRET": "hunter2"}
    with configured_server(folder / "data", config, environment=secret) as running:
        wait_until_loaded(running)
        yield running


def outcome(server: ServerProcess, deed: str, argument: object = "", *, of: str = "sealed") -> str:
    """What came of a deed in a worker."""
    with RemoteProvider(server.address) as provider:
        job = provider.get_backend(of).run(bell(), deed=deed, argument=str(argument))
        return str(job.result().results[0].header["outcome"])


PERMISSION_DENIED = {f"PermissionError: {number}" for number in (errno.EPERM, errno.EACCES)}


def test_worker_of_simulators_cannot_open_a_connection(hostile_server: ServerProcess) -> None:
    port = hostile_server.address.rpartition(":")[2]
    assert outcome(hostile_server, "connect", f"127.0.0.1:{port}") in PERMISSION_DENIED


@pytest.mark.skipif(not has_capabilities(), reason="this process has none to begin with")
def test_worker_of_simulators_has_no_capability_of_root(hostile_server: ServerProcess) -> None:
    assert outcome(hostile_server, "capabilities") == "0"


def test_worker_of_drivers_can_open_a_connection(hostile_server: ServerProcess) -> None:
    assert outcome(hostile_server, "connect", hostile_server.address, of="driven") == "done"


def test_worker_of_simulators_cannot_reach_a_service_of_the_machine(
    hostile_server: ServerProcess, folder: Path
) -> None:
    path = folder / "service"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind(str(path))
        assert outcome(hostile_server, "unix_socket", path) in PERMISSION_DENIED
        assert outcome(hostile_server, "datagram_pair") in PERMISSION_DENIED


@needs_landlock
@pytest.mark.parametrize("backend_name", ["driven", "sealed"])
@pytest.mark.parametrize("name", ["longwire-server.toml", "longwire.db", "server.log"])
def test_worker_cannot_read_what_is_the_servers(
    hostile_server: ServerProcess, folder: Path, name: str, backend_name: str
) -> None:
    path = folder / "data" / name
    assert path.exists()
    assert outcome(hostile_server, "read", path, of=backend_name) in PERMISSION_DENIED


@needs_landlock
@pytest.mark.parametrize("backend_name", ["driven", "sealed"])
def test_worker_cannot_read_the_files_of_others(
    hostile_server: ServerProcess, folder: Path, backend_name: str
) -> None:
    for path in (folder / "others" / "notes", Path("/etc/shadow"), Path("/etc/hostname")):
        assert outcome(hostile_server, "read", path, of=backend_name) in PERMISSION_DENIED


@needs_landlock
def test_driver_reads_and_writes_what_its_pool_allows(
    hostile_server: ServerProcess, folder: Path
) -> None:
    mine = b"mine".hex()
    assert outcome(hostile_server, "read", folder / "readable" / "notes", of="driven") == mine
    assert outcome(hostile_server, "read", folder / "writable" / "notes", of="driven") == mine
    written = folder / "writable" / "new"
    assert outcome(hostile_server, "write", written, of="driven") == "done"
    assert written.exists()
    refused = folder / "readable" / "new"
    assert outcome(hostile_server, "write", refused, of="driven") in PERMISSION_DENIED


@needs_landlock
@pytest.mark.parametrize("backend_name", ["driven", "sealed"])
def test_worker_cannot_read_the_servers_environment(
    hostile_server: ServerProcess, backend_name: str
) -> None:
    assert outcome(hostile_server, "server_environment", of=backend_name) in PERMISSION_DENIED


def test_environment_of_a_worker_holds_nothing_of_the_servers(
    hostile_server: ServerProcess,
) -> None:
    names = outcome(hostile_server, "environment").split()
    assert not [name for name in names if name.startswith("LONGWIRE_")]
    assert "HOME" in names


def test_worker_has_no_descriptor_but_its_own(hostile_server: ServerProcess) -> None:
    found = set(outcome(hostile_server, "descriptors").split())
    ends = {each for each in found if each.startswith(("socket:", "pipe:"))}
    # The one to the server, and the one for what it prints.
    assert len(ends) == 2
    assert {each for each in found - ends if not each.startswith("/proc/")} == {"/dev/null"}


@pytest.mark.parametrize("backend_name", ["driven", "sealed"])
def test_worker_cannot_trace_the_server(hostile_server: ServerProcess, backend_name: str) -> None:
    assert outcome(hostile_server, "trace_server", of=backend_name) in PERMISSION_DENIED


@pytest.mark.parametrize(
    "backend_name",
    [
        pytest.param(
            "driven",
            marks=pytest.mark.skipif(LANDLOCK_ABI < 6, reason="this Landlock knows no signals"),
        ),
        "sealed",
    ],
)
def test_worker_cannot_send_signals_to_the_server(
    hostile_server: ServerProcess, backend_name: str
) -> None:
    assert outcome(hostile_server, "signal_server", of=backend_name) in PERMISSION_DENIED


def test_worker_of_simulators_cannot_set_limits_for_the_server(
    hostile_server: ServerProcess,
) -> None:
    assert outcome(hostile_server, "limit_server") in PERMISSION_DENIED


@needs_landlock
def test_worker_writes_to_its_own_directory_alone(
    hostile_server: ServerProcess, folder: Path
) -> None:
    assert outcome(hostile_server, "write", folder / "others" / "new") in PERMISSION_DENIED
    assert outcome(hostile_server, "write", "/tmp/left-by-a-worker") in PERMISSION_DENIED
    assert outcome(hostile_server, "write", "relative") == "done"
    home, temporary, current = outcome(hostile_server, "places").split()
    assert home == temporary == current
    assert Path(home).stat().st_mode & 0o077 == 0
    assert not list(Path(home).iterdir())


def test_worker_of_simulators_cannot_change_the_mode_of_a_file(
    hostile_server: ServerProcess, folder: Path
) -> None:
    assert outcome(hostile_server, "change_mode", folder / "others") in PERMISSION_DENIED


def test_worker_opens_no_more_files_than_its_limit(hostile_server: ServerProcess) -> None:
    assert outcome(hostile_server, "open_files", 10_000) == f"OSError: {errno.EMFILE}"
    assert outcome(hostile_server, "open_files", 100) == "done"


def test_worker_writes_no_file_larger_than_its_limit(hostile_server: ServerProcess) -> None:
    assert outcome(hostile_server, "write_much", 2048) == f"OSError: {errno.EFBIG}"


def test_worker_of_simulators_starts_threads_but_no_processes(
    hostile_server: ServerProcess,
) -> None:
    assert outcome(hostile_server, "start_thread") == "done"
    assert outcome(hostile_server, "fork") in PERMISSION_DENIED
    assert outcome(hostile_server, "start_program") in PERMISSION_DENIED


def test_worker_of_drivers_starts_programs(hostile_server: ServerProcess) -> None:
    assert outcome(hostile_server, "start_program", of="driven") == "done"


def test_processor_time_beyond_the_pools_ends_the_job_alone(
    hostile_server: ServerProcess,
) -> None:
    with pytest.raises(JobFailedError) as caught:
        outcome(hostile_server, "spin")
    assert caught.value.reason == "TIME_LIMIT"
    assert "processor_seconds" in str(caught.value)
    assert outcome(hostile_server, "start_thread") == "done"


def test_error_of_a_driver_names_no_directory_of_the_servers(
    hostile_server: ServerProcess, folder: Path
) -> None:
    path = folder / "data" / "longwire.db"
    with pytest.raises(JobFailedError) as caught:
        outcome(hostile_server, "blame", path)
    assert str(folder / "data") not in str(caught.value)
    assert "<server>" in str(caught.value)


def test_job_finds_the_process_as_the_first_one_did(hostile_server: ServerProcess) -> None:
    before = outcome(hostile_server, "look_around")
    assert "True" not in before
    assert outcome(hostile_server, "spoil") == "done"
    assert outcome(hostile_server, "look_around") == before


def test_child_that_a_job_leaves_is_ended(hostile_server: ServerProcess) -> None:
    pid = int(outcome(hostile_server, "leave_child", of="driven"))
    # The next job begins when all is put back.
    outcome(hostile_server, "start_thread", of="driven")
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (LENGTH.pack(2**62), r"it sent \d+ bytes at once"),
        (LENGTH.pack(3) + b"\xff\xff\xff", "it sent what is no message"),
        (pack(WorkerFrame(loaded=BackendLoaded())), r"out of turn \(loaded\)"),
        (pack(WorkerFrame()), "out of turn"),
        (pack(WorkerFrame(executed=bytes(20_001))), "a result of 20001 bytes"),
    ],
    ids=["endless", "garbage", "out-of-turn", "empty", "large"],
)
def test_worker_that_sends_what_no_worker_sends_is_ended(
    hostile_server: ServerProcess, frame: bytes, complaint: str
) -> None:
    workers = hostile_server.worker_pids()
    with pytest.raises(JobFailedError, match=complaint) as caught:
        outcome(hostile_server, "send", frame.hex())
    assert caught.value.reason == "WORKER_DIED"
    assert outcome(hostile_server, "") == ""
    assert len(set(workers) - set(hostile_server.worker_pids())) == 1
