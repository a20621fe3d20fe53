"""The worker's frames, over a real socket pair."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from qiskit import QuantumCircuit

from longwire.codecs.program import program_to_proto
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import TranspileOptions
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution.frames_pb2 import (
    ExecuteJob,
    ServerFrame,
    WorkerFrame,
    WorkerSettings,
)
from longwire_server.execution.worker.framing import LENGTH, FrameSocket, pack
from longwire_server.execution.worker.loop import WorkerLoop


class Server:
    """The other end of a worker's socket."""

    def __init__(self) -> None:
        self._socket, self._workers_socket = socket.socketpair()
        self._socket.settimeout(120)
        specs = [
            BackendSpec(name="plain", target="unit.backends.drivers:PlainV2"),
            BackendSpec(name="changing", target="unit.backends.drivers:ChangingV2"),
        ]
        settings = WorkerSettings(
            backend_specs=[spec.to_json() for spec in specs],
            loaded_backends=2,
            result_bytes=1 << 20,
        )
        loop = WorkerLoop(FrameSocket(self._workers_socket), settings)
        self._worker = threading.Thread(target=loop.run)
        self._worker.start()

    def receive(self) -> WorkerFrame:
        (size,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return WorkerFrame.FromString(self._exactly(size))

    def execute(self, spec: JobSpec) -> list[WorkerFrame]:
        """The frames of one attempt, up to the answer."""
        request = ExecuteJob(job_id="the-job", spec=spec.SerializeToString())
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
def server() -> Iterator[Server]:
    server = Server()
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
