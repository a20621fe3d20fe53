"""Circuits that share a run on Aer do not change each other's noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.result import Result
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error

from longwire.codecs.parameter_values import parameter_values_to_proto
from longwire.errors import InvalidProgramError
from longwire_server.backends.loading import HostedBackend

SHOTS = 2000
# How far the seeds of neighbouring circuits of a run are apart.
STRIDE = 2113


def kraus_noise() -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.1), ["h", "rx", "sx"])
    return model


def bell(name: str = "bell") -> QuantumCircuit:
    circuit = QuantumCircuit(2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def with_feedback() -> QuantumCircuit:
    """A circuit that Aer runs shot by shot, as a state vector."""
    circuit = QuantumCircuit(2, 2, name="feedback")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    return circuit


def run(backend: HostedBackend, circuits: list[QuantumCircuit], **options: Any) -> Result:
    return backend.run(circuits, {"shots": SHOTS, "memory": True, **options})


def names(result: Result) -> list[str]:
    return [outcome.header["name"] for outcome in result.results]


def test_a_density_matrix_behind_a_state_vector_has_the_noise_it_has_alone(
    aer: HostedBackend,
) -> None:
    options = {"noise_model": kraus_noise()}
    result = run(aer, [with_feedback(), bell(), bell("last")], seed_simulator=5, **options)
    assert names(result) == ["feedback", "bell", "last"]
    assert [each.metadata["method"] for each in result.results] == [
        "statevector",
        "density_matrix",
        "density_matrix",
    ]
    alone = run(aer, [bell()], seed_simulator=5 + STRIDE, **options)
    assert result.get_memory(1) == alone.get_memory()
    last = run(aer, [bell()], seed_simulator=5 + 2 * STRIDE, **options)
    assert result.get_memory(2) == last.get_memory()


@pytest.mark.parametrize("seed", [0, 5, 2**40])
def test_where_aer_makes_no_error_the_local_result_comes_back(
    aer: HostedBackend, seed: int
) -> None:
    circuits = [bell(), with_feedback(), bell()]
    options = {"noise_model": kraus_noise(), "seed_simulator": seed}
    result = run(aer, circuits, **options)
    simulator = AerSimulator(max_parallel_threads=1)
    local = simulator.run(circuits, shots=SHOTS, memory=True, **options).result()
    for index in range(len(circuits)):
        assert result.get_memory(index) == local.get_memory(index)
        assert result.results[index].seed_simulator == local.results[index].seed_simulator


def test_points_behind_a_state_vector_have_the_noise_they_have_alone(aer: HostedBackend) -> None:
    turned = QuantumCircuit(1, name="turned")
    turned.rx(Parameter("angle"), 0)
    turned.measure_all()
    values = [parameter_values_to_proto([], [[]]), parameter_values_to_proto(["angle"], [[3], [1]])]
    options = {"shots": SHOTS, "memory": True, "noise_model": kraus_noise()}
    result = aer.run(
        [with_feedback(), turned], {**options, "seed_simulator": 5}, parameter_values=values
    )
    assert names(result)[0] == "feedback"
    assert len(result.results) == 3
    for index, angle in ((1, 3.0), (2, 1.0)):
        seed = {"seed_simulator": 5 + index * STRIDE}
        alone = aer.run([turned.assign_parameters([angle])], {**options, **seed})
        assert result.get_memory(index) == alone.get_memory()


def test_an_operators_seed_and_noise_count_as_those_of_the_run(
    load: Callable[..., HostedBackend],
) -> None:
    # A device model as its operator may host it: noise and seed are the simulator's own.
    noisy = load("unit.backends.drivers:seeded_noisy_aer", arguments={"seed": 7})
    result = run(noisy, [with_feedback(), bell()])
    alone = run(noisy, [bell()], seed_simulator=7 + STRIDE)
    assert result.get_memory(1) == alone.get_memory()


def test_a_device_model_has_the_noise_of_each_circuit_alone(sherbrooke: HostedBackend) -> None:
    wide = QuantumCircuit(5, name="wide")
    wide.ry(0.3, 0)
    for qubit in range(4):
        wide.cx(qubit, qubit + 1)
    wide.measure_all()
    fitting = transpile([wide, bell("narrow")], sherbrooke.driver, seed_transpiler=1)
    # With 20 shots, five qubits are a state vector and two a density matrix.
    result = run(sherbrooke, fitting, shots=20, seed_simulator=5)
    methods = [each.metadata["method"] for each in result.results]
    assert methods == ["statevector", "density_matrix"]
    alone = run(sherbrooke, fitting[1:], shots=20, seed_simulator=5 + STRIDE)
    assert result.get_memory(1) == alone.get_memory()


def test_runs_that_cannot_mix_methods_are_left_alone(
    load: Callable[..., HostedBackend],
) -> None:
    backend = load("unit.backends.drivers:CountingAer")
    noise = {"noise_model": kraus_noise()}
    for circuits, options in (
        ([bell(), bell()], {}),
        ([bell(), bell()], {"noise_model": NoiseModel()}),
        ([bell(), bell()], {**noise, "method": "density_matrix"}),
        ([bell(), bell()], {**noise, "shots": 2}),
        ([bell()], noise),
    ):
        run(backend, circuits, **options)
        assert backend.driver.calls.pop() == (len(circuits), 0)
    run(backend, [bell(), bell()], **noise)
    assert backend.driver.calls.pop() == (3, 0)


def test_an_operation_that_aer_does_not_know_is_refused_with_its_circuit_and_a_way_out(
    aer: HostedBackend,
) -> None:
    unknown = QuantumCircuit(2, name="unknown")
    unknown.append(QuantumCircuit(2, name="oracle").to_gate(), [0, 1])
    unknown.measure_all()
    with pytest.raises(InvalidProgramError) as caught:
        run(aer, [bell(), unknown])
    message = str(caught.value)
    assert "circuit 'unknown': Aer has no operation 'oracle'; run it with transpile=True" in message
    assert "options of a sampler" in message
