"""Circuits that the worker transpiles are those of a local transpile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qiskit import QuantumCircuit, transpile as local_transpile
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import QFTGate
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from longwire.errors import InvalidOptionError, InvalidProgramError, LimitExceededError
from longwire.v1.program_pb2 import TranspileOptions
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.worker.transpiling import transpile

Load = Callable[..., HostedBackend]


def entangled(name: str = "entangled", num_qubits: int = 3) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits, name=name, metadata={"of": name})
    circuit.h(0)
    for qubit in range(1, num_qubits):
        circuit.cx(0, qubit)
    circuit.measure_all()
    return circuit


def run(
    circuits: list[QuantumCircuit], backend: HostedBackend, **options: Any
) -> list[QuantumCircuit]:
    names = [circuit.name for circuit in circuits]
    noise_model = options.pop("noise_model", None)
    return transpile(
        circuits, TranspileOptions(**options), backend, names=names, noise_model=noise_model
    )


@pytest.mark.parametrize("fixture", ["aer", "generic", "sherbrooke"])
@pytest.mark.parametrize("level", [None, 0, 1, 2, 3])
def test_transpiled_circuits_equal_those_of_a_local_transpile(
    fixture: str, level: int | None, request: pytest.FixtureRequest
) -> None:
    backend: HostedBackend = request.getfixturevalue(fixture)
    circuits = [entangled("one"), entangled("other", 2)]
    found = run(circuits, backend, optimization_level=level, seed_transpiler=7)
    expected = local_transpile(
        circuits, backend.driver, optimization_level=level, seed_transpiler=7
    )
    assert found == expected
    assert [each.name for each in found] == ["one", "other"]
    assert [each.metadata for each in found] == [{"of": "one"}, {"of": "other"}]
    assert [each.layout for each in found] == [each.layout for each in expected]


def test_transpiled_circuits_for_a_classic_driver_are_those_of_its_configuration(
    load: Load,
) -> None:
    backend = load("unit.backends.drivers:Classic", arguments={"basis_gates": ["u3", "cx"]})
    (found,) = run([entangled(num_qubits=2)], backend, seed_transpiler=1, initial_layout=[1, 0])
    assert set(found.count_ops()) == {"u3", "cx", "barrier", "measure"}
    pairs = [
        [found.find_bit(q).index for q in each.qubits] for each in found.get_instructions("cx")
    ]
    assert pairs == [[0, 1]]
    assert backend.run([found], {}).success


def test_stages_of_the_driver_are_used(load: Load) -> None:
    backend = load("unit.backends.drivers:StagedV2")
    circuit = QuantumCircuit(2, name="staged")
    circuit.h(0)
    circuit.cx(0, 1)
    (found,) = run([circuit], backend, optimization_level=0, seed_transpiler=1)
    expected = local_transpile(circuit, backend.driver, optimization_level=0, seed_transpiler=1)
    by_rules = local_transpile(
        circuit, target=backend.target, optimization_level=0, seed_transpiler=1
    )
    assert found == expected != by_rules


def test_initial_layout_is_honoured(sherbrooke: HostedBackend) -> None:
    (found,) = run([entangled(num_qubits=2)], sherbrooke, initial_layout=[5, 4])
    assert found.layout is not None
    assert found.layout.initial_index_layout(filter_ancillas=True) == [5, 4]
    assert sherbrooke.fits(found)


def test_parameters_stay_free(sherbrooke: HostedBackend) -> None:
    angle = Parameter("angle")
    circuit = QuantumCircuit(2, name="loose")
    circuit.rx(angle, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    (found,) = run([circuit], sherbrooke, seed_transpiler=1)
    assert list(found.parameters) == [angle]
    assert sherbrooke.fits(found)


@pytest.mark.parametrize("fixture", ["aer", "generic"])
def test_circuits_that_fit_are_left_where_that_is_asked(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    backend: HostedBackend = request.getfixturevalue(fixture)
    fitting = QuantumCircuit(3, name="fitting")
    fitting.x(0)
    # Qiskit would remove the pair.
    fitting.x(0)
    fitting.cx(0, 1)
    fitting.measure_all()
    other = QuantumCircuit(3, name="other")
    other.append(QFTGate(3), [0, 1, 2])
    other.measure_all()
    left, changed = run([fitting, other], backend, only_where_needed=True)
    assert left is fitting
    assert backend.fits(changed)
    assert not backend.fits(other)
    assert run([fitting], backend)[0].count_ops().get("x", 0) == 0


def test_circuit_on_more_qubits_than_a_state_vector_has_is_left_to_aer(aer: HostedBackend) -> None:
    wide = entangled(num_qubits=60)
    assert run([wide], aer, only_where_needed=True)[0] is wide


def test_job_with_a_noise_model_is_transpiled_for_its_operations(aer: HostedBackend) -> None:
    noise = NoiseModel(basis_gates=["sx", "rz", "cz"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["sx"])
    (found,) = run([entangled()], aer, noise_model=noise, seed_transpiler=1)
    expected = local_transpile(entangled(), AerSimulator(noise_model=noise), seed_transpiler=1)
    assert found == expected
    assert set(found.count_ops()) <= {"sx", "rz", "cz", "barrier", "measure"}
    # Nothing of it stays for the next job.
    assert set(run([entangled()], aer)[0].count_ops()) == {"h", "cx", "barrier", "measure"}


def test_circuit_that_cannot_be_transpiled_is_named_with_qiskits_words(
    generic: HostedBackend,
) -> None:
    opaque = QuantumCircuit(1, name="opaque")
    opaque.append(Gate("mystery", 1, []), [0])
    with pytest.raises(
        InvalidProgramError, match=r"circuit 'opaque' cannot be .* backend 'generic': .*mystery"
    ):
        run([entangled(), opaque], generic)
    with pytest.raises(InvalidProgramError, match="circuit 'entangled' cannot be transpiled"):
        run([entangled()], generic, initial_layout=[0, 0, 1])


@pytest.mark.parametrize(
    ("initial_layout", "words"),
    [
        ([0, 1], "names 2 physical qubits, and the circuit has 3; give one for each"),
        ([0, 7, 1], "names the physical qubit 7; the backend has those from 0 to 2"),
    ],
    ids=["short", "beyond"],
)
def test_layout_that_does_not_fit_is_refused_in_plain_words(
    generic: HostedBackend, initial_layout: list[int], words: str
) -> None:
    with pytest.raises(InvalidProgramError, match=f"circuit 'entangled' cannot be .*{words}"):
        run([entangled()], generic, initial_layout=initial_layout)


def test_circuit_with_too_many_qubits_is_refused_by_the_limit(sherbrooke: HostedBackend) -> None:
    wide = QuantumCircuit(128, name="its own name")
    with pytest.raises(LimitExceededError, match=r"circuit 'wide': 128 qubits.*n_qubits is 127"):
        transpile([wide], TranspileOptions(), sherbrooke, names=["wide"])


def test_optimization_level_that_qiskit_lacks_is_refused(generic: HostedBackend) -> None:
    with pytest.raises(InvalidOptionError, match="optimization_level must be 0, 1, 2 or 3, not 4"):
        run([entangled()], generic, optimization_level=4)


def test_largest_seed_that_the_wire_has_is_taken(generic: HostedBackend) -> None:
    assert run([entangled()], generic, seed_transpiler=2**64 - 1)[0].num_qubits == 3
