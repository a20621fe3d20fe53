"""Large jobs that several workers run together."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from circuits import asymmetric, bell, several_registers
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.providers import JobStatus
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error
from server_process import ServerProcess, configured_server, wait_until, wait_until_loaded

from longwire import RemoteBackend, RemoteProvider
from longwire.errors import JobFailedError

CONFIG = """
[quotas]
# More than half of what the test of it asks for.
shots = 150_000

[[pool]]
name = "default"
processes = 2
sandbox = "off"

[[backend]]
name = "parts"
factory = "part_backend:PartBackend"
max_attempts = 3
"""


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with configured_server(tmp_path_factory.mktemp("two-workers"), CONFIG) as running:
        wait_until_loaded(running)
        wait_until(lambda: running.log().count("is ready") >= 3)
        yield running


@pytest.fixture
def backend(two_workers: ServerProcess) -> Iterator[RemoteBackend]:
    with RemoteProvider(two_workers.address) as provider:
        yield provider.get_backend("parts")


def large_job(
    number: int = 200, *, seconds: float = 0.01, folder: Path | None = None
) -> list[QuantumCircuit]:
    """Circuits of several kinds that make a program worth splitting."""
    circuits = []
    for index in range(number):
        circuit = (asymmetric, several_registers, bell)[index % 3]()
        circuit.name = f"circuit {index}"
        # It makes the program as large as that of longer circuits.
        circuit.metadata = {"seconds": seconds, "note": "x" * 400}
        if folder is not None:
            circuit.metadata["folder"] = str(folder)
        circuits.append(circuit)
    return circuits


def pids_of(result: object) -> list[int]:
    return [each.header["pid"] for each in result.results]  # type: ignore[attr-defined]


def counts_of(result: object) -> list[dict[str, int]]:
    return [each.data.counts for each in result.results]  # type: ignore[attr-defined]


def names_of(result: object) -> list[str]:
    return [each.header["name"] for each in result.results]  # type: ignore[attr-defined]


def local_counts(circuits: list[QuantumCircuit], **options: object) -> list[dict[str, int]]:
    """The counts of the same circuits in one run of Aer, in this process."""
    return counts_of(AerSimulator(max_parallel_threads=1).run(circuits, **options).result())


def test_a_split_job_gives_what_one_process_gives_with_the_same_seed(
    backend: RemoteBackend,
) -> None:
    circuits = large_job()
    result = backend.run(circuits, shots=300, seed_simulator=11).result()
    assert len(set(pids_of(result))) == 2
    assert names_of(result) == [each.name for each in circuits]
    assert counts_of(result) == local_counts(circuits, shots=300, seed_simulator=11)
    assert result.success


def test_a_split_job_with_noise_gives_the_same(backend: RemoteBackend) -> None:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(amplitude_damping_error(0.2), ["ry", "h", "x"])
    circuits = large_job()
    options = {"shots": 100, "seed_simulator": 5, "noise_model": noise}
    result = backend.run(circuits, **options).result()
    assert len(set(pids_of(result))) == 2
    # Alone, each with the seed that it has in the whole: the noise is right in each.
    for index in (0, 1, 2, 77, 150, 199):
        options["seed_simulator"] = 5 + 2113 * index
        alone = backend.run(circuits[index], **options).result()
        assert counts_of(result)[index] == counts_of(alone)[0], index


def test_points_of_one_circuit_are_split_too(backend: RemoteBackend) -> None:
    angles = [Parameter(f"a{index}") for index in range(40)]
    circuit = QuantumCircuit(1, 1, name="sweep", metadata={"seconds": 0.005})
    for angle in angles:
        circuit.rx(angle, 0)
    circuit.measure(0, 0)
    # Random: values that can be compressed make a small program.
    values = np.random.default_rng(1).uniform(0, 0.2, (400, len(angles)))
    points = {angle: values[:, index].tolist() for index, angle in enumerate(angles)}
    result = backend.run(circuit, parameter_binds=[points], shots=64, seed_simulator=3).result()
    assert len(result.results) == 400
    bound = [circuit.assign_parameters(dict(zip(angles, point, strict=True))) for point in values]
    assert counts_of(result) == local_counts(bound, shots=64, seed_simulator=3)
    assert len(set(pids_of(result))) == 2


def test_few_circuits_run_on_one_worker(backend: RemoteBackend) -> None:
    result = backend.run(large_job(10, seconds=0.2), shots=10).result()
    assert len(set(pids_of(result))) == 1


def test_a_misfit_far_behind_is_told_as_without_splitting(backend: RemoteBackend) -> None:
    circuits = large_job()
    for index in (195, 150):
        circuits[index].append(Gate("warp", 1, []), [0])
    with pytest.raises(JobFailedError, match=r"circuit 150.*warp"):
        backend.run(circuits, shots=10).result()


def test_a_quota_holds_for_all_parts_together(backend: RemoteBackend) -> None:
    # By default each circuit has 1,024 shots: the server does not know that.
    with pytest.raises(JobFailedError, match=r"204800 shots.*quotas\.shots"):
        backend.run(large_job()).result()


def test_cancelling_ends_all_workers_of_a_split_job(
    backend: RemoteBackend, two_workers: ServerProcess, tmp_path: Path
) -> None:
    before = set(two_workers.worker_pids())
    job = backend.run(large_job(seconds=0.05, folder=tmp_path), shots=10)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    job.cancel()
    job.wait_for_final_state()
    assert job.status() is JobStatus.CANCELLED
    wait_until(lambda: not before & set(two_workers.worker_pids()))
    wait_until(lambda: len(set(two_workers.worker_pids())) == 2)
    result = backend.run(large_job(), shots=10, seed_simulator=1).result()
    assert len(result.results) == 200


def test_a_killed_helper_leads_to_another_attempt_and_the_right_result(
    backend: RemoteBackend, two_workers: ServerProcess, tmp_path: Path
) -> None:
    wait_until(lambda: len(set(two_workers.worker_pids())) == 2)
    circuits = large_job(seconds=0.03, folder=tmp_path)
    job = backend.run(circuits, shots=20, seed_simulator=2)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    before = set(two_workers.worker_pids())
    os.kill(max(before), signal.SIGKILL)
    result = job.result()
    assert counts_of(result) == local_counts(circuits, shots=20, seed_simulator=2)
    assert "attempt 1 is lost" in two_workers.log()


def test_who_comes_later_gets_the_worker_of_a_helper(
    backend: RemoteBackend, two_workers: ServerProcess, tmp_path: Path
) -> None:
    wait_until(lambda: len(set(two_workers.worker_pids())) == 2)
    job = backend.run(large_job(400, seconds=0.03, folder=tmp_path), shots=10)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    began = time.monotonic()
    backend.run(bell(), shots=10).result()
    assert job.status() is JobStatus.RUNNING
    assert time.monotonic() - began < 6
    assert len(set(pids_of(job.result()))) == 2
