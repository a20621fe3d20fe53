"""Large results that a tenant fetches at once take no more memory than they may."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from qiskit import QuantumCircuit
from qiskit_aer.library import SaveStatevector
from server_process import ServerProcess, configured_server

from longwire import RemoteProvider
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_service_pb2_grpc import JobServiceStub

# Far more than the network keeps of what nobody reads.
NUM_QUBITS = 21
CONFIG = """
[limits]
fetched_bytes = 1_000_000

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "aer_simulator"
"""
SECONDS = 120.0
WAITED_SECONDS = 3.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with configured_server(tmp_path, CONFIG) as running:
        yield running


def test_results_are_sent_one_after_another_where_together_they_are_too_large(
    server: ServerProcess,
) -> None:
    circuit = QuantumCircuit(NUM_QUBITS)
    for qubit in range(NUM_QUBITS):
        circuit.ry(0.1 + qubit, qubit)
        circuit.cx(qubit, (qubit + 1) % NUM_QUBITS)
    circuit.append(SaveStatevector(NUM_QUBITS), range(NUM_QUBITS))
    with RemoteProvider(server.address) as provider:
        job = provider.get_backend("aer_simulator").run(circuit)
        job.wait_for_final_state(timeout=SECONDS)
    request = messages.GetResultRequest(job_id=job.job_id())
    with grpc.insecure_channel(server.address) as channel, ThreadPoolExecutor(1) as threads:
        jobs = JobServiceStub(channel)
        first = jobs.GetResult(request, timeout=SECONDS)
        total_bytes = next(first).total_bytes
        assert total_bytes > 2 << 20
        second = jobs.GetResult(request, timeout=SECONDS)
        waiting = threads.submit(next, second)
        # Much longer than it takes where it does not wait.
        with pytest.raises(TimeoutError):
            waiting.result(WAITED_SECONDS)
        next(first)
        first.cancel()
        received = len(waiting.result(SECONDS).chunk) + sum(len(each.chunk) for each in second)
    assert received == total_bytes
