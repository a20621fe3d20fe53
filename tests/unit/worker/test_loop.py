"""The worker's frames, over a real socket pair."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from qiskit import QuantumCircuit

from longwire.codecs.payloads_digest import payloads_digest
from longwire.codecs.program import program_to_proto
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import TranspileOptions
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution.frames_pb2 import (
    ExecuteJob,
    LoadBackend,
    ServerFrame,
    WorkerFrame,
    WorkerSettings,
)
from longwire_server.execution.worker.framing import LENGTH, FrameSocket, pack
from longwire_server.execution.worker.loop import WorkerLoop


def coupled() -> QuantumCircuit:
    """A circuit with a gate on the last two of three qubits."""
    circuit = QuantumCircuit(3, 1)
    circuit.cx(1, 2)
    circuit.measure(2, 0)
    return circuit


class Server:
    """The other end of a worker's socket."""

    def __init__(self, calibration: Path) -> None:
        self._socket, self._workers_socket = socket.socketpair()
        self._socket.settimeout(120)
        specs = [
            BackendSpec(name="plain", target="unit.backends.drivers:PlainV2"),
            BackendSpec(name="changing", target="unit.backends.drivers:ChangingV2"),
            BackendSpec(
                name="line",
                target="line_backend:LineBackend",
                arguments={"calibration": str(calibration)},
            ),
        ]
        settings = WorkerSettings(
            backend_specs=[spec.to_json() for spec in specs],
            loaded_backends=3,
            result_bytes=1 << 20,
        )
        loop = WorkerLoop(FrameSocket(self._workers_socket), settings)
        self._worker = threading.Thread(target=loop.run)
        self._worker.start()

    def receive(self) -> WorkerFrame:
        (size,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return WorkerFrame.FromString(self._exactly(size))

    def load(self, name: str) -> WorkerFrame:
        """The answer to the wish that a backend be described."""
        self._socket.sendall(pack(ServerFrame(load=LoadBackend(backend_name=name))))
        return self.receive()

    def execute(self, spec: JobSpec, target_sha256: bytes = b"") -> list[WorkerFrame]:
        """The frames of one attempt, up to the answer."""
        request = ExecuteJob(
            job_id="the-job", spec=spec.SerializeToString(), target_sha256=target_sha256
        )
        self._socket.sendall(pack(ServerFrame(execute=request)))
        frames = [self.receive()]
        while frames[-1].WhichOneof("frame") not in ("executed", "execution_failed"):
            frames.append(self.receive())
        return frames

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._socket.recv(size - len(data))
        return data

    def close(self) -> None:
        self._socket.close()
        self._worker.join(120)
        self._workers_socket.close()


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    """The file with the error rate of the backend ``line``."""
    path = tmp_path / "calibration"
    path.write_text("0.01")
    return path


@pytest.fixture
def server(calibration: Path) -> Iterator[Server]:
    server = Server(calibration)
    assert server.receive().HasField("ready")
    yield server
    server.close()


def test_worker_sends_progress_between_running_and_the_result(server: Server) -> None:
    circuits = [QuantumCircuit(1, name=f"number {index}") for index in range(5)]
    frames = server.execute(JobSpec(backend_name="plain", program=program_to_proto(circuits)))
    kinds = [frame.WhichOneof("frame") for frame in frames]
    assert kinds == ["running", "progress", "progress", "executed"]
    told = [(frame.progress.finished, frame.progress.total) for frame in frames[1:3]]
    assert told == [(2, 5), (4, 5)]


def test_worker_goes_on_after_a_job_that_cannot_be_transpiled(server: Server) -> None:
    circuit = QuantumCircuit(2, name="pair")
    circuit.cx(0, 1)
    spec = JobSpec(
        backend_name="changing",
        program=program_to_proto(circuit),
        transpile=TranspileOptions(initial_layout=[1, 1]),
    )
    (failed,) = server.execute(spec)
    assert failed.execution_failed.reason == ErrorReason.ERROR_REASON_PROGRAM_INVALID
    assert "circuit 'pair' cannot be transpiled" in failed.execution_failed.message
    assert not failed.execution_failed.worker_ends
    spec.transpile.ClearField("initial_layout")
    running, executed = server.execute(spec)
    assert running.HasField("running")
    assert executed.HasField("executed")


def test_worker_reads_its_driver_again_when_another_has_found_it_changed(
    server: Server, calibration: Path
) -> None:
    program = program_to_proto(coupled())
    program.payloads_sha256 = payloads_digest(program.payloads)
    how = TranspileOptions(initial_layout=[0, 1, 2])
    spec = JobSpec(backend_name="line", program=program, transpile=how)
    before = server.load("line").loaded.target.sha256
    assert server.execute(spec, before)[-1].HasField("executed")
    # With this error rate the qubits 1 and 2 are not coupled.
    calibration.write_text("0.25")
    # What is kept is for the Target that this worker knows.
    failed = server.execute(spec, before)[-1].execution_failed
    assert "no operation 'cx'" in failed.message
    failed = server.execute(spec, b"of another worker")[-1].execution_failed
    assert "disconnected" in failed.message


def test_failure_of_a_driver_that_goes_on_is_traced_once(
    server: Server, calibration: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert server.load("line").HasField("loaded")
    with caplog.at_level(logging.WARNING):
        for text in ("the cryostat is warm", "the cryostat is warm", "no vacuum", "0.5"):
            calibration.write_text(text)
            server.load("line")
        calibration.write_text("no vacuum")
        assert "no vacuum" in server.load("line").load_failed.message
    told = [(record.exc_info is not None, record.message) for record in caplog.records]
    assert [is_traced for is_traced, _ in told] == [True, False, True, True]
    assert told[1][1].startswith("backend line is not described: ValueError: ")
    assert "\n" not in told[1][1]
