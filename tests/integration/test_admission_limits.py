"""Each limit of what may be asked for, at a real server, told by its name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from api_tokens import make_token, shown, sqlite_url
from circuits import bell
from google.rpc import code_pb2, error_details_pb2
from qiskit import QuantumCircuit
from server_process import ServerProcess, configured_server, wait_until_loaded
from service_calls import bell_spec, detail, refusal

from longwire import RemoteBackend, RemoteEstimator, RemoteProvider, RemoteSampler, RemoteService
from longwire.errors import InvalidOptionError, JobFailedError, LimitExceededError
from longwire.qobj.assemble import assemble
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CONFIG = """
[limits]
shot_bits = 5_000
instructions = 40

[quotas]
unfinished_jobs = 4
jobs_per_second = 20
program_bytes = 5_000
circuits = 3
qubits = 30
shots = 2_000
run_seconds = 3

[[pool]]
name = "default"
processes = 1
memory_limit_mb = 4096

[[backend]]
name = "aer_simulator"
max_shots = 1_500

[[backend]]
name = "basic_simulator"

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with configured_server(tmp_path_factory.mktemp("limits"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture(scope="module")
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    with RemoteProvider(server.address) as opened:
        yield opened


@pytest.fixture(scope="module")
def aer(provider: RemoteProvider) -> RemoteBackend:
    return provider.get_backend("aer_simulator")


def wide(num_qubits: int, *, measured: int = 1) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits, measured, name="wide")
    circuit.h(0)
    circuit.measure(range(measured), range(measured))
    return circuit


def long(num_gates: int) -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    for _ in range(num_gates):
        circuit.h(0)
    circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize(
    ("circuits", "shots", "limit", "maximum"),
    [
        ([bell()], 2001, "quotas.shots", "2000"),
        ([bell()] * 4, 10, "quotas.circuits", "3"),
        ([long(2000)], 10, "quotas.program_bytes", "5000"),
    ],
    ids=["shots", "circuits", "bytes"],
)
def test_request_beyond_a_quota_is_refused_when_it_is_made(
    aer: RemoteBackend, circuits: list[QuantumCircuit], shots: int, limit: str, maximum: str
) -> None:
    with pytest.raises(LimitExceededError, match=limit) as caught:
        aer.run(circuits, shots=shots)
    assert caught.value.details == {"limit": limit, "maximum": maximum}


@pytest.mark.parametrize(
    ("circuits", "shots", "limit"),
    [
        ([wide(31)], 10, r"31 qubits.*30 \(quotas\.qubits\)"),
        ([wide(20, measured=20)], 300, r"6000 bits.*5000 \(limits\.shot_bits\)"),
        ([long(40)], 10, r"41 instructions.*40 \(limits\.instructions\)"),
        ([bell()], 1501, r"1501 shots.*max_shots is 1500"),
        ([bell()] * 3, None, r"3072 shots.*2000 \(quotas\.shots\)"),
    ],
    ids=["qubits", "bits", "instructions", "max_shots", "default shots"],
)
def test_program_beyond_what_only_a_parser_can_tell_fails_with_the_limits_name(
    aer: RemoteBackend, circuits: list[QuantumCircuit], shots: int | None, limit: str
) -> None:
    options = {} if shots is None else {"shots": shots}
    with pytest.raises(JobFailedError, match=limit) as caught:
        aer.run(circuits, **options).result()
    assert caught.value.reason == "LIMIT_EXCEEDED"


def test_qobj_beyond_a_limit_fails_with_its_name(
    provider: RemoteProvider, aer: RemoteBackend
) -> None:
    for backend, qobj, limit in (
        (aer, assemble([bell()], shots=1501), "max_shots"),
        (aer, assemble([wide(31)], shots=10), r"quotas\.qubits"),
        (aer, assemble([bell()] * 4, shots=10), r"quotas\.circuits"),
        (provider.get_backend("basic_simulator"), assemble([wide(28)], shots=10), "n_qubits"),
    ):
        with pytest.raises(JobFailedError, match=limit) as caught:
            backend.run(qobj).result()
        assert caught.value.reason == "LIMIT_EXCEEDED"


def test_pubs_beyond_a_limit_fail_with_its_name(server: ServerProcess) -> None:
    with RemoteService(server.address) as service:
        simulator, basic = service.backend("aer_simulator"), service.backend("basic_simulator")
        for job, limit in (
            (RemoteSampler(simulator).run([bell()], shots=1501), "max_shots"),
            (RemoteSampler(basic).run([wide(28)], shots=10), "n_qubits"),
            (
                RemoteEstimator(basic).run([(QuantumCircuit(1), "Z")], precision=0.01),
                r"10000 shots.*quotas\.shots|max_shots",
            ),
        ):
            with pytest.raises(JobFailedError, match=limit) as caught:
                job.result()
            assert caught.value.reason == "LIMIT_EXCEEDED"
        with pytest.raises(LimitExceededError, match=r"2002 shots.*quotas\.shots"):
            RemoteSampler(simulator).run([(bell(), None, 1001)] * 2)


def test_state_beyond_the_workers_memory_fails_before_it_is_made(aer: RemoteBackend) -> None:
    circuit = QuantumCircuit(29, 1, name="large")
    circuit.h(range(29))
    with pytest.raises(JobFailedError, match=r"memory_limit_mb.*'large'.*MiB") as caught:
        aer.run(circuit, shots=10, method="statevector").result()
    assert caught.value.reason == "MEMORY_LIMIT"
    assert aer.run(circuit, shots=10, method="stabilizer").result().success


def test_option_that_is_the_operators_is_refused(aer: RemoteBackend) -> None:
    for name in ("device", "executor", "max_memory_mb", "max_parallel_threads"):
        with pytest.raises((InvalidOptionError, JobFailedError), match=name):
            aer.run(bell(), shots=10, **{name: 1}).result()


def test_attempt_beyond_the_quota_of_time_is_ended(
    provider: RemoteProvider, tmp_path: Path
) -> None:
    job = provider.get_backend("gated").run(bell(), shots=10, gate=str(tmp_path / "never"))
    with pytest.raises(JobFailedError, match=r"longer than 3 s.*quotas\.run_seconds") as caught:
        job.result(timeout=60)
    assert caught.value.reason == "TIME_LIMIT"


def test_job_beyond_the_unfinished_ones_is_refused_until_one_has_ended(
    provider: RemoteProvider, tmp_path: Path
) -> None:
    gated, gate = provider.get_backend("gated"), tmp_path / "gate"
    jobs = [gated.run(bell(), shots=10, gate=str(gate)) for _ in range(4)]
    with pytest.raises(LimitExceededError, match="4 jobs wait or run") as caught:
        gated.run(bell(), shots=10)
    assert caught.value.details == {"limit": "quotas.unfinished_jobs", "maximum": "4"}
    gate.touch()
    for job in jobs:
        job.result(timeout=60)
    assert gated.run(bell(), shots=10).result(timeout=60).success


def test_client_waits_where_jobs_are_submitted_too_fast(aer: RemoteBackend) -> None:
    # 20 a second, on average over ten seconds: 200 at once, and more as time goes by.
    begun, number = time.monotonic(), 230
    for _ in range(number):
        assert aer.run(bell(), shots=1).result().success
    # No sooner than the last of them may be submitted; the slower a machine, the later.
    assert time.monotonic() - begun >= (number - 200) / 20 - 0.1


def test_jobs_of_all_tenants_that_come_too_fast_are_refused_with_a_time(tmp_path: Path) -> None:
    config = """
    [auth]
    required = true
    [limits]
    jobs_per_second = 0.5
    [[pool]]
    name = "default"
    processes = 1
    [[backend]]
    name = "aer_simulator"
    """
    tokens = [make_token(sqlite_url(tmp_path), tenant=tenant) for tenant in ("physics", "biology")]
    request = messages.SubmitJobRequest(spec=bell_spec(backend_name="aer_simulator"))
    with (
        configured_server(tmp_path, config) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        jobs = JobServiceStub(channel)

        def submit_many() -> list[object]:
            # Five at once, whoever sends them, and then one every two seconds.
            return [
                jobs.SubmitJob(request, metadata=shown(token))
                for token in tokens
                for _ in range(50)
            ]

        status, info = refusal(submit_many)
    assert status.code == code_pb2.RESOURCE_EXHAUSTED
    assert info.metadata["limit"] == "limits.jobs_per_second"
    retry = error_details_pb2.RetryInfo()
    assert detail(status, retry)
    assert 0 < retry.retry_delay.ToTimedelta().total_seconds() <= 2
