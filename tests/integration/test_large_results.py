"""A large result is read from its file while it is sent, and never held as a whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from circuits import bell
from google.rpc import code_pb2
from payload_files import payload_files
from qiskit import QuantumCircuit
from qiskit_aer.library import SaveStatevector
from server_process import (
    ServerProcess,
    configured_server,
    peak_bytes,
    wait_until,
    wait_until_loaded,
)
from service_calls import refusal

from longwire import RemoteProvider
from longwire.errors import LongwireError
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_service_pb2_grpc import JobServiceStub

# 64 MiB, which do not compress.
NUM_QUBITS = 22
RESULT_BYTES = 16 << NUM_QUBITS
CONFIG = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "aer_simulator"
"""
SECONDS = 120.0


class Stored(NamedTuple):
    """A server's data with one large result."""

    data_dir: Path
    job_id: str

    @property
    def request(self) -> messages.GetResultRequest:
        """Asks for the result."""
        return messages.GetResultRequest(job_id=self.job_id)

    @property
    def file(self) -> Path:
        """Where the result is."""
        sizes = {path.stat().st_size: path for path in (self.data_dir / "payloads").glob("*/*")}
        return sizes[max(sizes)]


def large_circuit() -> QuantumCircuit:
    circuit = QuantumCircuit(NUM_QUBITS)
    for layer in range(2):
        for qubit in range(NUM_QUBITS):
            circuit.u(0.1 + qubit, 0.3 + layer, 0.2 * qubit, qubit)
            circuit.cx(qubit, (qubit + 1) % NUM_QUBITS)
    circuit.append(SaveStatevector(NUM_QUBITS), range(NUM_QUBITS))
    return circuit


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """The data of a server that has run the job and is gone."""
    data_dir = tmp_path_factory.mktemp("large") / "data"
    with configured_server(data_dir, CONFIG) as server, RemoteProvider(server.address) as provider:
        job = provider.get_backend("aer_simulator").run(large_circuit())
        job.wait_for_final_state(timeout=SECONDS)
        job_id = job.job_id()
        server.terminate()
    return Stored(data_dir, job_id)


@pytest.fixture
def stored(original: Stored, tmp_path: Path) -> Iterator[Stored]:
    """A copy of that data for one test."""
    copied = Stored(tmp_path / "data", original.job_id)
    shutil.copytree(original.data_dir, copied.data_dir)
    yield copied
    shutil.rmtree(copied.data_dir)


@contextlib.contextmanager
def serving(stored: Stored) -> Iterator[ServerProcess]:
    with configured_server(stored.data_dir, CONFIG) as server:
        wait_until_loaded(server)
        yield server


@contextlib.contextmanager
def stub(server: ServerProcess) -> Iterator[JobServiceStub]:
    # A connection of its own.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        yield JobServiceStub(channel)


def bytes_read(server: ServerProcess) -> int:
    """How much a server has read from files so far, whether or not a disk was needed."""
    name, count = Path(f"/proc/{server.pid}/io").read_text().splitlines()[0].split()
    assert name == "rchar:"
    return int(count)


