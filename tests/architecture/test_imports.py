"""Who may import whom, and what a process has loaded when it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from qiskit import QuantumCircuit
from repository import ROOT
from server_process import ServerProcess, running_server

import longwire
from longwire import RemoteProvider


def _loaded_after(statement: str, *packages: str) -> list[str]:
    """Which of the packages a new interpreter has loaded after a statement."""
    program = f"import sys; {statement}; print(*(set({packages!r}) & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


def _mapped_libraries(pid: int) -> str:
    """The shared libraries that a running process has loaded."""
    return Path(f"/proc/{pid}/maps").read_text()


def test_import_rules_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout


def test_public_names_are_pinned() -> None:
    assert sorted(longwire.__all__) == [
        "RemoteBackend",
        "RemoteBackendV2",
        "RemoteEstimator",
        "RemoteJob",
        "RemotePrimitiveJob",
        "RemoteProvider",
        "RemoteSampler",
        "RemoteService",
        "__version__",
    ]


def test_public_names_are_all_there() -> None:
    assert all(hasattr(longwire, name) for name in longwire.__all__)
    assert dir(longwire) == sorted(longwire.__all__)


def test_import_longwire_costs_nothing() -> None:
    assert _loaded_after("import longwire", "qiskit", "grpc", "numpy", "google.protobuf") == []


@pytest.mark.parametrize(
    "module",
    [
        "longwire_server.server",
        "longwire_server.cli.main",
        "longwire_server.backends.registry",
    ],
)
def test_server_modules_load_no_qiskit(module: str) -> None:
    assert _loaded_after(f"import {module}", "qiskit", "qiskit_aer", "numpy") == []


def test_worker_loop_loads_no_grpc() -> None:
    statement = "import longwire_server.execution.worker.loop"
    assert _loaded_after(statement, "qiskit") == ["qiskit"]
    assert _loaded_after(statement, "grpc", "grpc_status", "sqlalchemy", "uvloop") == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_running_processes_have_loaded_only_their_own_libraries(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        _run_a_circuit(server)
        of_server = _mapped_libraries(server.pid)
        of_workers = [_mapped_libraries(pid) for pid in server.worker_pids()]
    assert "cygrpc" in of_server
    assert "qiskit" not in of_server
    assert of_workers
    for mapped in of_workers:
        assert "qiskit" in mapped
        assert "cygrpc" not in mapped


def _run_a_circuit(server: ServerProcess) -> None:
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    with RemoteProvider(server.address) as provider:
        provider.get_backend("aer_simulator").run(circuit).result(timeout=100)
