"""Workers in the middle of a large simulation: cancelled, or out of memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import qiskit_aer  # noqa: F401 - circuits get their methods that save states
from circuits import bell, hours_long
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from server_process import ServerProcess, configured_server, resident_bytes, wait_until

from longwire import RemoteJob, RemoteProvider
from longwire.errors import JobFailedError

CANCEL_SECONDS = 2.0
MEMORY_LIMIT_MB = 3072
CONFIG = f"""
[[pool]]
name = "default"
processes = 1

[[pool]]
name = "small"
processes = 1
memory_limit_mb = {MEMORY_LIMIT_MB}

[[backend]]
name = "aer_simulator"

[[backend]]
name = "cramped"
entry_point = "aer_simulator"
pool = "small"
"""
NUM_QUBITS = 25


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one worker in each of its pools."""
    with configured_server(tmp_path_factory.mktemp("workers"), CONFIG) as running:
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


def wait_until_simulating(server: ServerProcess, num_qubits: int) -> None:
    """Waits until a worker has a state of so many qubits: until it is inside of Aer."""
    state_bytes = 16 << num_qubits

    def is_there() -> bool:
        return any(resident_bytes(pid) >= state_bytes for pid in server.worker_pids())

    wait_until(is_there)


def cancelled_in_seconds(job: RemoteJob) -> float:
    """How long it takes until a client has its job cancelled."""
    begun = time.monotonic()
    assert job.cancel()
    seconds = time.monotonic() - begun
    assert job.status() is JobStatus.CANCELLED
    return seconds


def test_jobs_inside_of_a_simulation_and_behind_it_are_cancelled_within_two_seconds(
    server: ServerProcess, provider: RemoteProvider
) -> None:
    backend = provider.get_backend("aer_simulator")

    def measured() -> tuple[float, float]:
        running = backend.run(hours_long(NUM_QUBITS), method="statevector")
        behind = backend.run(bell(), shots=10)
        queued = backend.run(bell(), shots=10)
        wait_until_simulating(server, NUM_QUBITS)
        assert queued.status() is JobStatus.QUEUED
        seconds = cancelled_in_seconds(queued), cancelled_in_seconds(running)
        assert behind.result(timeout=60).success
        return seconds

    # A machine with much other work may take longer once, but not each time.
    for _ in range(3):
        seconds = measured()
        if max(seconds) < CANCEL_SECONDS:
            break
    assert max(seconds) < CANCEL_SECONDS


def superposition(num_qubits: int, num_states: int) -> QuantumCircuit:
    """A circuit of so many qubits whose state is saved so many times."""
    circuit = QuantumCircuit(num_qubits)
    circuit.h(range(num_qubits))
    for number in range(num_states):
        circuit.save_statevector(label=f"state {number}")
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize(
    ("circuit", "words"),
    [
        (superposition(28, 0), "Insufficient memory"),
        (superposition(25, 3), "Cannot allocate memory"),
    ],
    ids=["known before", "found in the middle"],
)
def test_simulation_beyond_the_memory_limit_fails_its_job_and_the_next_ones_run(
    provider: RemoteProvider, circuit: QuantumCircuit, words: str
) -> None:
    backend = provider.get_backend("cramped")
    bad = backend.run(circuit, shots=10, method="statevector")
    behind = [backend.run(bell(), shots=10) for _ in range(3)]
    limit = rf"{MEMORY_LIMIT_MB} MiB.*memory_limit_mb"
    with pytest.raises(JobFailedError, match=f"{limit}.*{words}") as caught:
        bad.result(timeout=60)
    assert caught.value.reason == "MEMORY_LIMIT"
    for job in behind:
        assert job.result(timeout=60).success
