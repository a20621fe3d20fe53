"""Samplers and estimators on a server, and their jobs."""

from __future__ import annotations

import contextlib
import copy
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from circuits import asymmetric, bell, several_registers
from client_work import primitive_result_of
from places import HOSTED
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BaseEstimatorV2,
    BasePrimitiveJob,
    BaseSamplerV2,
    PrimitiveResult,
)
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import JobStatus
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2
from same_results import assert_same_primitive_results
from server_process import (
    START_SECONDS,
    ServerProcess,
    configured_server,
    wait_until,
    wait_until_loaded,
)

from longwire import (
    RemoteEstimator,
    RemotePrimitiveJob,
    RemoteProvider,
    RemoteSampler,
    RemoteService,
)
from longwire.errors import (
    InvalidArgumentError,
    InvalidOptionError,
    InvalidProgramError,
    JobCancelledError,
    JobFailedError,
    JobTimeoutError,
)
from longwire.primitive_options import EstimatorOptions, SamplerOptions

CONFIG = f"""{HOSTED}
[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""


@pytest.fixture(scope="module")
def primitive_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one worker."""
    with configured_server(tmp_path_factory.mktemp("primitives"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture
def service(primitive_server: ServerProcess) -> Iterator[RemoteService]:
    """The way to it."""
    with RemoteService(primitive_server.address) as opened:
        yield opened


def rotated(name: str = "rotated") -> QuantumCircuit:
    """One turn by a parameter, measured."""
    circuit = QuantumCircuit(1, name=name)
    circuit.ry(Parameter("theta"), 0)
    circuit.measure_all()
    return circuit


def entangled() -> QuantumCircuit:
    """Two qubits and a parameter, not measured."""
    circuit = QuantumCircuit(2, name="entangled", metadata={"made by": "a test"})
    circuit.ry(Parameter("theta"), 0)
    circuit.cx(0, 1)
    return circuit


def sample_behind(gate: Path, service: RemoteService) -> RemotePrimitiveJob:
    """A job of a sampler that runs until the gate opens."""
    sampler = RemoteSampler(service.backend("gated"), {"run_options": {"gate": str(gate)}})
    job = sampler.run([bell()], shots=10)
    wait_until(job.running)
    return job


def test_primitives_are_qiskits(service: RemoteService) -> None:
    backend = service.backend("aer_simulator")
    sampler, estimator = RemoteSampler(backend), RemoteEstimator(backend=backend)
    assert isinstance(sampler, BaseSamplerV2)
    assert isinstance(estimator, BaseEstimatorV2)
    assert sampler.backend is backend
    job = sampler.run([bell()])
    assert isinstance(job, BasePrimitiveJob)
    assert job.backend() is backend
    assert len(job.job_id()) == 32
    assert isinstance(job.result(), PrimitiveResult)
    assert (job.status(), job.done(), job.in_final_state()) == (JobStatus.DONE, True, True)
    assert (job.running(), job.cancelled(), job.error_message()) == (False, False, None)
    assert "RemotePrimitiveJob" in repr(job)
    assert "aer_simulator" in repr(sampler)


def test_sampler_gives_the_bits_of_aers(service: RemoteService) -> None:
    theta = np.linspace(0, 3, 6).reshape(2, 3)
    pubs = [
        asymmetric(),
        (rotated(), theta),
        (several_registers(), None, 33),
        SamplerPub.coerce((rotated("again"), {"theta": theta[:, 0]})),
    ]
    sampler = RemoteSampler(service.backend("aer_simulator"), {"seed_simulator": 5})
    result = sampler.run(pubs, shots=50).result()
    expected = SamplerV2(seed=5).run(pubs, shots=50).result()
    assert_same_primitive_results(result, expected)
    assert result[1].data.meas.shape == (2, 3)
    assert result[2].data.high.num_shots == 33


def test_estimator_gives_the_values_of_aers(service: RemoteService) -> None:
    pubs = [
        (entangled(), [["ZZ"], ["XX"]], np.linspace(0, 3, 4)),
        (entangled(), {"ZI": 0.5, "XY": -2.0}, [0.7], 0.05),
    ]
    estimator = RemoteEstimator(service.backend("aer_simulator"), {"seed_simulator": 5})
    result = estimator.run(pubs).result()
    run_options = {"run_options": {"seed_simulator": 5}}
    assert_same_primitive_results(result, EstimatorV2(options=run_options).run(pubs).result())
    assert result[0].data.evs.shape == (2, 4)
    assert result[1].metadata["circuit_metadata"] == {"made by": "a test"}


@pytest.mark.parametrize("name", ["basic_simulator", "generic"])
def test_other_backends_give_what_qiskits_primitives_give(
    service: RemoteService, name: str
) -> None:
    remote = service.backend(name)
    local: Any = {
        "basic_simulator": lambda: service.backend("basic_simulator"),
        "generic": lambda: GenericBackendV2(num_qubits=4, seed=7),
    }[name]()
    measured, bare = transpile(
        [rotated(), entangled()], remote, seed_transpiler=1, optimization_level=1
    )
    options = {"seed_simulator": 5}
    pubs = [(measured, [[0.1], [2.0]], 20), (measured, [1.0])]
    sampled = RemoteSampler(remote, options).run(pubs, shots=30).result()
    expected = BackendSamplerV2(backend=local, options=options).run(pubs, shots=30).result()
    assert_same_primitive_results(sampled, expected)
    observable = "Z" * bare.num_qubits
    values = [(bare, observable, [[0.1], [2.0]], 0.1)]
    estimated = RemoteEstimator(remote, options).run(values).result()
    expected = BackendEstimatorV2(backend=local, options=options).run(values).result()
    assert_same_primitive_results(estimated, expected)


def test_classic_backend_is_taken_as_one_of_qiskit_2(primitive_server: ServerProcess) -> None:
    with RemoteProvider(primitive_server.address) as provider:
        sampler = RemoteSampler(provider.get_backend("aer_simulator"))
        (result,) = sampler.run([bell()], shots=10).result()
    assert result.data.c.num_shots == 10


@pytest.mark.parametrize("backend", [AerSimulator(), "aer_simulator"], ids=["local", "name"])
def test_backend_that_is_on_no_server_is_refused(backend: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="BackendSamplerV2"):
        RemoteSampler(backend)
    with pytest.raises(InvalidArgumentError, match="BackendEstimatorV2"):
        RemoteEstimator(backend)


def test_options_are_read_and_assigned(service: RemoteService) -> None:
    sampler = RemoteSampler(service.backend("aer_simulator"), {"default_shots": 7})
    assert sampler.options.default_shots == sampler.default_shots == 7
    assert sampler.run([bell()]).result()[0].data.c.num_shots == 7
    sampler.options.default_shots = 8
    assert sampler.run([bell()]).result()[0].data.c.num_shots == 8
    sampler.options = SamplerOptions(default_shots=9)
    assert sampler.run([bell()]).result()[0].data.c.num_shots == 9
    sampler.options = {}
    assert sampler.run([bell()]).result()[0].data.c.num_shots == 1024
    assert sampler.run([bell(), (bell(), None, 3)], shots=5).result()[1].data.c.num_shots == 3
    with pytest.raises(InvalidOptionError, match="default_shots"):
        sampler.options.default_shot = 1
    with pytest.raises(InvalidOptionError, match="default_shots"):
        sampler.options = {"default_shot": 1}


def test_precision_is_the_pubs_or_the_calls_or_the_options(service: RemoteService) -> None:
    backend = service.backend("aer_simulator")
    estimator = RemoteEstimator(backend, EstimatorOptions(default_precision=0.3))
    pubs = [(entangled(), "ZZ", [0.1]), (entangled(), "ZZ", [0.1], 0.1)]
    by_options = estimator.run(pubs).result()
    by_call = estimator.run(pubs, precision=0.2).result()
    assert [result.metadata["target_precision"] for result in by_options] == [0.3, 0.1]
    assert [result.metadata["target_precision"] for result in by_call] == [0.2, 0.1]
    assert estimator.default_precision == 0.3


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"default_shots": 0}, "default_shots"),
        ({"default_shots": "many"}, "default_shots"),
        ({"seed_simulator": -1}, "seed_simulator"),
        ({"optimization_level": 7}, "optimization_level"),
        ({"transpile": "yes"}, "transpile"),
        ({"run_options": 3}, "run_options must be a dictionary"),
    ],
    ids=str,
)
def test_option_of_a_wrong_type_or_range_is_refused_before_it_is_sent(
    service: RemoteService, options: dict[str, Any], name: str
) -> None:
    with pytest.raises(InvalidOptionError, match=name):
        RemoteSampler(service.backend("aer_simulator"), options).run([bell()])