def has_open(server: ServerProcess, path: Path) -> bool:
    for link in Path(f"/proc/{server.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if link.readlink() == path:
                return True
    return False


def test_server_holds_far_less_of_a_result_than_all_of_it(stored: Stored) -> None:
    with serving(stored) as server, stub(server) as jobs:
        before = peak_bytes(server.pid)
        first, *others = jobs.GetResult(stored.request, timeout=SECONDS)
        assert peak_bytes(server.pid) - before < RESULT_BYTES // 8
    assert first.total_bytes > RESULT_BYTES
    data = b"".join(response.chunk for response in (first, *others))
    assert len(data) == first.total_bytes
    assert hashlib.sha256(data).digest() == first.header.sha256


def test_server_holds_two_copies_at_most_of_a_result_that_a_worker_sends(tmp_path: Path) -> None:
    with configured_server(tmp_path, CONFIG) as server, RemoteProvider(server.address) as provider:
        backend = provider.get_backend("aer_simulator")
        assert backend.run(bell()).result(timeout=SECONDS).success
        before = peak_bytes(server.pid)
        backend.run(large_circuit()).wait_for_final_state(timeout=SECONDS)
        assert peak_bytes(server.pid) - before < RESULT_BYTES * 5 // 2
        server.terminate()
    assert sum(path.stat().st_size for path in tmp_path.glob("payloads/*/*")) > RESULT_BYTES


def test_client_holds_one_copy_of_a_result_that_comes_in_chunks(stored: Stored) -> None:
    with serving(stored) as server, contextlib.closing(Connection(server.address)) as connection:
        tracemalloc.start()
        try:
            result = JobCalls(connection).get_result(stored.job_id)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert hashlib.sha256(result.data).digest() == result.sha256
    assert RESULT_BYTES < len(result.data) < peak < RESULT_BYTES * 3 // 2


def test_caller_that_stops_reading_is_not_read_ahead_for_and_holds_up_nobody(
    stored: Stored,
) -> None:
    with serving(stored) as server, stub(server) as idle, stub(server) as busy:
        before = bytes_read(server)
        left = idle.GetResult(stored.request, timeout=SECONDS)
        next(left)
        received = sum(len(each.chunk) for each in busy.GetResult(stored.request, timeout=SECONDS))
        assert received > RESULT_BYTES
        # One caller's whole, and of the other's what is on the way.
        assert RESULT_BYTES < bytes_read(server) - before < RESULT_BYTES * 3 // 2
        assert has_open(server, stored.file)
        left.cancel()
        wait_until(lambda: not has_open(server, stored.file))


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_damaged_result_is_refused_before_its_end_and_is_no_result(
    stored: Stored, place: str
) -> None:
    # The first byte says that data follows, the last is one of the digest of the data.
    offset = {"first": 100, "middle": RESULT_BYTES // 2, "last": stored.file.stat().st_size - 1}
    with stored.file.open("r+b") as file:
        file.seek(offset[place])
        (byte,) = file.read(1)
        file.seek(offset[place])
        file.write(bytes([byte ^ 1]))
    received = []
    with serving(stored) as server, stub(server) as jobs, RemoteProvider(server.address) as here:
        call = jobs.GetResult(stored.request, timeout=SECONDS)
        status, info = refusal(lambda: (received.append(response) for response in call))
        assert status.code == code_pb2.FAILED_PRECONDITION
        assert info.reason == "RESULT_NOT_AVAILABLE"
        assert "has not the contents that were written" in status.message
        total_bytes = received[0].total_bytes
        assert RESULT_BYTES // 2 < sum(len(each.chunk) for each in received) < total_bytes
        with pytest.raises(LongwireError, match="has not the contents that were written"):
            here.job(stored.job_id).result(timeout=SECONDS)
        assert f"job {stored.job_id}: its result is lost" in server.log()


def test_result_that_is_cut_while_it_is_sent_is_refused(stored: Stored) -> None:
    with serving(stored) as server, stub(server) as jobs:
        call = jobs.GetResult(stored.request, timeout=SECONDS)
        next(call)
        os.truncate(stored.file, RESULT_BYTES - 1)
        status, info = refusal(lambda: call)
        assert info.reason == "RESULT_NOT_AVAILABLE"
        assert f"ends after {RESULT_BYTES - 1} bytes" in status.message


def test_result_of_a_job_that_is_deleted_while_it_is_sent_is_sent_to_its_end(
    stored: Stored,
) -> None:
    with serving(stored) as server, stub(server) as jobs, stub(server) as others:
        call = jobs.GetResult(stored.request, timeout=SECONDS)
        first = next(call)
        others.DeleteJob(messages.DeleteJobRequest(job_id=stored.job_id))
        assert payload_files(stored.data_dir) == set()
        data = b"".join((first.chunk, *(response.chunk for response in call)))
        assert hashlib.sha256(data).digest() == first.header.sha256
        _, info = refusal(lambda: others.GetResult(stored.request))
        assert info.reason == "JOB_NOT_FOUND"
