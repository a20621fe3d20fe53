"""The provider: which backends there are, and which jobs."""

from __future__ import annotations

import copy
import datetime
import pickle
from typing import Any

import pytest
from circuits import bell
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from server_process import ServerProcess

from longwire import RemoteBackend, RemoteProvider
from longwire.errors import (
    BackendNotFoundError,
    InvalidArgumentError,
    JobNotFoundError,
    ServerUnreachableError,
)
from longwire.providers import BaseBackend, BaseProvider


def names(backends: list[RemoteBackend]) -> list[str]:
    """Their names."""
    return [backend.name() for backend in backends]


def test_backends_without_criteria_are_all_that_are_hosted(provider: RemoteProvider) -> None:
    assert isinstance(provider, BaseProvider)
    found = provider.backends()
    assert {"aer_simulator", "basic_simulator"} <= set(names(found))
    assert all(isinstance(backend, BaseBackend) for backend in found)
    assert all(backend.provider() is provider for backend in found)


def test_backends_filter_by_every_criterion(provider: RemoteProvider) -> None:
    assert names(provider.backends("aer_simulator")) == ["aer_simulator"]
    assert provider.backends("no_such_backend") == []
    assert provider.backends(operational=False) == []
    assert "fake_sherbrooke" not in names(provider.backends(simulator=True))
    assert "aer_simulator" not in names(provider.backends(simulator=False))
    chosen = provider.backends(filters=lambda backend: backend.name().startswith("basic"))
    assert names(chosen) == ["basic_simulator"]


def test_backends_with_many_qubits_include_those_without_a_fixed_number(
    provider: RemoteProvider,
) -> None:
    assert "aer_simulator" in names(provider.backends(min_num_qubits=20))
    assert "fake_sherbrooke" not in names(provider.backends(min_num_qubits=128))


def test_unknown_criterion_is_refused_with_the_known_ones(provider: RemoteProvider) -> None:
    with pytest.raises(InvalidArgumentError, match=r"min_qubits.*min_num_qubits"):
        provider.backends(min_qubits=3)


def test_unknown_backend_is_refused_with_the_nearest_name(provider: RemoteProvider) -> None:
    with pytest.raises(BackendNotFoundError, match="did you mean aer_simulator") as caught:
        provider.get_backend("aer_simulater")
    assert isinstance(caught.value, QiskitBackendNotFoundError)


def test_unknown_backend_like_no_other_is_refused_with_all_names(provider: RemoteProvider) -> None:
    with pytest.raises(BackendNotFoundError, match="basic_simulator"):
        provider.get_backend("zzz")


def test_criteria_that_several_backends_meet_are_refused(provider: RemoteProvider) -> None:
    with pytest.raises(BackendNotFoundError, match="More than one"):
        provider.get_backend()


def test_job_is_found_by_its_id_from_another_provider(
    aer: RemoteBackend, server_address: str
) -> None:
    job = aer.run(bell(), shots=20, job_name="mine", job_tags=["a", "b"])
    with RemoteProvider(server_address) as other:
        found = other.job(job.job_id())
        assert found.result().get_counts() == job.result().get_counts()
        assert found.backend().name() == "aer_simulator"
        assert (found.name(), found.tags()) == ("mine", ["a", "b"])


def test_unknown_job_is_refused_with_its_id(provider: RemoteProvider) -> None:
    with pytest.raises(JobNotFoundError, match="0123abc"):
        provider.job("0123abc")


def test_jobs_are_listed_newest_first_up_to_the_limit(aer: RemoteBackend) -> None:
    provider = aer.provider()
    submitted = [aer.run(bell(), shots=1, job_tags=["listing"]).job_id() for _ in range(5)]
    newest_first = submitted[::-1]
    assert [job.job_id() for job in provider.jobs(tag="listing")] == newest_first
    assert [job.job_id() for job in provider.jobs(2, tag="listing")] == newest_first[:2]
    assert [job.job_id() for job in provider.jobs(None, tag="listing")] == newest_first
    assert provider.jobs(0) == []
    with pytest.raises(InvalidArgumentError, match="-1"):
        provider.jobs(-1)