def test_run_option_that_the_backend_does_not_know_is_refused(service: RemoteService) -> None:
    sampler = RemoteSampler(service.backend("aer_simulator"), {"run_options": {"methd": "mps"}})
    with pytest.raises(InvalidOptionError, match="methd") as caught:
        sampler.run([bell()])
    assert caught.value.reason == "OPTION_INVALID"


def test_options_that_are_set_on_the_backend_go_with_its_primitives(
    service: RemoteService,
) -> None:
    backend = service.backend("aer_simulator")
    backend.set_options(seed_simulator=3, method="matrix_product_state", shots=5)
    results = [RemoteSampler(backend).run([asymmetric()]).result() for _ in range(2)]
    local = AerSimulator(seed_simulator=3, method="matrix_product_state", shots=5)
    expected = SamplerV2.from_backend(local).run([asymmetric()]).result()
    for result in results:
        assert_same_primitive_results(result, expected)
    estimator = RemoteEstimator(backend, {"run_options": {"method": "statevector"}})
    (values,) = estimator.run([(entangled(), "ZI", [0.1])]).result()
    assert float(values.data.evs) == pytest.approx(np.cos(0.1))


@pytest.mark.parametrize(
    "options", [{"transpile": True}, {"optimization_level": 2, "initial_layout": [1, 0]}], ids=str
)
def test_server_transpiles_where_it_is_asked_to(
    service: RemoteService, options: dict[str, Any]
) -> None:
    backend = service.backend("fake_manila")
    sampler = RemoteSampler(backend, {"seed_transpiler": 1, **options})
    counts = sampler.run([bell()], shots=400).result()[0].data.c.get_counts()
    assert counts["00"] + counts["11"] > 300
    estimator = RemoteEstimator(backend, {"seed_transpiler": 1, **options})
    (values,) = estimator.run([(entangled(), ["ZZ", "ZI"], [[0.0], [np.pi]])]).result()
    assert values.data.evs.shape == (2,)
    assert values.data.evs == pytest.approx([1, -1], abs=0.3)


