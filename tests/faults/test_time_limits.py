"""Jobs that run or wait too long, and jobs that are cancelled whatever they are at."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from circuits import bell, hours_long
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from server_process import ServerProcess, configured_server, wait_until
from service_calls import recorded

from longwire import RemoteEstimator, RemoteProvider, RemoteSampler, RemoteService
from longwire.errors import InvalidOptionError, JobFailedError

CONFIG = """
[[pool]]
name = "default"
processes = 1
time_limit_seconds = 1.5

[[pool]]
name = "patient"
processes = 1

[[backend]]
name = "of_the_pool"
factory = "gated_backend:GatedBackend"
max_attempts = 3

[[backend]]
name = "its_own"
factory = "gated_backend:GatedBackend"
pool = "patient"
time_limit_seconds = 1.25

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
pool = "patient"

[[backend]]
name = "aer_simulator"
pool = "patient"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one worker in each of its pools."""
    with configured_server(tmp_path_factory.mktemp("limits"), CONFIG) as running:
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


@pytest.fixture
def service(server: ServerProcess) -> Iterator[RemoteService]:
    """Its service."""
    with RemoteService(server.address) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "limits", "words"),
    [
        ("of_the_pool", {}, r"longer than 1\.5 s, its pool's time_limit_seconds"),
        ("of_the_pool", {"max_run_seconds": 60}, r"longer than 1\.5 s, its pool's"),
        ("its_own", {}, r"longer than 1\.25 s, the time_limit_seconds of backend 'its_own'"),
        ("gated", {"max_run_seconds": 0.5}, r"longer than 0\.5 s, its own max_run_seconds"),
        ("its_own", {"max_run_seconds": 0.5}, r"longer than 0\.5 s, its own max_run_seconds"),
    ],
    ids=["pool", "pool below the job", "backend", "job", "job below the backend"],
)
def test_job_that_runs_too_long_is_told_whose_limit_it_was(
    server: ServerProcess,
    provider: RemoteProvider,
    gate: Path,
    name: str,
    limits: dict[str, float],
    words: str,
) -> None:
    job = provider.get_backend(name).run(bell(), shots=10, gate=str(gate), **limits)
    with pytest.raises(JobFailedError, match=words) as caught:
        job.result(timeout=60)
    assert caught.value.reason == "TIME_LIMIT"
    # Also where other attempts are left: it would take as long again.
    assert recorded(server.address, job.job_id()).attempt == 1


def sampled(service: RemoteService, gate: Path, **limits: float) -> Any:
    """A job of a sampler that waits for the gate."""
    options = {"run_options": {"gate": str(gate)}}
    return RemoteSampler(service.backend("gated"), options).run([bell()], **limits)


def estimated(service: RemoteService, gate: Path, **limits: float) -> Any:
    """The same of an estimator."""
    options = {"run_options": {"gate": str(gate)}}
    circuit = bell().remove_final_measurements(inplace=False)
    assert circuit is not None
    return RemoteEstimator(service.backend("gated"), options).run([(circuit, "ZZ")], **limits)


def run_v2(service: RemoteService, gate: Path, **limits: float) -> Any:
    """The same of a backend of Qiskit 2."""
    return service.backend("gated").run(bell(), shots=10, gate=str(gate), **limits)


Submit = Callable[..., Any]
ways = pytest.mark.parametrize("submit", [sampled, estimated, run_v2])


@ways
def test_job_of_every_kind_has_a_limit_of_its_own(
    service: RemoteService, gate: Path, submit: Submit
) -> None:
    job = submit(service, gate, max_run_seconds=0.5)
    with pytest.raises(JobFailedError, match="max_run_seconds") as caught:
        job.result()
    assert caught.value.reason == "TIME_LIMIT"


@ways
def test_job_that_waits_too_long_ends_without_an_attempt_and_those_behind_it_run(
    service: RemoteService, gate: Path, submit: Submit
) -> None:
    first = run_v2(service, gate)
    wait_until(first.running)
    late = submit(service, gate, max_queue_seconds=0.3)
    behind = submit(service, gate, max_queue_seconds=100)
    with pytest.raises(
        JobFailedError, match=r"longer than 0\.3 s in the queue, its own max_queue_seconds"
    ) as caught:
        late.result()
    assert caught.value.reason == "QUEUE_TIME_LIMIT"
    assert first.status() is JobStatus.RUNNING
    gate.touch()
    assert first.result().success
    assert behind.result() is not None


@pytest.mark.parametrize("name", ["max_run_seconds", "max_queue_seconds"])
@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf"), True, "5"], ids=repr)
def test_limit_that_is_no_time_is_refused_before_anything_is_sent(
    provider: RemoteProvider, service: RemoteService, name: str, seconds: Any
) -> None:
    with pytest.raises(InvalidOptionError, match=name):
        provider.get_backend("gated").run(bell(), **{name: seconds})
    with pytest.raises(InvalidOptionError, match=name):
        RemoteSampler(service.backend("gated")).run([bell()], **{name: seconds})


def test_deadline_in_the_queue_counts_while_the_server_is_away(tmp_path: Path, gate: Path) -> None:
    data = tmp_path / "data"
    with configured_server(data, CONFIG) as server, RemoteProvider(server.address) as provider:
        backend = provider.get_backend("gated")
        first = backend.run(bell(), gate=str(gate))
        wait_until(first.running)
        late = backend.run(bell(), gate=str(gate), max_queue_seconds=600)
        in_time = backend.run(bell(), shots=10, max_queue_seconds=600, max_run_seconds=60)
        server.process.send_signal(signal.SIGKILL)
        server.wait()
        with sqlite3.connect(data / "longwire.db") as database:
            # Ten minutes later, as far as this job can tell.
            database.execute(
                "UPDATE jobs SET create_time_us = create_time_us - 600000000, "
                "queue_deadline_us = queue_deadline_us - 600000000 WHERE job_id = ?",
                [late.job_id()],
            )
        database.close()
        with configured_server(data, CONFIG, address=server.address):
            with pytest.raises(JobFailedError, match="longer than 600 s in the queue"):
                late.result(timeout=60)
            assert in_time.result(timeout=60).success


def large_circuit() -> QuantumCircuit:
    """A circuit that is transpiled for a long time."""
    circuit = QuantumCircuit(20)
    for _ in range(10):
        circuit.compose(hours_long(20).remove_final_measurements(inplace=False), inplace=True)
    circuit.measure_all()
    return circuit


def sample_for_hours(service: RemoteService) -> Any:
    """A sampler's job inside Aer's C++."""
    circuit = hours_long(24)
    return RemoteSampler(service.backend("aer_simulator")).run([circuit], shots=10)


def estimate_for_hours(service: RemoteService) -> Any:
    """An estimator's."""
    circuit = hours_long(24).remove_final_measurements(inplace=False)
    return RemoteEstimator(service.backend("aer_simulator")).run([(circuit, "Z" * 24)])


def transpile_long(service: RemoteService) -> Any:
    """A job that is being transpiled."""
    return service.backend("aer_simulator").run(large_circuit(), optimization_level=3)


@pytest.mark.parametrize(
    ("submit", "state"),
    [
        (sample_for_hours, JobStatus.RUNNING),
        (estimate_for_hours, JobStatus.RUNNING),
        (transpile_long, JobStatus.VALIDATING),
    ],
    ids=["sampler", "estimator", "transpiling"],
)
def test_job_is_cancelled_whatever_it_is_at_and_the_next_runs(
    service: RemoteService, submit: Callable[[RemoteService], Any], state: JobStatus
) -> None:
    job = submit(service)
    wait_until(lambda: job.status() is state)
    job.cancel()
    assert job.status() is JobStatus.CANCELLED
    assert service.backend("gated").run(bell(), shots=10).result(timeout=60).success