def test_jobs_filter_by_backend_state_tag_and_time(provider: RemoteProvider) -> None:
    before = datetime.datetime.now(datetime.UTC)
    basic = provider.get_backend("basic_simulator").run(bell(), job_tags=["filter"])
    bad = provider.get_backend("aer_simulator").run("OPENQASM 3.0; nonsense", job_tags=["filter"])
    basic.wait_for_final_state()
    bad.wait_for_final_state()
    after = datetime.datetime.now(datetime.UTC)

    def ids(**criteria: Any) -> list[str]:
        return [job.job_id() for job in provider.jobs(None, tag="filter", **criteria)]

    both = [bad.job_id(), basic.job_id()]
    assert ids() == both
    assert ids(backend_name="basic_simulator") == [basic.job_id()]
    assert ids(status=JobStatus.ERROR) == [bad.job_id()]
    assert ids(status="done") == [basic.job_id()]
    assert ids(status=["DONE", JobStatus.ERROR]) == both
    assert ids(status=JobStatus.QUEUED) == []
    assert ids(created_after=before, created_before=after) == both
    assert ids(created_before=before) == []
    assert ids(created_after=after) == []
    with pytest.raises(InvalidArgumentError, match="FINISHED"):
        provider.jobs(status="FINISHED")


def test_provider_and_backend_survive_pickle_and_copy(provider: RemoteProvider) -> None:
    backend = provider.get_backend("aer_simulator")
    backend.configuration()
    for clone in (pickle.loads(pickle.dumps(backend)), copy.deepcopy(backend)):
        assert clone.provider() == provider
        assert clone.provider() is not provider
        assert clone.configuration().to_dict() == backend.configuration().to_dict()
        assert clone.run(bell(), shots=10).result().success
        clone.provider().close()
    assert backend.status().operational


def test_closed_provider_refuses_calls_and_its_copy_does_not(provider: RemoteProvider) -> None:
    provider.backends()
    provider.close()
    with pytest.raises(ServerUnreachableError, match="closed"):
        provider.backends()
    with pickle.loads(pickle.dumps(provider)) as reopened:
        assert reopened.backends()


def test_configuration_and_properties_are_fetched_once(server: ServerProcess) -> None:
    with RemoteProvider(server.address) as provider:
        backend = provider.get_backend("aer_simulator")
        configuration = backend.configuration()
        properties = backend.properties()
        provider.close()
        # With the connection closed, only what was kept can answer.
        assert backend.configuration() is configuration
        assert backend.properties() is properties
        backend.refresh()
        with pytest.raises(ServerUnreachableError):
            backend.configuration()


def test_backend_describes_itself_as_the_classic_interface_does(provider: RemoteProvider) -> None:
    backend = provider.get_backend("aer_simulator")
    configuration = backend.configuration()
    assert str(backend) == backend.name() == configuration.backend_name == "aer_simulator"
    assert configuration.simulator
    assert {"cx", "u"} <= set(configuration.basis_gates)
    status = backend.status()
    assert (status.backend_name, status.operational, status.pending_jobs) == (
        "aer_simulator",
        True,
        0,
    )
    assert repr(backend).startswith("<RemoteBackend('aer_simulator')")


def test_unreachable_server_is_told_with_its_address() -> None:
    # Port 1 is reserved and nothing listens on it.
    with (
        RemoteProvider("localhost:1") as nowhere,
        pytest.raises(ServerUnreachableError, match=r"localhost:1\b.*longwire-server serve"),
    ):
        nowhere.backends()


@pytest.mark.parametrize("address", ["", "http://localhost:50051", "localhost:99999", "a b:1"])
def test_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(InvalidArgumentError, match="address"):
        RemoteProvider(address)


def test_address_comes_from_the_environment_where_none_is_given(
    server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGWIRE_ADDRESS", server.address)
    with RemoteProvider() as provider:
        assert provider.address == server.address
        assert provider.backends()
