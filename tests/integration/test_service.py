"""The service: which backends there are, and which jobs, in the manner of IBM's."""

from __future__ import annotations

import copy
import datetime
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from circuits import bell
from qiskit.providers import BackendV2
from server_process import ServerProcess, wait_until

from longwire import (
    RemoteBackend,
    RemoteBackendV2,
    RemoteJob,
    RemotePrimitiveJob,
    RemoteProvider,
    RemoteSampler,
    RemoteService,
)
from longwire.errors import (
    BackendNotFoundError,
    InvalidArgumentError,
    JobNotFoundError,
    ServerUnreachableError,
)


def names(backends: list[RemoteBackendV2]) -> list[str]:
    """Their names."""
    return [backend.name for backend in backends]


def test_backends_without_criteria_are_all_that_are_hosted(service: RemoteService) -> None:
    found = service.backends()
    assert {"aer_simulator", "basic_simulator", "fake_sherbrooke"} <= set(names(found))
    assert all(isinstance(backend, BackendV2) for backend in found)
    assert all(backend.provider is backend.service is service for backend in found)


def test_backends_filter_by_every_criterion(service: RemoteService) -> None:
    assert names(service.backends("aer_simulator")) == ["aer_simulator"]
    assert service.backends("no_such_backend") == []
    assert service.backends(operational=False) == []
    assert "fake_sherbrooke" not in names(service.backends(min_num_qubits=128))
    assert "aer_simulator" in names(service.backends(min_num_qubits=20))
    assert "fake_sherbrooke" not in names(service.backends(simulator=True))
    chosen = service.backends(filters=lambda each: each.target.num_qubits == 127)
    assert names(chosen) == ["fake_sherbrooke"]
    assert names(service.backends(None, 2, True, lambda each: each.name < "b")) == ["aer_simulator"]


def test_backend_is_found_by_its_name(service: RemoteService) -> None:
    backend = service.backend("aer_simulator")
    assert isinstance(backend, RemoteBackendV2)
    assert backend.name == "aer_simulator"
    assert backend == service.backends("aer_simulator")[0]


