"""Large jobs that several workers run together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from circuits import bell
from large_jobs import (
    counts_of,
    helpers_of,
    large_job,
    local_counts,
    names_of,
    pids_of,
    wait_until_ready,
)
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.providers import JobStatus
from qiskit_aer.noise import NoiseModel, amplitude_damping_error
from server_process import ServerProcess, configured_server, wait_until, wait_until_loaded

from longwire import RemoteBackend, RemoteProvider, RemoteSampler, RemoteService
from longwire.codecs.program import program_to_proto
from longwire.errors import JobFailedError
from longwire.events import Progress
from longwire.v1.account_service_pb2 import GetUsageRequest
from longwire.v1.account_service_pb2_grpc import AccountServiceStub
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.job_service_pb2 import SubmitJobRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CONFIG = """
[quotas]
# More than half of what the test of it asks for.
shots = 150_000

[[pool]]
name = "default"
processes = 2
sandbox = "off"

[[pool]]
name = "undivided"
processes = 2
sandbox = "off"
split_jobs = false

[[backend]]
name = "parts"
factory = "part_backend:PartBackend"
max_attempts = 3

# What it runs is never run twice: not in parts either.
[[backend]]
name = "once"
factory = "part_backend:PartBackend"

[[backend]]
name = "undivided"
factory = "part_backend:PartBackend"
pool = "undivided"
max_attempts = 3

[[backend]]
name = "basic"
entry_point = "basic_simulator"
max_attempts = 3
"""


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with configured_server(tmp_path_factory.mktemp("two-workers"), CONFIG) as running:
        wait_until_loaded(running)
        wait_until_ready(running, 4)
        yield running


@pytest.fixture
def backend(two_workers: ServerProcess) -> Iterator[RemoteBackend]:
    with RemoteProvider(two_workers.address) as provider:
        yield provider.get_backend("parts")


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


@pytest.mark.parametrize(("number", "helpers"), [(1000, 1), (500, 0)])
def test_a_helper_reads_a_large_program_at_the_same_time(
    two_workers: ServerProcess, number: int, helpers: int
) -> None:
    program = program_to_proto(large_job(number))
    # It states its circuits, and then cannot be read: no run shows how long they take.
    program.payloads[0] = program.payloads[0][:-1000]
    before = two_workers.worker_pids()
    with (
        grpc.insecure_channel(two_workers.address) as channel,
        RemoteProvider(two_workers.address) as provider,
    ):
        spec = JobSpec(backend_name="parts", program=program)
        job_id = JobServiceStub(channel).SubmitJob(SubmitJobRequest(spec=spec)).job.job_id
        with pytest.raises(JobFailedError, match="ends in the middle"):
            provider.job(job_id).result()
    assert len(helpers_of(two_workers, job_id)) == helpers
    assert two_workers.worker_pids() == before


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


def test_a_split_job_tells_how_far_it_is(backend: RemoteBackend) -> None:
    job = backend.run(large_job(), shots=10)
    told = [each for each in job.events() if isinstance(each, Progress)]
    assert {each.total for each in told} == {200}
    finished = [each.finished for each in told]
    assert finished == sorted(finished)
    assert 0 < finished[0] < 200


def test_the_time_of_helpers_is_charged(backend: RemoteBackend, two_workers: ServerProcess) -> None:
    before = worker_seconds(two_workers)
    job = backend.run(large_job(seconds=0.02), shots=10)
    job.result()
    assert len(helpers_of(two_workers, job.job_id())) == 1
    # Both workers slept so long, each at a part of the circuits.
    assert worker_seconds(two_workers) - before > 200 * 0.02


def worker_seconds(server: ServerProcess) -> float:
    """How long workers have been occupied, as the tenant is told."""
    with grpc.insecure_channel(server.address) as channel:
        usage = AccountServiceStub(channel).GetUsage(GetUsageRequest()).usage
    return sum(each.worker_seconds for each in usage)


@pytest.mark.parametrize("name", ["once", "undivided"])
def test_a_job_runs_on_one_worker_where_the_operator_wants_it(
    two_workers: ServerProcess, name: str
) -> None:
    with RemoteProvider(two_workers.address) as provider:
        result = provider.get_backend(name).run(large_job(), shots=10).result()
    assert len(result.results) == 200
    assert len(set(pids_of(result))) == 1


def test_other_backends_than_aers_run_a_job_on_one_worker(two_workers: ServerProcess) -> None:
    with RemoteProvider(two_workers.address) as provider:
        job = provider.get_backend("basic").run(large_job(), shots=10)
        assert len(job.result().results) == 200
    assert helpers_of(two_workers, job.job_id()) == []


def test_a_primitives_job_runs_on_one_worker(two_workers: ServerProcess) -> None:
    with RemoteService(two_workers.address) as service:
        sampler = RemoteSampler(mode=service.backend("parts"))
        job = sampler.run(large_job(), shots=10)
        assert len(job.result()) == 200
    assert helpers_of(two_workers, job.job_id()) == []


def test_who_comes_later_gets_the_worker_of_a_helper(
    backend: RemoteBackend, two_workers: ServerProcess, tmp_path: Path
) -> None:
    job = backend.run(large_job(400, seconds=0.03, folder=tmp_path), shots=10)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    began = time.monotonic()
    backend.run(bell(), shots=10).result()
    assert job.status() is JobStatus.RUNNING
    assert time.monotonic() - began < 6
    assert len(set(pids_of(job.result()))) == 2