def test_circuit_that_the_backend_cannot_run_fails_unless_it_is_transpiled(
    service: RemoteService,
) -> None:
    job = RemoteSampler(service.backend("fake_manila")).run([bell("not transpiled")])
    with pytest.raises(JobFailedError, match="not transpiled"):
        job.result()
    assert job.status() is JobStatus.ERROR
    assert "not transpiled" in (job.error_message() or "")


def test_no_pubs_are_refused(service: RemoteService) -> None:
    backend = service.backend("aer_simulator")
    with pytest.raises(InvalidProgramError, match="at least one pub"):
        RemoteSampler(backend).run([])
    with pytest.raises(InvalidProgramError, match="at least one pub"):
        RemoteEstimator(backend).run(iter(()))


@pytest.mark.parametrize(
    "pubs",
    [bell(), [(rotated(), [1.0, 2.0], 0)], [(rotated(),)], [3]],
    ids=["circuit", "shots", "values", "number"],
)
def test_pub_that_is_none_is_refused_in_qiskits_words(service: RemoteService, pubs: Any) -> None:
    local = BackendSamplerV2(backend=AerSimulator())
    with pytest.raises((ValueError, TypeError)) as expected:
        local.run(pubs)
    with pytest.raises((ValueError, TypeError)) as caught:
        RemoteSampler(service.backend("aer_simulator")).run(pubs)
    assert (type(caught.value), str(caught.value)) == (type(expected.value), str(expected.value))


def test_circuit_without_registers_warns_where_the_sampler_is_called(
    service: RemoteService,
) -> None:
    circuit = QuantumCircuit(1)
    sampler = RemoteSampler(service.backend("aer_simulator"))
    with pytest.warns(UserWarning, match="0-th pub's circuit has no output") as warned:
        job = sampler.run([circuit])
    assert warned[0].filename == __file__
    assert list(job.result()[0].data) == []


