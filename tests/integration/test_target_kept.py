"""A Target is fetched once, kept between processes, and known to be old when it is."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuits import bell
from line_backend import line_target
from qiskit import transpile
from same_targets import assert_same_targets
from server_process import ServerProcess, configured_server, wait_until

from longwire import RemoteBackendV2, RemoteSampler, RemoteService
from longwire.errors import CalibrationChangedWarning

POOL = """
[[pool]]
name = "default"
processes = 1
paths_read = [{folder!r}]
"""
LINE = """
[[backend]]
name = "{name}"
factory = "line_backend:LineBackend"
arguments = {{ calibration = {calibration!r} }}
refresh_seconds = 0.1
"""
# One for each test that changes or reads one.
NAMES = [f"line-{number}" for number in range(6)]


def configuration(folder: Path, names: list[str]) -> str:
    """Devices that their server asks often what they are, each with a file of its own."""
    for name in names:
        (folder / name).write_text("0.001")
    lines = [LINE.format(name=name, calibration=str(folder / name)) for name in names]
    return POOL.format(folder=str(folder)) + "".join(lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the calibrations are, each in a file with its device's name."""
    return tmp_path_factory.mktemp("calibrations")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[ServerProcess]:
    """A server of all the devices."""
    with configured_server(
        tmp_path_factory.mktemp("lines"), configuration(folder, NAMES)
    ) as running:
        yield running


@pytest.fixture(scope="module")
def unused_names() -> Iterator[str]:
    """The devices that no test has had."""
    return iter(NAMES)


@pytest.fixture
def line(server: ServerProcess, unused_names: Iterator[str]) -> Iterator[RemoteBackendV2]:
    """A device for this test alone."""
    with RemoteService(server.address) as service:
        yield service.backend(next(unused_names))


@pytest.fixture
def calibration(line: RemoteBackendV2, folder: Path) -> Path:
    """The file with its error rate."""
    return folder / line.name


def calibrate(calibration: Path, error: float, line: RemoteBackendV2) -> None:
    """Changes the device's error rate, and waits until its server knows."""

    def present() -> bytes:
        digest: bytes = line.service.backend(line.name)._runnable().target_sha256
        return digest

    before = present()
    calibration.write_text(str(error))
    wait_until(lambda: present() != before)


def test_changed_calibration_is_warned_of_until_the_backend_is_refreshed(
    line: RemoteBackendV2, calibration: Path
) -> None:
    circuit = transpile(bell(), line, initial_layout=[0, 1])
    old = line.target
    assert sorted(line.coupling_map.get_edges()) == [(0, 1), (1, 2)]
    calibrate(calibration, 0.1, line)
    assert line.target is old
    with pytest.warns(CalibrationChangedWarning, match=r"backend\.refresh\(\)") as caught:
        job = line.run(circuit, shots=10)
    assert caught[0].filename == __file__
    assert job.result().success
    with pytest.warns(CalibrationChangedWarning):
        RemoteSampler(line).run([circuit]).result()
    line.refresh()
    assert_same_targets(line.target, line_target(0.1))
    assert sorted(line.coupling_map.get_edges()) == [(0, 1)]
    assert line.run(transpile(bell(), line), shots=10).result().success


def test_calibration_is_not_warned_of_where_the_target_plays_no_part(
    line: RemoteBackendV2, calibration: Path
) -> None:
    circuit = transpile(bell(), target=line_target(0.001), initial_layout=[0, 1])
    reader = line.service.backend(line.name)
    assert reader.target is not None
    calibrate(calibration, 0.02, line)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # This object never read a Target, and the other has the server transpile.
        line.run(circuit, shots=10).result()
        reader.run(bell(), transpile=True, shots=10).result()


def test_device_that_stays_as_it_is_keeps_its_digest(line: RemoteBackendV2) -> None:
    first = line.service.backend(line.name)._runnable().target_sha256
    assert_same_targets(line.target, line_target(0.001))
    assert line._target_sha256 == first
    line.refresh()
    assert_same_targets(line.target, line_target(0.001))
    assert line._target_sha256 == first


# Lists the backends, waits until it is told to go on, and reads the Target.
READER = """
import sys
from longwire import RemoteService

backend = RemoteService(sys.argv[1], timeout_seconds=5).backend("line")
print("listed", flush=True)
sys.stdin.readline()
try:
    print(backend.target["x"][0,].error)
except Exception as error:
    print(type(error).__name__)
"""


def reader(address: str, cache: Path) -> subprocess.Popen[str]:
    """A new process with this cache, which has listed the backends and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", READER, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LONGWIRE_CACHE_DIR": str(cache)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "listed\n"
    return process


def test_new_process_needs_no_call_for_a_target_that_another_has_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGWIRE_CACHE_DIR", str(tmp_path / "cache"))
    with configured_server(tmp_path / "server", configuration(tmp_path, ["line"])) as server:
        with RemoteService(server.address) as service:
            assert service.backend("line").target is not None
        readers = [reader(server.address, tmp_path / name) for name in ("cache", "empty")]
    # The server is gone, so whoever needs a call fails.
    told = [process.communicate("go on\n", timeout=120)[0].strip() for process in readers]
    assert told == ["0.001", "ServerUnreachableError"]


def test_damaged_file_of_the_cache_is_fetched_anew(
    line: RemoteBackendV2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGWIRE_CACHE_DIR", str(tmp_path / "cache"))
    assert line.target is not None
    (kept,) = (tmp_path / "cache" / "targets").iterdir()
    assert kept.name == line._target_sha256.hex()
    good = kept.read_bytes()
    # A flipped bit in the data, which only the digest tells.
    middle = len(good) // 2
    damaged = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
    kept.write_bytes(damaged)
    assert_same_targets(line.service.backend(line.name).target, line_target(0.001))
    assert kept.read_bytes() == good


def test_cache_that_cannot_be_written_costs_a_call_and_no_more(
    line: RemoteBackendV2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").touch()
    monkeypatch.setenv("LONGWIRE_CACHE_DIR", str(tmp_path / "occupied"))
    assert_same_targets(line.target, line_target(0.001))
