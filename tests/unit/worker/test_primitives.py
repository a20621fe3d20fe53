"""Primitives in the worker give what the local ones give, and tell of pubs as they finish."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import efficient_su2
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.circuit.random import random_circuit
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    PrimitiveResult,
    StatevectorEstimator,
    StatevectorSampler,
)
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.quantum_info import Pauli, Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, amplitude_damping_error, depolarizing_error
from qiskit_aer.primitives import EstimatorV2, SamplerV2
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from same_results import assert_same_primitive_results
from unit.worker.primitive_drivers import PanicError

from longwire.codecs.primitive_result import decode_primitive_result, decode_pub_result
from longwire.codecs.pubs import estimator_spec_to_proto, sampler_spec_to_proto
from longwire.errors import (
    InvalidOptionError,
    InvalidProgramError,
    JobFailedError,
    LimitExceededError,
    LongwireError,
)
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.worker.primitives import run_primitive

DRIVERS = "unit.worker.primitive_drivers"
HOSTED = "longwire_server.backends.hosted"
Load = Callable[..., HostedBackend]


@pytest.fixture(scope="session")
def manila(load: Load) -> HostedBackend:
    return load(f"{HOSTED}:fake_device", "fake_manila", arguments={"model": "FakeManilaV2"})


@pytest.fixture(scope="session")
def local_manila() -> AerSimulator:
    return AerSimulator.from_backend(FakeManilaV2(), max_parallel_threads=1)


@pytest.fixture(scope="session")
def local_aer() -> AerSimulator:
    return AerSimulator(max_parallel_threads=1)


def sample(
    backend: HostedBackend, heard: Any, pubs: list[Any], **options: Any
) -> PrimitiveResult[Any]:
    coerced = [SamplerPub.coerce(pub) for pub in pubs]
    circuits, spec = sampler_spec_to_proto(coerced, **options)
    encoded = run_primitive(backend, JobSpec(sampler=spec), circuits, heard)
    return decode_primitive_result(encoded)


def estimate(
    backend: HostedBackend, heard: Any, pubs: list[Any], **options: Any
) -> PrimitiveResult[Any]:
    coerced = [EstimatorPub.coerce(pub) for pub in pubs]
    circuits, spec = estimator_spec_to_proto(coerced, **options)
    encoded = run_primitive(backend, JobSpec(estimator=spec), circuits, heard)
    return decode_primitive_result(encoded)


def told(heard: Any) -> list[Any]:
    """The results of pubs that were told."""
    messages = [each for each in heard.events if isinstance(each, bytes)]
    return [decode_pub_result(EncodedResult.FromString(each)) for each in messages]


def bell(name: str = "bell") -> QuantumCircuit:
    circuit = QuantumCircuit(2, name=name, metadata={"pair": (0, 1)})
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def ghz(num_qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits, name="ghz")
    circuit.h(0)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def with_feedback() -> QuantumCircuit:
    circuit = QuantumCircuit(2, name="feedback")
    circuit.add_register(ClassicalRegister(1, "early"), ClassicalRegister(2, "late"))
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.reset(0)
    circuit.h(0)
    circuit.measure([0, 1], [1, 2])
    return circuit


def sweep(num_qubits: int, *shape: int, measured: bool = True) -> tuple[QuantumCircuit, np.ndarray]:
    circuit = efficient_su2(num_qubits, reps=1)
    circuit.name = "ansatz"
    if measured:
        circuit.measure_all()
    values = np.random.default_rng(num_qubits).uniform(-3, 3, (*shape, circuit.num_parameters))
    return circuit, values


def mixed_pubs() -> list[Any]:
    """Pubs of several shapes, shots, registers and kinds of circuits."""
    return [
        (bell(), None, 200),
        (*sweep(3, 2), 20),
        (with_feedback(), None, 200),
        (*sweep(2), 200),
        (QuantumCircuit(1, 3, name="idle"), None, 7),
        (*sweep(2, 2, 3), 20),
        (ghz(5), None, 20),
    ]


def random_pubs(seed: int, backend: Any = None) -> list[Any]:
    rng = np.random.default_rng(seed)
    pubs: list[Any] = []
    for _ in range(4):
        num_qubits, shots = int(rng.integers(1, 4)), int(rng.choice([10, 100, 1000]))
        drawn = random_circuit(num_qubits, 4, measure=True, seed=int(rng.integers(2**31)))
        gates = None if backend else ["rz", "sx", "cx", "u"]
        pubs.append((transpile(drawn, backend, basis_gates=gates, seed_transpiler=1), None, shots))
    return pubs


def noise(*, kraus: bool) -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    if kraus:
        model.add_all_qubit_quantum_error(amplitude_damping_error(0.1), ["h", "ry"])
    return model


# Aer's own sampler and estimator.


def test_an_aer_sampler_gives_the_local_result_pub_by_pub(
    aer: HostedBackend, heard: Any, local_aer: AerSimulator
) -> None:
    result = sample(aer, heard, mixed_pubs(), seed_simulator=11)
    local = SamplerV2.from_backend(local_aer, seed=11).run(mixed_pubs()).result()
    assert_same_primitive_results(result, local)
    assert told(heard)


@pytest.mark.parametrize("seed", range(6))
def test_random_circuits_on_aer_give_the_local_result_pub_by_pub(
    aer: HostedBackend, heard: Any, local_aer: AerSimulator, seed: int
) -> None:
    pubs = random_pubs(seed)
    result = sample(aer, heard, pubs, seed_simulator=seed)
    local = SamplerV2.from_backend(local_aer, seed=seed).run(pubs).result()
    assert_same_primitive_results(result, local)


METHODS = ["automatic", "statevector", "density_matrix", "matrix_product_state"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kraus", [None, False, True], ids=["no noise", "mixture", "Kraus"])
def test_methods_and_noise_of_aer_give_the_local_result_pub_by_pub(
    aer: HostedBackend, heard: Any, local_aer: AerSimulator, method: str, kraus: bool | None
) -> None:
    options: dict[str, Any] = {"method": method}
    if kraus is not None:
        options["noise_model"] = noise(kraus=kraus)
    result = sample(aer, heard, mixed_pubs(), seed_simulator=7, run_options=options)
    sampler = SamplerV2.from_backend(local_aer, seed=7, options={"run_options": options})
    assert_same_primitive_results(result, sampler.run(mixed_pubs()).result())


def test_an_aer_estimator_gives_the_local_result(
    aer: HostedBackend, heard: Any, local_aer: AerSimulator
) -> None:
    circuit, values = sweep(3, 2, measured=False)
    pubs = [
        (circuit, "ZZZ", values),
        (circuit, [["XXI"], [{"ZII": 0.5, "IYX": -2.0}], ["III"]], values, 0.25),
        (bell().remove_final_measurements(inplace=False), ["ZZ", "XX", "ZI"], None, 0.0),
    ]
    options = {"run_options": {"noise_model": noise(kraus=False), "shots": 300}}
    result = estimate(aer, heard, pubs, seed_simulator=5, default_precision=0.125, **options)
    options["run_options"]["seed_simulator"] = 5
    estimator = EstimatorV2.from_backend(local_aer, options={"default_precision": 0.125, **options})
    assert_same_primitive_results(result, estimator.run(pubs).result())


def test_defaults_are_those_of_the_local_primitives(
    aer: HostedBackend, heard: Any, local_aer: AerSimulator
) -> None:
    sampled = sample(aer, heard, [bell()])
    assert sampled[0].data.meas.num_shots == SamplerV2().default_shots
    plain = bell().remove_final_measurements(inplace=False)
    exact = estimate(aer, heard, [(plain, "ZZ")])
    assert_same_primitive_results(
        exact, EstimatorV2.from_backend(local_aer).run([(plain, "ZZ")]).result()
    )


def test_a_seed_in_the_run_options_is_the_seed(aer: HostedBackend, heard: Any) -> None:
    one = sample(aer, heard, mixed_pubs(), run_options={"seed_simulator": 4})
    other = sample(aer, heard, mixed_pubs(), seed_simulator=4)
    assert_same_primitive_results(one, other)


def test_an_operators_seed_gives_the_local_result_pub_by_pub(load: Load, heard: Any) -> None:
    backend = load(f"{HOSTED}:aer_simulator", arguments={"seed_simulator": 9})
    local = SamplerV2.from_backend(AerSimulator(max_parallel_threads=1, seed_simulator=9))
    pubs = [(bell(), None, 100)] * 3
    assert_same_primitive_results(sample(backend, heard, pubs), local.run(pubs).result())


def test_pubs_without_a_seed_differ(aer: HostedBackend, heard: Any) -> None:
    first, second, third = sample(aer, heard, [(bell(), None, 200)] * 3)
    assert first.data.meas != second.data.meas
    assert second.data.meas != third.data.meas


@pytest.mark.parametrize(
    "options",
    [{"max_parallel_experiments": 2}, {"seed_simulator": 2**62}],
    ids=["circuits in parallel", "a seed near the bound"],
)
def test_seeds_that_are_no_ladder_run_all_pubs_at_once(
    load: Load, heard: Any, options: dict[str, Any]
) -> None:
    backend = load(f"{HOSTED}:aer_simulator", arguments=options)
    pubs = [(bell(), None, 100)] * 3
    seed = options.get("seed_simulator", 3)
    result = sample(backend, heard, pubs, seed_simulator=seed)
    simulator = AerSimulator(max_parallel_threads=1, **options)
    local = SamplerV2.from_backend(simulator, seed=seed).run(pubs).result()
    assert_same_primitive_results(result, local)
    assert heard.events == []


def test_parameters_that_aer_does_not_see_are_bound_in_the_worker(
    aer: HostedBackend, heard: Any
) -> None:
    # Aer 0.18.2 runs a controlled rotation with another angle, without a word.
    circuit, angle = QuantumCircuit(2), Parameter("angle")
    circuit.x(0)
    circuit.crx(angle, 0, 1)
    values = [[0.0], [np.pi], [np.pi / 2]]
    result = estimate(aer, heard, [(circuit, "ZI", values), (circuit, "ZI", values[1])])
    np.testing.assert_allclose(result[0].data.evs, [1.0, -1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(result[1].data.evs, -1.0)


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, gate in get_standard_gate_name_mapping().items()
        if gate.params and gate.num_qubits and name in AerSimulator().operation_names
        if name != "delay"
    ),
)
def test_points_of_every_gate_are_those_of_bound_circuits(
    aer: HostedBackend, heard: Any, name: str
) -> None:
    gate = get_standard_gate_name_mapping()[name]
    angles = [Parameter(f"angle {index}") for index in range(len(gate.params))]
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.h(range(gate.num_qubits))
    circuit.append(gate.base_class(*angles), range(gate.num_qubits))
    circuit.rx(0.3, range(gate.num_qubits))
    values = np.random.default_rng(2).uniform(-3, 3, (2, len(angles)))
    observable = "Z" * gate.num_qubits
    (pub,) = estimate(aer, heard, [(circuit, observable, values)])
    expected = [
        Statevector(circuit.assign_parameters(point)).expectation_value(Pauli(observable))
        for point in values
    ]
    np.testing.assert_allclose(pub.data.evs, np.real(expected), atol=1e-9)


def test_a_parameter_of_the_global_phase_alone_is_bound(aer: HostedBackend, heard: Any) -> None:
    circuit = QuantumCircuit(1, global_phase=Parameter("phase"))
    circuit.x(0)
    turned = circuit.copy()
    turned.rx(Parameter("angle"), 0)
    result = estimate(
        aer, heard, [(circuit, "Z", [[0.1], [0.2]]), (turned, "Z", [[np.pi, 0.1], [0.0, 0.2]])]
    )
    np.testing.assert_allclose(result[0].data.evs, [-1.0, -1.0])
    np.testing.assert_allclose(result[1].data.evs, [1.0, -1.0], atol=1e-12)


# Qiskit's sampler and estimator over other backends.


@pytest.mark.parametrize("seed", range(3))
def test_a_noisy_device_samples_as_the_local_one_pub_by_pub(
    manila: HostedBackend, heard: Any, local_manila: AerSimulator, seed: int
) -> None:
    pubs = random_pubs(seed, local_manila)
    circuit, values = sweep(2, 2, 2)
    pubs.insert(1, (transpile(circuit, local_manila, seed_transpiler=1), values, 100))
    result = sample(manila, heard, pubs, seed_simulator=seed)
    local = BackendSamplerV2(backend=local_manila, options={"seed_simulator": seed})
    assert_same_primitive_results(result, local.run(pubs).result())
    assert told(heard)


@pytest.mark.parametrize("abelian_grouping", [None, False])
def test_a_noisy_device_estimates_as_the_local_one_pub_by_pub(
    manila: HostedBackend, heard: Any, local_manila: AerSimulator, abelian_grouping: bool | None
) -> None:
    circuit, values = sweep(2, 3, measured=False)
    circuit = transpile(circuit, local_manila, seed_transpiler=1)
    observables = ObservablesArray([["ZZ"], [{"XX": 0.5, "IY": -2.0, "ZI": 1.0}]])
    observables = observables.apply_layout(circuit.layout)
    pubs = [
        (circuit, observables, values, 0.1),
        (circuit, observables[0, 0], values[1]),
        (circuit, observables, values[0], 0.1),
    ]
    options: dict[str, Any] = {"seed_simulator": 21, "default_precision": 0.05}
    if abelian_grouping is not None:
        options["abelian_grouping"] = abelian_grouping
    result = estimate(manila, heard, pubs, **options)
    local = BackendEstimatorV2(backend=local_manila, options=options)
    assert_same_primitive_results(result, local.run(pubs).result())
    assert told(heard)


def test_more_circuits_than_a_device_takes_are_those_of_one_run(
    manila: HostedBackend, heard: Any, local_manila: AerSimulator
) -> None:
    circuit, values = sweep(2, 350)
    circuit = transpile(circuit, local_manila, seed_transpiler=1)
    pubs = [(circuit, values[:40], 5), (circuit, values, 5)]
    result = sample(manila, heard, pubs, seed_simulator=2)
    local = BackendSamplerV2(backend=local_manila, options={"seed_simulator": 2})
    assert_same_primitive_results(result, local.run(pubs).result())


def test_run_options_reach_the_backend_of_an_estimator(manila: HostedBackend, heard: Any) -> None:
    circuit = QuantumCircuit(5)
    circuit.x(0)
    pubs = [(circuit, "IIIIZ")]
    noisy = estimate(manila, heard, pubs)
    free = estimate(manila, heard, pubs, run_options={"noise_model": NoiseModel()})
    assert noisy[0].data.evs > -1.0
    assert free[0].data.evs == -1.0


def test_a_basic_simulator_gives_the_local_result(basic: HostedBackend, heard: Any) -> None:
    pubs = [(bell(), None, 100), (*sweep(2, 3), 100), (bell(), None, 30)]
    result = sample(basic, heard, pubs, seed_simulator=8)
    local = BackendSamplerV2(backend=BasicSimulator(), options={"seed_simulator": 8})
    assert_same_primitive_results(result, local.run(pubs).result())
    # One generator of random numbers serves all circuits of a run.
    assert heard.events == []
    circuit, values = sweep(2, 3, measured=False)
    estimator = BackendEstimatorV2(backend=BasicSimulator(), options={"seed_simulator": 8})
    assert_same_primitive_results(
        estimate(basic, heard, [(circuit, ["ZZ", "XX", "ZX"], values)], seed_simulator=8),
        estimator.run([(circuit, ["ZZ", "XX", "ZX"], values)]).result(),
    )


def test_a_simulator_without_a_seed_tells_pubs_as_they_finish(
    basic: HostedBackend, heard: Any
) -> None:
    result = sample(basic, heard, [(bell(), None, 100)] * 2)
    (first,) = told(heard)
    assert first.data.meas == result[0].data.meas
    assert heard.events[-1] == (1, 2)


def test_a_generic_backend_gives_the_local_result(generic: HostedBackend, heard: Any) -> None:
    circuit = transpile(bell(), generic.driver, seed_transpiler=1)
    pubs = [(circuit, None, 100), (circuit, None, 50), (circuit, None, 100)]
    result = sample(generic, heard, pubs, seed_simulator=8)
    local = BackendSamplerV2(backend=generic.driver, options={"seed_simulator": 8})
    assert_same_primitive_results(result, local.run(pubs).result())


# Other drivers.


def two_flips(name: str = "flips") -> QuantumCircuit:
    circuit = QuantumCircuit(2, name=name)
    circuit.x(1)
    circuit.sx(0)
    circuit.measure_all()
    return circuit


def test_a_device_gets_all_pubs_at_once(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:Device")
    result = sample(backend, heard, [(two_flips(), None, 100)] * 3)
    assert backend.driver.sizes == [3]
    assert heard.events == []
    assert set(result[2].data.meas.get_counts()) == {"10", "11"}


def test_a_simulator_gets_pubs_some_at_a_time(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:Simulator")
    sample(backend, heard, [(two_flips(), None, 100)] * 3)
    assert backend.driver.sizes[0] == 1
    assert sum(backend.driver.sizes) == 3


def test_a_classic_driver_estimates(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:CountsOnly")
    circuit = QuantumCircuit(2)
    circuit.rx(Parameter("angle"), 0)
    values = [[0.0], [np.pi], [np.pi / 2]]
    result = estimate(backend, heard, [(circuit, "IZ", values, 0.02)], seed_simulator=3)
    np.testing.assert_allclose(result[0].data.evs, [1.0, -1.0, 0.0], atol=0.1)
    assert backend.driver.sizes == [2, 1]


@pytest.mark.parametrize("max_shots", [3, 100, 2000, 4095])
def test_the_default_precision_is_one_that_the_shots_reach(
    load: Load, heard: Any, max_shots: int
) -> None:
    backend = load(f"{DRIVERS}:CountsOnly", max_shots=max_shots)
    (pub,) = estimate(backend, heard, [(QuantumCircuit(2), "IZ")])
    assert pub.metadata["shots"] in (max_shots, max_shots - 1)


def test_shots_of_a_driver_that_counts_are_drawn_in_any_order(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:CountsOnly")
    (pub,) = sample(backend, heard, [(two_flips(), None, 1000)], seed_simulator=3)
    counts = pub.data.meas.get_counts()
    assert set(counts) == {"10", "11"}
    assert sum(counts.values()) == 1000
    assert pub.metadata["shot_order"] == "random"
    halves = [pub.data.meas.slice_shots(range(start, start + 500)) for start in (0, 500)]
    # In the order of the counts, one half would hold one outcome alone.
    assert all(set(half.get_counts()) == {"10", "11"} for half in halves)
    (again,) = sample(backend, heard, [(two_flips(), None, 1000)], seed_simulator=3)
    assert again.data.meas == pub.data.meas


def test_a_driver_that_forgets_the_memory_is_told_of(load: Load, heard: Any) -> None:
    # BackendSamplerV2 alone would return zeros (Qiskit/qiskit#15694).
    backend = load(f"{DRIVERS}:Device", arguments={"forgets": True})
    with pytest.raises(JobFailedError, match="returned counts but not the outcome of every shot"):
        sample(backend, heard, [two_flips()])


def test_a_driver_that_runs_fewer_shots_is_told_of(load: Load, heard: Any) -> None:
    # The primitives alone would give one shot out as two, and the error of all.
    backend = load(f"{DRIVERS}:Device", arguments={"is_lazy": True})
    match = "returned 1 shots where 2 were asked for"
    with pytest.raises(JobFailedError, match=match):
        sample(backend, heard, [(two_flips(), None, 2)])
    with pytest.raises(JobFailedError, match="shots where 4 were asked for"):
        estimate(backend, heard, [(QuantumCircuit(2), "IZ", None, 0.5)])


def test_a_drivers_own_primitives_are_used(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:WithPrimitives")
    pubs = [(two_flips(), None, 20), (two_flips(), None, 30)]
    sampled = sample(backend, heard, pubs, default_shots=5, run_options={"colour": "blue"})
    assert_same_primitive_results(sampled, StatevectorSampler(seed=3).run(pubs).result())
    plain = two_flips().remove_final_measurements(inplace=False)
    estimated = estimate(backend, heard, [(plain, {"ZI": 1.0, "XY": 2.0})], default_precision=0.0)
    local = StatevectorEstimator().run([(plain, {"ZI": 1.0, "XY": 2.0})])
    assert_same_primitive_results(estimated, local.result())
    assert backend.driver.asked == [
        {"default_shots": 5, "run_options": {"colour": "blue"}},
        {"default_precision": 0.0},
    ]
    assert backend.driver.sizes == []
    # Whether it takes projectors is its own matter.
    with pytest.raises(JobFailedError, match=r"pub 0 \(circuit 'flips'\): QiskitError: Pauli"):
        estimate(backend, heard, [(plain, "0I")])


def test_what_is_no_primitive_is_refused(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:WithPrimitives", arguments={"good": False})
    with pytest.raises(JobFailedError, match="gives object for a BaseSamplerV2"):
        sample(backend, heard, [two_flips()])


# Telling.


def test_pubs_are_told_in_order_and_the_last_come_with_the_result(
    aer: HostedBackend, heard: Any
) -> None:
    result = sample(aer, heard, mixed_pubs(), seed_simulator=3)
    early = told(heard)
    assert 1 <= len(early) < len(result)
    shown = PrimitiveResult(list(result)[: len(early)])
    assert_same_primitive_results(PrimitiveResult(early), shown)
    progress = [each for each in heard.events if isinstance(each, tuple)]
    assert progress[0] == (1, len(result))
    assert progress[-1] == (len(early), len(result))


def test_a_job_of_one_pub_tells_nothing_before_its_result(aer: HostedBackend, heard: Any) -> None:
    estimate(aer, heard, [(*sweep(2, 5, measured=False)[:1], "ZZ", sweep(2, 5)[1])])
    assert heard.events == []


def test_many_small_pubs_are_run_in_few_runs(load: Load, heard: Any) -> None:
    backend = load("unit.backends.drivers:CountingAer")
    sample(backend, heard, [(bell(), None, 1)] * 150, seed_simulator=1)
    assert backend.driver.calls[0] == (1, 0)
    assert len(backend.driver.calls) < 30
    assert sum(circuits for circuits, _ in backend.driver.calls) == 150


# Refusals.


def test_the_pub_that_fails_is_named(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:Simulator")
    broken = two_flips("broken")
    pubs = [two_flips(), two_flips(), two_flips(), broken, two_flips()]
    message = r"^pub 3 \(circuit 'broken'\): RuntimeError: the laser is off$"
    with pytest.raises(JobFailedError, match=message):
        sample(backend, heard, pubs)


def test_a_pub_that_fails_without_a_word_is_named(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:Simulator")
    message = r"^pub 0 \(circuit 'mute'\): RuntimeError: no message$"
    with pytest.raises(JobFailedError, match=message):
        sample(backend, heard, [two_flips("mute"), two_flips()])


def test_pubs_that_fail_together_are_named(load: Load, heard: Any) -> None:
    backend = load(f"{DRIVERS}:Device")
    broken = two_flips("broken")
    with pytest.raises(JobFailedError, match=r"^pubs 0 to 1: RuntimeError: the laser is off$"):
        sample(backend, heard, [two_flips(), broken])


def test_a_circuit_too_large_for_aer_names_its_pub(aer: HostedBackend, heard: Any) -> None:
    pubs = [(bell(), None, 10), (ghz(40), None, 10)]
    with pytest.raises(JobFailedError, match=r"^pub 1 \(circuit 'ghz'\): failed on .*memory"):
        sample(aer, heard, pubs, run_options={"method": "statevector"})


def test_a_result_that_cannot_be_held_names_its_pub(aer: HostedBackend, heard: Any) -> None:
    circuit = QuantumCircuit(1, name="odd")
    circuit.add_register(ClassicalRegister(1, "shape"))
    circuit.measure(0, 0)
    with pytest.raises(JobFailedError, match=r"^pub 0 \(circuit 'odd'\): .*'shape'"):
        sample(aer, heard, [circuit])


@pytest.mark.parametrize(
    ("name", "error"), [("panic", PanicError), ("memory", MemoryError)], ids=["panic", "memory"]
)
def test_what_ends_a_worker_passes_as_it_is(
    load: Load, heard: Any, name: str, error: type[BaseException]
) -> None:
    backend = load(f"{DRIVERS}:Simulator")
    circuit = two_flips(name)
    with pytest.raises(error):
        sample(backend, heard, [two_flips(), circuit])


def without_measurements() -> QuantumCircuit:
    return bell().remove_final_measurements(inplace=False)


def deep() -> QuantumCircuit:
    circuit = QuantumCircuit(2, name="deep")
    circuit.swap(0, 1)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize(
    ("pub", "error", "message"),
    [
        ((bell(), None, 1_000_001), LimitExceededError, r"1000001 shots are more than"),
        ((ghz(6), None, 10), LimitExceededError, r"6 qubits are more than"),
        ((deep(), None, 10), InvalidProgramError, r".*has no operation 'swap' on qubits \(0, 1\)"),
        (
            (efficient_su2(1, reps=0).measure_all(inplace=False), np.empty((0, 2)), 10),
            InvalidProgramError,
            r"its shape \(0,\) has no points",
        ),
    ],
    ids=["shots", "qubits", "operation", "no points"],
)
def test_sampler_pubs_that_a_device_does_not_take_are_refused_by_name(
    manila: HostedBackend, heard: Any, pub: Any, error: type[LongwireError], message: str
) -> None:
    fitting = QuantumCircuit(5, 1)
    fitting.measure(0, 0)
    with pytest.raises(error, match=rf"^pub 1 \(circuit '.*'\): {message}") as raised:
        sample(manila, heard, [fitting, pub])
    assert raised.value.reason
    assert heard.events == []


@pytest.mark.parametrize(
    ("pub", "error", "message"),
    [
        ((QuantumCircuit(5), "IIIIZ", None, 0.0), InvalidOptionError, "precision 0.0 cannot be"),
        (
            (QuantumCircuit(5), "IIIIZ", None, 1e-5),
            LimitExceededError,
            ".*ask for a larger precision",
        ),
        (
            (QuantumCircuit(5), "IIIIZ", None, 1e-200),
            LimitExceededError,
            ".*ask for a larger precision",
        ),
        ((QuantumCircuit(5), "IIII0"), InvalidProgramError, "its observables hold projectors"),
        ((QuantumCircuit(5), []), InvalidProgramError, r"its shape \(0,\) has no points"),
    ],
    ids=["exact", "precise", "very precise", "projector", "no observables"],
)
def test_estimator_pubs_that_a_device_does_not_take_are_refused_by_name(
    manila: HostedBackend, heard: Any, pub: Any, error: type[LongwireError], message: str
) -> None:
    if pub[1] == []:
        nothing = ObservablesArray(np.empty((0,), dtype=object), num_qubits=5)
        pub = EstimatorPub(pub[0], nothing)
    with pytest.raises(error, match=rf"^pub 0 \(circuit '.*'\): {message}"):
        estimate(manila, heard, [pub])


def test_points_without_parameters_are_refused_on_aer_alone(
    aer: HostedBackend, basic: HostedBackend, heard: Any
) -> None:
    # Aer's own sampler would fill all points but the first with zeros.
    pub = SamplerPub(bell(), BindingsArray(shape=(3,)), 10)
    with pytest.raises(InvalidProgramError, match=r"^pub 0 .*the circuit has no parameters: Aer"):
        sample(aer, heard, [pub])
    assert sample(basic, heard, [pub])[0].data.meas.shape == (3,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"run_options": {"shots": 5}}, "shots is not an option for the backend here: a pub has"),
        ({"run_options": {"memory": True}}, "memory is not an option for the backend here"),
        ({"run_options": {"parameter_binds": []}}, "parameter_binds is not an option"),
        ({"run_options": {"max_parallel_threads": 8}}, "belongs to the server's operator"),
        ({"run_options": {"methode": "mps"}}, "did you mean 'method'"),
    ],
    ids=["shots", "memory", "parameter_binds", "threads", "unknown"],
)
def test_options_that_are_not_the_users_are_refused(
    aer: HostedBackend, heard: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        sample(aer, heard, [bell()], **options)


def test_options_that_a_primitive_does_not_have_are_refused(
    aer: HostedBackend, manila: HostedBackend, load: Load, heard: Any
) -> None:
    plain = without_measurements()
    with pytest.raises(InvalidOptionError, match="has no abelian_grouping"):
        estimate(aer, heard, [(plain, "ZZ")], abelian_grouping=True)
    with pytest.raises(InvalidOptionError, match="takes as many as the precision needs"):
        estimate(manila, heard, [(QuantumCircuit(5), "IIIIZ")], run_options={"shots": 5})
    device = load(f"{DRIVERS}:Device")
    with pytest.raises(InvalidOptionError, match="has no run option 'seed_simulator'"):
        sample(device, heard, [two_flips()], seed_simulator=3)


def test_a_circuit_without_registers_is_sampled_without_a_warning(
    aer: HostedBackend, heard: Any
) -> None:
    assert len(sample(aer, heard, [(QuantumCircuit(1), None, 10)])[0].data) == 0


def test_the_worker_stays_in_its_threads_over_many_jobs(aer: HostedBackend, heard: Any) -> None:
    sample(aer, heard, [(bell(), None, 1)] * 2)
    before = threading.active_count()
    for _ in range(100):
        sample(aer, heard, [(bell(), None, 1)] * 2)
    # A thread may be in the middle of its end.
    assert threading.active_count() <= before + 1


def test_the_drivers_own_confinement_stays_in_force(load: Load, heard: Any) -> None:
    backend = load("unit.backends.drivers:CountingAer")
    (pub,) = sample(backend, heard, [(bell(), None, 10)])
    assert backend.driver.calls == [(1, 0)]
    assert pub.metadata["simulator_metadata"]["max_memory_mb"] == 2048
