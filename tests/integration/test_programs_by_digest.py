"""A program that a server has is named by its digest, and sent again where it has it no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qiskit.circuit import Parameter, QuantumCircuit
from server_process import configured_server

from longwire import RemoteService
from longwire.run_spec import run_spec
from longwire.submission import submit
from longwire.transport.backend_calls import BackendCalls
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.v1.job_service_pb2 import RunJobRequest

ONE_SIMULATOR = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "basic_simulator"
"""


class RecordedCalls(JobCalls):
    """The calls of JobService, and how many bytes of payloads each submission had."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.payload_bytes: list[int] = []

    def run_job(self, request: RunJobRequest) -> Any:
        """Submits a job."""
        self.payload_bytes.append(sum(map(len, request.spec.program.payloads)))
        return super().run_job(request)


@contextmanager
def recorded_calls(address: str) -> Iterator[RecordedCalls]:
    """Calls to a server."""
    connection = Connection(address)
    try:
        yield RecordedCalls(connection)
    finally:
        connection.close()


def layered(angle: float | Parameter = 0.1) -> QuantumCircuit:
    """A circuit whose payload is large enough to be named by its digest."""
    circuit = QuantumCircuit(3, 3, name="layered")
    circuit.rx(angle, 0)
    for layer in range(40):
        circuit.cx(layer % 3, (layer + 1) % 3)
        circuit.cx(layer % 3, (layer + 1) % 3)
    circuit.measure(range(3), range(3))
    return circuit


def counts_of(calls: RecordedCalls, circuit: QuantumCircuit, **options: Any) -> Any:
    """The counts of a run on the simulator."""
    (described,) = BackendCalls(calls._connection).list_backends()
    spec = run_spec(described, circuit, options={"shots": 100, "seed_simulator": 1, **options})
    stream, job = submit(calls, described, spec)
    stream.close()
    with RemoteService(calls.address) as service:
        return service.job(job.job_id).result().get_counts()


def test_program_is_sent_once_and_run_from_what_the_server_keeps(tmp_path: Path) -> None:
    with (
        configured_server(tmp_path, ONE_SIMULATOR) as server,
        recorded_calls(server.address) as calls,
    ):
        counts = [counts_of(calls, layered()) for _ in range(3)]
    assert calls.payload_bytes[0] > 1024
    assert calls.payload_bytes[1:] == [0, 0]
    assert counts[0] == counts[1] == counts[2]


def test_program_with_other_values_for_its_parameters_is_the_same_program(tmp_path: Path) -> None:
    angle = Parameter("angle")
    with (
        configured_server(tmp_path, ONE_SIMULATOR) as server,
        recorded_calls(server.address) as calls,
    ):
        zeros = counts_of(calls, layered(angle), parameter_binds=[{angle: [0.0]}])
        ones = counts_of(calls, layered(angle), parameter_binds=[{angle: [3.141592653589793]}])
    assert (zeros, ones) == ({"000": 100}, {"001": 100})
    assert [size > 0 for size in calls.payload_bytes] == [True, False]


def test_program_is_sent_once_more_to_a_server_that_never_had_it(tmp_path: Path) -> None:
    with configured_server(tmp_path / "first", ONE_SIMULATOR) as first:
        address = first.address
        with recorded_calls(address) as calls:
            before = counts_of(calls, layered())
            first.kill()
            with configured_server(tmp_path / "second", ONE_SIMULATOR, address=address):
                assert counts_of(calls, layered()) == before
                assert counts_of(calls, layered()) == before
    full, asked, again, last = calls.payload_bytes
    assert full == again > asked == last == 0