def test_unknown_backend_is_refused_with_the_nearest_name(service: RemoteService) -> None:
    with pytest.raises(BackendNotFoundError, match="did you mean aer_simulator"):
        service.backend("aer_simulater")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda service: service.backends(min_qubits=3), "'min_qubits'.*min_num_qubits"),
        (lambda service: service.backends(instance="hub"), "'instance'.*no instances"),
        (lambda service: service.backends(dynamic_circuits=True), "'if_else' in backend.target"),
        (lambda service: service.backend("x", use_fractional_gates=True), "one Target"),
        (lambda service: service.least_busy(calibration_id="1"), "backend.refresh"),
        (lambda service: service.least_busy(operational=False), "operational=False"),
        (lambda service: service.jobs(session_id="1"), "'session_id'.*job_tags"),
        (lambda service: service.jobs(descending=False), "newest first"),
        (lambda service: service.jobs(program_id="qasm3-runner"), "'sampler', 'estimator'"),
        (lambda service: service.jobs(job_tags="mine"), r"\['mine'\]"),
        (lambda service: service.jobs(-1), "limit is -1"),
        (lambda service: service.jobs(skip=-2), "skip is -2"),
        (lambda service: service.jobs(finished=True), "'finished'.*pending"),
    ],
    ids=[
        "unknown criterion",
        "instance",
        "dynamic circuits",
        "fractional gates",
        "calibration",
        "not operational",
        "session",
        "ascending",
        "program",
        "one tag",
        "negative limit",
        "negative skip",
        "unknown argument",
    ],
)
def test_argument_that_means_nothing_here_is_refused_with_what_to_use(
    service: RemoteService, call: Callable[[RemoteService], Any], words: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        call(service)


def test_ibm_arguments_that_ask_for_nothing_are_taken(service: RemoteService) -> None:
    assert service.backend("aer_simulator", instance=None).name == "aer_simulator"
    assert service.jobs(0, session_id=None, descending=True) == []


@pytest.fixture
def gated_service(one_worker_server: ServerProcess) -> Iterator[RemoteService]:
    """A service of two backends that share one worker."""
    with RemoteService(one_worker_server.address) as opened:
        yield opened


def test_least_busy_is_the_backend_for_which_the_fewest_jobs_wait(
    gated_service: RemoteService, gate: Path
) -> None:
    gated = gated_service.backend("gated")
    assert gated_service.least_busy() == gated
    running = gated.run(bell(), shots=1, gate=str(gate))
    wait_until(running.running)
    waiting = gated.run(bell(), shots=1)
    assert gated_service.least_busy().name == "aer_simulator"
    assert gated_service.least_busy(filters=lambda each: each.name != "aer_simulator") == gated
    assert gated_service.least_busy(operational=True, simulator=True).name == "aer_simulator"
    gate.touch()
    for job in (running, waiting):
        job.wait_for_final_state()


def test_least_busy_of_no_match_is_refused(gated_service: RemoteService) -> None:
    with pytest.raises(BackendNotFoundError, match="No operational backend"):
        gated_service.least_busy(filters=lambda _: False)


def test_job_is_found_by_its_id_with_a_backend_of_its_finders_kind(
    service: RemoteService, server_address: str
) -> None:
    backend = service.backend("aer_simulator")
    job = backend.run(bell(), shots=20, job_name="mine", job_tags=["a", "b"])
    assert job.backend() is backend
    found = service.job(job.job_id())
    assert isinstance(found, RemoteJob)
    assert found.backend() == backend
    assert (found.name(), found.tags()) == ("mine", ["a", "b"])
    assert found.result().get_counts() == job.result().get_counts()
    with RemoteProvider(server_address) as provider:
        classic = provider.job(job.job_id())
        assert isinstance(classic.backend(), RemoteBackend)
        assert classic.result().get_counts() == job.result().get_counts()


def test_job_of_a_primitive_is_found_as_one_by_service_and_provider(
    service: RemoteService, server_address: str
) -> None:
    backend = service.backend("aer_simulator")
    job = RemoteSampler(backend).run([bell()], shots=5)
    with RemoteProvider(server_address) as provider:
        for found in (service.job(job.job_id()), provider.job(job.job_id())):
            assert isinstance(found, RemotePrimitiveJob)
            assert found.backend() == backend
            assert found.result()[0].data.c.num_shots == 5


def test_unknown_job_is_refused_with_its_id(service: RemoteService) -> None:
    with pytest.raises(JobNotFoundError, match="0123abc"):
        service.job("0123abc")


def test_name_and_id_that_are_no_text_are_refused(service: RemoteService) -> None:
    with pytest.raises(InvalidArgumentError, match="name is a text, not None"):
        service.backend(None)  # type: ignore[arg-type]
    for job_id in (None, ""):
        with pytest.raises(InvalidArgumentError, match=f"not empty, not {job_id!r}"):
            service.job(job_id)  # type: ignore[arg-type]


def test_jobs_are_listed_newest_first_within_limit_and_skip(service: RemoteService) -> None:
    backend = service.backend("aer_simulator")
    tags = ["listing of the service"]
    submitted = [backend.run(bell(), shots=1, job_tags=tags).job_id() for _ in range(5)]
    newest_first = submitted[::-1]

    def ids(*arguments: Any, **criteria: Any) -> list[str]:
        return [job.job_id() for job in service.jobs(*arguments, job_tags=tags, **criteria)]

    assert ids() == newest_first
    assert ids(2) == newest_first[:2]
    assert ids(2, 1) == newest_first[1:3]
    assert ids(None, skip=3) == newest_first[3:]
    assert ids(0) == []


def test_jobs_filter_by_every_criterion(gated_service: RemoteService, gate: Path) -> None:
    before = datetime.datetime.now(datetime.UTC)
    gated = gated_service.backend("gated")
    simulator = gated_service.backend("aer_simulator")
    done = simulator.run(bell(), job_tags=["every", "done"])
    done.wait_for_final_state()
    running = gated.run(bell(), gate=str(gate), job_tags=["every", "waits"])
    sampled = RemoteSampler(simulator).run([bell()])
    after = datetime.datetime.now(datetime.UTC)

    def ids(**criteria: Any) -> set[str]:
        return {job.job_id() for job in gated_service.jobs(None, created_after=before, **criteria)}

    ids_of = {"done": done.job_id(), "running": running.job_id(), "sampled": sampled.job_id()}
    assert ids() == set(ids_of.values())
    assert ids(backend_name="gated") == {ids_of["running"]}
    assert ids(pending=True) == {ids_of["running"], ids_of["sampled"]}
    assert ids(pending=False) == {ids_of["done"]}
    assert ids(job_tags=["every"]) == {ids_of["running"], ids_of["done"]}
    assert ids(job_tags=["every", "done"]) == {ids_of["done"]}
    assert ids(job_tags=["done", "waits"]) == set()
    assert ids(program_id="sampler") == {ids_of["sampled"]}
    assert ids(program_id="circuits", pending=True) == {ids_of["running"]}
    assert ids(created_before=before) == set()
    assert ids(created_before=after) == set(ids_of.values())
    gate.touch()
    for job in (running, sampled):
        job.wait_for_final_state()


def test_service_survives_pickle_and_copy(service: RemoteService) -> None:
    for clone in (pickle.loads(pickle.dumps(service)), copy.deepcopy(service)):
        assert clone == service
        assert hash(clone) == hash(service)
        assert clone.backend("aer_simulator") == service.backend("aer_simulator")
        clone.close()
    assert service != RemoteProvider(service.address)
    assert service != RemoteService("elsewhere:1")
    assert repr(service) == f"RemoteService('{service.address}')"


def test_closed_service_refuses_calls(server_address: str) -> None:
    with RemoteService(server_address) as service:
        assert service.backends()
    with pytest.raises(ServerUnreachableError, match="closed"):
        service.backends()