def test_name_and_tags_go_with_the_job(service: RemoteService) -> None:
    backend = service.backend("aer_simulator")
    job = RemoteSampler(backend).run([bell()], job_name="a name", job_tags=["one", "two"])
    other = RemoteEstimator(backend).run([(entangled(), "ZZ", [0.1])], job_tags=("two",))
    assert (job.name(), job.tags(), other.tags()) == ("a name", ["one", "two"], ["two"])
    assert [each.job_id() for each in service.jobs(job_tags=["one"])] == [job.job_id()]
    with pytest.raises(InvalidOptionError, match="job_tags"):
        RemoteSampler(backend).run([bell()], job_tags="one")
    with pytest.raises(InvalidOptionError, match="job_name must be text, not 3"):
        RemoteSampler(backend).run([bell()], job_name=3)  # type: ignore[arg-type]


def test_job_is_found_by_its_id_with_the_same_result(service: RemoteService) -> None:
    backend = service.backend("aer_simulator")
    sampled = RemoteSampler(backend).run([(rotated(), [[0.1], [0.2]])], shots=20)
    estimated = RemoteEstimator(backend).run([(entangled(), "ZZ", [[0.1], [0.2]])])
    with RemoteService(service.address) as other, RemoteProvider(service.address) as provider:
        for job in (sampled, estimated):
            for session in (other, provider):
                found = session.job(job.job_id())
                assert isinstance(found, RemotePrimitiveJob)
                assert_same_primitive_results(found.result(), job.result())
                assert found.backend() == backend


def test_job_is_found_by_another_process(service: RemoteService) -> None:
    job = RemoteSampler(service.backend("aer_simulator")).run([several_registers()], shots=20)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        found = processes.submit(primitive_result_of, service.address, job.job_id())
        assert_same_primitive_results(found.result(START_SECONDS), job.result())


def test_job_survives_pickle_and_copy(service: RemoteService, gate: Path) -> None:
    job = sample_behind(gate, service)
    clones = [pickle.loads(pickle.dumps(job)), copy.deepcopy(job)]
    gate.touch()
    result = job.result()
    clones.append(pickle.loads(pickle.dumps(job)))
    for clone in clones:
        assert clone.job_id() == job.job_id()
        assert_same_primitive_results(clone.result(), result)
        clone.backend().service.close()


def test_job_has_a_place_in_the_queue_and_is_waited_for(service: RemoteService, gate: Path) -> None:
    first = sample_behind(gate, service)
    job = RemoteSampler(service.backend("aer_simulator")).run([bell()])
    assert (job.status(), job.queue_position()) == (JobStatus.QUEUED, 1)
    assert first.queue_position() is None
    with pytest.raises(JobTimeoutError):
        job.result(timeout=0.05)
    gate.touch()
    heard: list[JobStatus] = []
    job.wait_for_final_state(callback=lambda _id, status, _job: heard.append(status))
    assert heard[-1] is JobStatus.DONE


def test_cancelled_job_is_cancelled_on_the_server(service: RemoteService, gate: Path) -> None:
    job = sample_behind(gate, service)
    assert job.cancel()
    assert (job.status(), job.cancelled()) == (JobStatus.CANCELLED, True)
    with pytest.raises(JobCancelledError, match=job.job_id()):
        job.result()
    assert service.job(job.job_id()).cancelled()
    # Its worker is free.
    assert RemoteSampler(service.backend("gated")).run([bell()], shots=5).result()


def test_result_is_found_after_the_server_has_restarted(tmp_path: Path) -> None:
    @contextlib.contextmanager
    def server(address: str) -> Iterator[ServerProcess]:
        config = '[[backend]]\nname = "aer_simulator"\n'
        with configured_server(tmp_path / "data", config, address=address) as running:
            yield running

    with server("localhost:0") as first, RemoteService(first.address) as service:
        job = RemoteSampler(service.backend("aer_simulator")).run([bell()], shots=20)
        result = job.result()
        job_id = job.job_id()
    with server(first.address), RemoteService(first.address) as service:
        assert_same_primitive_results(service.job(job_id).result(), result)
