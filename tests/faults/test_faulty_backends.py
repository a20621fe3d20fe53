"""A driver that misbehaves costs its own job and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from circuits import bell
from qiskit.providers import JobStatus
from server_process import ServerProcess, configured_server, wait_until_loaded

from longwire import RemoteBackend, RemoteProvider, RemoteService
from longwire.errors import BackendNotOperationalError, JobFailedError

CONFIG = """
[[pool]]
name = "default"
processes = 1
memory_limit_mb = 4096

[[pool]]
name = "impatient"
processes = 1
time_limit_seconds = 4.0

[[pool]]
name = "loading"
processes = 1

[[backend]]
name = "faulty"
factory = "faulty_backend:FaultyBackend"

[[backend]]
name = "slow"
factory = "faulty_backend:FaultyBackend"
pool = "impatient"

[[backend]]
name = "broken"
factory = "faulty_backend:broken"
pool = "loading"

[[backend]]
name = "panicking"
factory = "faulty_backend:panicking"
pool = "loading"

[[backend]]
name = "crashing"
factory = "faulty_backend:crashing"
pool = "loading"

[[backend]]
name = "absent"
factory = "no_such_module:backend"
pool = "loading"

[[backend]]
name = "no_backend"
factory = "builtins:dict"
pool = "loading"

[[backend]]
name = "sound"
factory = "faulty_backend:FaultyBackend"
pool = "loading"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with all of them."""
    with configured_server(tmp_path_factory.mktemp("faulty"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture
def provider(server: ServerProcess) -> Iterator[RemoteProvider]:
    """Its provider."""
    with RemoteProvider(server.address) as opened:
        yield opened


def assert_fails(backend: RemoteBackend, fault: str, reason: str, words: str) -> None:
    """Asserts how a job with a fault ends, and that the jobs behind it in the queue run."""
    bad = backend.run([bell("first"), bell("second")], shots=10, fault=fault)
    behind = [backend.run(bell(), shots=10) for _ in range(3)]
    with pytest.raises(JobFailedError, match=words) as caught:
        bad.result(timeout=30)
    assert caught.value.reason == reason
    assert bad.status() is JobStatus.ERROR
    message = bad.error_message()
    assert message is not None
    assert "Traceback" not in message
    for job in behind:
        assert sum(job.result(timeout=30).get_counts().values()) == 10


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("raise", "EXECUTION_FAILED", "RuntimeError: the cryostat is warm"),
        ("raise_nothing_said", "EXECUTION_FAILED", "ValueError"),
        ("garbage", "EXECUTION_FAILED", r"returned dict, not a qiskit\.result\.Result"),
        ("half", "EXECUTION_FAILED", "returned 1 results for 2 circuits"),
        ("panic", "EXECUTION_FAILED", "NativePanic: index out of bounds"),
        ("interrupt", "EXECUTION_FAILED", "KeyboardInterrupt"),
        ("exit", "EXECUTION_FAILED", "SystemExit: 3"),
        ("exit_at_once", "WORKER_DIED", "exited with code 7"),
        ("crash", "WORKER_DIED", "SIGSEGV"),
        ("fill_memory", "MEMORY_LIMIT", r"4096 MiB.*memory_limit_mb"),
    ],
)
def test_fault_ends_its_job_in_error_and_the_next_jobs_run(
    provider: RemoteProvider, fault: str, reason: str, words: str
) -> None:
    assert_fails(provider.get_backend("faulty"), fault, reason, words)


def test_job_beyond_the_time_limit_is_ended_and_the_next_jobs_run(provider: RemoteProvider) -> None:
    assert_fails(
        provider.get_backend("slow"), "sleep", "TIME_LIMIT", r"longer than 4 s.*time_limit_seconds"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", "RuntimeError: no licence for the control rack"),
        ("panicking", "the control rack is on fire"),
        ("crashing", "SIGSEGV"),
        ("absent", "no_such_module"),
        ("no_backend", r"returned dict, which is neither"),
    ],
)
def test_backend_that_does_not_load_is_listed_with_the_reason_and_refuses_jobs(
    provider: RemoteProvider, name: str, words: str
) -> None:
    backend = provider.get_backend(name)
    status = backend.status()
    assert not status.operational
    assert status.pending_jobs == 0
    with pytest.raises(BackendNotOperationalError, match=words):
        backend.configuration()
    with pytest.raises(BackendNotOperationalError, match=words):
        backend.run(bell())
    assert name in [each.name() for each in provider.backends(operational=False)]


def test_backend_beside_those_that_do_not_load_runs_jobs(provider: RemoteProvider) -> None:
    backend = provider.get_backend("sound")
    assert backend.status().operational
    assert backend.run(bell(), shots=10).result().success


def test_backends_that_do_not_load_stop_no_search_for_the_others(
    server: ServerProcess, provider: RemoteProvider
) -> None:
    loaded = {"faulty", "slow", "sound"}
    found = provider.backends(filters=lambda each: each.configuration().simulator)
    assert {each.name() for each in found} == loaded
    with RemoteService(server.address) as service:
        by_target = service.backends(filters=lambda each: "h" in each.target.operation_names)
        assert {each.name for each in by_target} == loaded
        # Nothing is left out of what the predicate can be told.
        by_name = service.backends(filters=lambda each: each.name > "a")
        assert len(by_name) == len(service.backends()) > len(loaded)


def test_worker_never_imports_grpc(provider: RemoteProvider) -> None:
    backend = provider.get_backend("sound")
    result = backend.run(bell(), shots=10, fault="modules").result()
    modules = {name.partition(".")[0] for name in result.results[0].header["modules"]}
    assert "qiskit" in modules, "the list is not that of a worker"
    assert modules.isdisjoint({"grpc", "grpc_status", "sqlalchemy", "uvloop"})
