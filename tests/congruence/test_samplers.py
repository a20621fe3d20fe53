"""Samplers give the same bits here and elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from circuits import asymmetric, bell, several_registers
from places import SEED, Place
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives import BackendSamplerV2, BitArray, SamplerPubResult
from qiskit_aer.noise import NoiseModel, depolarizing_error
from same_results import assert_same_primitive_results

BACKENDS = ["aer_simulator", "basic_simulator", "generic", "fake_manila"]


def turned(num_parameters: int = 2) -> QuantumCircuit:
    """Two qubits turned by parameters, measured into ``meas``."""
    angles = ParameterVector("angle", num_parameters)
    circuit = QuantumCircuit(2, name="turned")
    for index, angle in enumerate(angles):
        circuit.ry(angle, index % 2)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 1, 2)], ids=str)
def test_bits_have_the_shape_of_the_parameters(
    place: Place, name: str, shape: tuple[int, ...]
) -> None:
    values = np.linspace(0, np.pi, 2 * int(np.prod(shape))).reshape(*shape, 2)
    circuit = place.transpile(turned(), name, optimization_level=1)
    (result,) = place.sample([(circuit, values)], name=name, shots=50)
    assert isinstance(result, SamplerPubResult)
    assert result.data.shape == shape
    bits = result.data.meas
    assert isinstance(bits, BitArray)
    assert (bits.shape, bits.num_shots, bits.num_bits) == (shape, 50, 2)


def test_points_of_a_sweep_are_in_order(place: Place) -> None:
    theta = Parameter("theta")
    circuit = QuantumCircuit(1)
    circuit.ry(theta, 0)
    circuit.measure_all()
    (result,) = place.sample([(circuit, [[[0.0]], [[np.pi]]])], shots=20)
    assert result.data.meas.get_counts((0, 0)) == {"0": 20}
    assert result.data.meas.get_counts((1, 0)) == {"1": 20}


def test_values_given_by_name_go_to_their_parameter(place: Place) -> None:
    zebra, ant = Parameter("zebra"), Parameter("ant")
    circuit = QuantumCircuit(2)
    circuit.rx(zebra, 0)
    circuit.rx(ant, 1)
    circuit.measure_all()
    (result,) = place.sample([(circuit, {"zebra": np.pi, "ant": 0.0})], shots=10)
    assert result.data.meas.get_counts() == {"01": 10}
    grouped = {("ant", "zebra"): [[np.pi, 0.0], [0.0, np.pi]]}
    (result,) = place.sample([(circuit, grouped)], shots=10)
    assert result.data.meas.get_counts(0) == {"10": 10}
    assert result.data.meas.get_counts(1) == {"01": 10}


@pytest.mark.parametrize("name", BACKENDS)
def test_every_pub_has_its_own_circuit_values_and_shots(place: Place, name: str) -> None:
    circuits = place.transpile([bell(), turned(), asymmetric()], name, optimization_level=1)
    pubs: list[Any] = [
        circuits[0],
        (circuits[1], [[0.1, 0.2], [0.3, 0.4]], 30),
        (circuits[2], None, 7),
        (circuits[1], [0.5, 0.6]),
        (circuits[0], None, 30),
    ]
    result = place.sample(pubs, name=name, shots=12)
    assert [each.metadata["shots"] for each in result] == [12, 30, 7, 12, 30]
    assert [each.data.shape for each in result] == [(), (2,), (), (), ()]
    assert result[0].data.c.num_shots == 12


def test_one_circuit_in_many_pubs_gives_each_its_own_bits(place: Place) -> None:
    circuit = turned()
    pubs = [(circuit, [0.1 * index, 0.2]) for index in range(40)]
    result = place.sample(pubs, shots=25)
    assert len(result) == 40
    assert len({each.data.meas.array.tobytes() for each in result}) > 20


def test_every_register_is_a_field_of_its_own(place: Place) -> None:
    (result,) = place.sample([several_registers()], shots=60)
    assert list(result.data) == ["low", "spare", "high"]
    assert result.data.spare.get_counts() == {"00": 60}
    assert set(result.join_data().get_counts()) <= {"100000", "101001"}


def test_wide_register_comes_back_bit_for_bit(place: Place) -> None:
    wide = ClassicalRegister(70, "wide")
    circuit = QuantumCircuit(QuantumRegister(2), wide)
    circuit.x(0)
    circuit.measure(0, wide[69])
    circuit.measure(0, wide[8])
    (result,) = place.sample([circuit], shots=3)
    assert result.data.wide.get_int_counts() == {1 << 69 | 1 << 8: 3}


def test_circuit_with_control_flow_is_sampled(place: Place) -> None:
    theta = Parameter("theta")
    circuit = QuantumCircuit(2, 2)
    circuit.rx(theta, 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    (result,) = place.sample([(circuit, [[0.0], [np.pi]])], shots=15)
    assert result.data.c.get_counts(0) == {"00": 15}
    assert result.data.c.get_counts(1) == {"11": 15}


def test_circuit_without_measurements_warns_and_gives_no_bits(place: Place) -> None:
    circuit = QuantumCircuit(1)
    circuit.h(0)
    with pytest.warns(UserWarning, match="no output classical registers"):
        (result,) = place.sample([circuit], shots=5)
    assert list(result.data) == []


def test_metadata_of_circuits_comes_back(place: Place) -> None:
    circuit = bell()
    circuit.metadata = {"experiment": "first", "pair": (1, 2)}
    (result,) = place.sample([circuit], shots=5)
    assert result.metadata["circuit_metadata"] == {"experiment": "first", "pair": (1, 2)}


def test_default_shots_are_the_samplers(place: Place) -> None:
    result = place.sample([bell(), (bell(), None, 5)], default_shots=99)
    assert [each.metadata["shots"] for each in result] == [99, 5]


def test_default_shots_without_any_are_1024(place: Place) -> None:
    (result,) = place.sample([bell()])
    assert result.data.c.num_shots == 1024


def test_run_options_reach_the_simulator(place: Place) -> None:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.3, 2), ["cx"])
    options = {"noise_model": noise, "method": "density_matrix"}
    (noisy,) = place.sample([bell()], shots=500, run_options=options)
    assert len(noisy.data.c.get_counts()) == 4


@pytest.mark.parametrize("name", BACKENDS)
def test_qiskits_sampler_takes_the_backend_object(place: Place, name: str) -> None:
    circuits = place.transpile([turned(), asymmetric()], name, optimization_level=1)
    sampler = BackendSamplerV2(
        backend=place.backend(name), options={"seed_simulator": SEED, "default_shots": 40}
    )
    result = sampler.run([(circuits[0], [[0.1, 0.2], [1.3, 1.4]]), circuits[1]]).result()
    assert result[0].data.meas.shape == (2,)
    # A sampler of the same place and seed agrees: the way to it makes no difference.
    pubs = [(circuits[0], [[0.1, 0.2], [1.3, 1.4]]), circuits[1]]
    other = place.sample(pubs, name=name, shots=40)
    assert np.array_equal(result[0].data.meas.array, other[0].data.meas.array)


def test_two_runs_of_one_sampler_with_a_seed_are_equal(place: Place) -> None:
    sampler = place.sampler(seed_simulator=3, default_shots=200)
    first, second = (sampler.run([asymmetric()]).result() for _ in range(2))
    assert_same_primitive_results(first, second)


def test_job_of_a_sampler_tells_that_it_is_done(place: Place) -> None:
    job = place.sampler(seed_simulator=3).run([bell()])
    job.result()
    assert job.done()
    assert not job.running()
    assert not job.cancelled()
    assert job.in_final_state()
    assert job.status().name == "DONE"
    assert isinstance(job.job_id(), str)
