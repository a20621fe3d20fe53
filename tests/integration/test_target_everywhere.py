"""Every backend that can be hosted has the local Target, and circuits for it are the local ones."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import qiskit_ibm_runtime.fake_provider as fake_provider
from qiskit import QuantumCircuit, transpile
from qiskit.providers import BackendV2
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import TranspilerError, generate_preset_pass_manager
from qiskit_aer import AerSimulator
from same_targets import assert_same_targets
from server_process import configured_server

from longwire import RemoteBackendV2, RemoteService

# It says once that its calibration is made up.
pytestmark = pytest.mark.filterwarnings("ignore:Properties of fake_nighthawk:UserWarning")

# All that qiskit-ibm-runtime has, in alphabetical order.
MODELS = [
    name
    for name in dir(fake_provider)
    if name.startswith("Fake") and not name.startswith("FakeProvider")
]
SIMULATORS: dict[str, Callable[[], BackendV2]] = {
    "aer_simulator": AerSimulator,
    "basic_simulator": BasicSimulator,
    "generic": functools.partial(GenericBackendV2, 5, seed=42),
    "generic_with_everything": functools.partial(
        GenericBackendV2,
        6,
        basis_gates=["cz", "id", "rz", "sx", "x", "rzx"],
        coupling_map=[[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 0]],
        control_flow=True,
        seed=9,
    ),
}
NAMES = [*SIMULATORS, *MODELS]
LEVELS = range(4)
SEED = 11

GENERIC = """
[[pool]]
name = "default"
processes = 2

[[backend]]
name = "aer_simulator"

[[backend]]
name = "basic_simulator"

[[backend]]
name = "generic"
factory = "qiskit.providers.fake_provider:GenericBackendV2"
arguments = { num_qubits = 5, seed = 42 }

[[backend]]
name = "generic_with_everything"
factory = "qiskit.providers.fake_provider:GenericBackendV2"
"""
GENERIC_ARGUMENTS = """
[backend.arguments]
num_qubits = 6
seed = 9
control_flow = true
basis_gates = ["cz", "id", "rz", "sx", "x", "rzx"]
coupling_map = [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 0]]
"""
MODEL = """
[[backend]]
name = "{model}"
factory = "longwire_server.backends.hosted:fake_device"
arguments = {{ model = "{model}" }}
"""


@pytest.fixture(scope="module")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RemoteBackendV2]]:
    """All of them on one server, by name."""
    configuration = GENERIC + GENERIC_ARGUMENTS
    configuration += "".join(MODEL.format(model=model) for model in MODELS)
    with (
        configured_server(tmp_path_factory.mktemp("everywhere"), configuration) as server,
        # The listing comes when all are loaded.
        RemoteService(server.address, timeout_seconds=250) as service,
    ):
        yield {backend.name: backend for backend in service.backends()}


@functools.lru_cache(maxsize=1)
def local_backend(name: str) -> BackendV2:
    """The same backend in this process; only the last one is kept, for they are large."""
    if name in SIMULATORS:
        return SIMULATORS[name]()
    return getattr(fake_provider, name)()


def small_circuit(num_qubits: int) -> QuantumCircuit:
    """A circuit of at most so many qubits that needs translation, routing and optimisation."""
    width = min(4, num_qubits)
    circuit = QuantumCircuit(width, width)
    for qubit in range(width):
        circuit.h(qubit)
        circuit.ry(0.3 + qubit, qubit)
    for qubit in range(width - 1):
        circuit.cx(qubit, (qubit + width - 1) % width)
    if width > 2:
        circuit.ccx(0, 1, 2)
    circuit.measure(range(width), range(width))
    return circuit


def outcome(transpiled: Callable[..., QuantumCircuit], *given: Any, **asked: Any) -> Any:
    """The circuit, or why there is none: a faulty gate parts the qubits of FakeCairoV2."""
    try:
        return transpiled(*given, **asked)
    except TranspilerError as error:
        return str(error)


def test_every_fake_device_is_tried() -> None:
    assert len(MODELS) >= 68


@pytest.mark.parametrize("name", NAMES)
def test_target_is_the_local_one(backends: dict[str, RemoteBackendV2], name: str) -> None:
    remote, local = backends[name], local_backend(name)
    assert_same_targets(remote.target, local.target)
    assert remote.num_qubits == local.num_qubits
    assert remote.dt == local.dt
    assert sorted(remote.operation_names) == sorted(local.operation_names)


@pytest.mark.parametrize("name", NAMES)
def test_transpiled_circuits_are_the_local_ones(
    backends: dict[str, RemoteBackendV2], name: str
) -> None:
    remote, local = backends[name], local_backend(name)
    circuit = small_circuit(local.num_qubits or 4)
    for level in LEVELS:
        asked = {"optimization_level": level, "seed_transpiler": SEED}
        expected = outcome(transpile, circuit, local, **asked)
        assert outcome(transpile, circuit, remote, **asked) == expected
        manager = generate_preset_pass_manager(backend=remote, **asked)
        assert outcome(manager.run, circuit) == expected
