"""Estimators give the same expectation values here and elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from places import SEED, Place
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import BackendEstimatorV2, PubResult
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp, Statevector
from same_results import assert_same_primitive_results

SAMPLED = ["basic_simulator", "generic", "fake_manila"]
BACKENDS = ["aer_simulator", *SAMPLED]


def turned() -> QuantumCircuit:
    """Two qubits turned by two parameters, then entangled."""
    angles = ParameterVector("angle", 2)
    circuit = QuantumCircuit(2, name="turned")
    circuit.ry(angles[0], 0)
    circuit.rx(angles[1], 1)
    circuit.cx(0, 1)
    return circuit


def values(*shape: int) -> Any:
    """Different values for the two parameters at every point of a shape."""
    return np.linspace(0.1, 2.9, 2 * int(np.prod(shape))).reshape(*shape, 2)


OBSERVABLES = [SparsePauliOp(["ZZ", "XI"], [0.5, -2.0]), SparsePauliOp("YY"), SparsePauliOp("IZ")]


@pytest.mark.parametrize("name", BACKENDS)
def test_expectation_values_are_those_of_the_state(place: Place, name: str) -> None:
    circuit = place.transpile(turned(), name, optimization_level=0)
    observable = OBSERVABLES[0].apply_layout(circuit.layout)
    (result,) = place.estimate([(circuit, observable, values(1)[0])], name=name, precision=0.02)
    assert isinstance(result, PubResult)
    assert result.data.shape == ()
    ideal = Statevector(turned().assign_parameters(values(1)[0])).expectation_value(OBSERVABLES[0])
    assert abs(result.data.evs - ideal.real) < 0.3


def test_values_without_precision_are_exact_on_aer(place: Place) -> None:
    (result,) = place.estimate([(turned(), OBSERVABLES, values(1)[0])])
    state = Statevector(turned().assign_parameters(values(1)[0]))
    exact = [state.expectation_value(each).real for each in OBSERVABLES]
    np.testing.assert_allclose(result.data.evs, exact, atol=1e-12)
    assert result.data.stds.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", ["aer_simulator", "generic"])
@pytest.mark.parametrize(
    ("observables", "points", "shape"),
    [
        ((), (), ()),
        ((), (4,), (4,)),
        ((3,), (), (3,)),
        ((3,), (3,), (3,)),
        ((3, 1), (4,), (3, 4)),
        ((1, 3), (2, 1), (2, 3)),
        ((2, 1, 3), (4, 1), (2, 4, 3)),
    ],
    ids=str,
)
def test_observables_and_parameters_are_broadcast(
    place: Place,
    name: str,
    observables: tuple[int, ...],
    points: tuple[int, ...],
    shape: tuple[int, ...],
) -> None:
    circuit = place.transpile(turned(), name, optimization_level=0)
    array = np.empty(observables, dtype=object)
    for number, index in enumerate(np.ndindex(*observables)):
        array[index] = OBSERVABLES[number % 3].apply_layout(circuit.layout)
    pub = (circuit, array if observables else array[()], values(*points))
    (result,) = place.estimate([pub], name=name, precision=0.1)
    assert result.data.shape == shape
    assert result.data.evs.shape == result.data.stds.shape == shape


@pytest.mark.parametrize(
    "observable",
    [
        "XX",
        Pauli("ZY"),
        Pauli("-ZY"),
        SparsePauliOp(["IX", "YI"], [0.25, 1.5]),
        {"ZZ": 2.0, "XI": -1.0},
        SparseObservable.from_list([("ZZ", 1.0), ("XY", 0.5)]),
    ],
    ids=lambda each: type(each).__name__,
)
def test_every_form_of_an_observable_is_taken(place: Place, observable: Any) -> None:
    (result,) = place.estimate([(turned(), observable, values(1)[0])])
    assert np.isfinite(result.data.evs)


@pytest.mark.parametrize("name", SAMPLED)
def test_every_pub_has_its_own_precision(place: Place, name: str) -> None:
    circuit = place.transpile(turned(), name, optimization_level=0)
    observable = OBSERVABLES[1].apply_layout(circuit.layout)
    pubs = [
        (circuit, observable, values(1)[0]),
        (circuit, observable, values(2), 0.2),
        (circuit, observable, values(1)[0], 0.05),
    ]
    result = place.estimate(pubs, name=name, precision=0.1)
    assert [each.metadata["target_precision"] for each in result] == [0.1, 0.2, 0.05]
    assert [each.metadata["shots"] for each in result] == [100, 25, 400]


def test_default_precision_is_the_estimators(place: Place) -> None:
    result = place.estimate(
        [(turned(), "ZZ", values(1)[0]), (turned(), "ZZ", values(1)[0], 0.5)],
        default_precision=0.25,
    )
    assert [each.metadata["target_precision"] for each in result] == [0.25, 0.5]


def test_default_precision_without_any_is_that_of_the_backends_estimator(place: Place) -> None:
    circuit = place.transpile(turned(), "generic", optimization_level=0)
    observable = SparsePauliOp("ZZ").apply_layout(circuit.layout)
    (sampled,) = place.estimate([(circuit, observable, values(1)[0])], name="generic")
    assert sampled.metadata["shots"] == 4096
    (exact,) = place.estimate([(turned(), "ZZ", values(1)[0])])
    assert exact.metadata["target_precision"] == 0.0


@pytest.mark.parametrize("grouping", [True, False])
def test_grouping_of_observables_is_the_callers_choice(place: Place, grouping: bool) -> None:
    circuit = place.transpile(turned(), "generic", optimization_level=0)
    observable = SparsePauliOp(["ZZ", "ZI", "IZ"], [1.0, 1.0, 1.0]).apply_layout(circuit.layout)
    (result,) = place.estimate(
        [(circuit, observable, values(1)[0], 0.05)], name="generic", abelian_grouping=grouping
    )
    assert abs(result.data.evs) < 3


def test_run_options_reach_the_simulator(place: Place) -> None:
    options = {"method": "matrix_product_state"}
    (result,) = place.estimate([(turned(), "ZZ", values(1)[0])], run_options=options)
    state = Statevector(turned().assign_parameters(values(1)[0]))
    assert result.data.evs == pytest.approx(state.expectation_value(Pauli("ZZ")).real)


def test_circuit_without_parameters_is_estimated(place: Place) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    (result,) = place.estimate([(circuit, ["XX", "ZZ", "YY", "ZI"])])
    np.testing.assert_allclose(result.data.evs, [1.0, 1.0, -1.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("name", BACKENDS)
def test_qiskits_estimator_takes_the_backend_object(place: Place, name: str) -> None:
    circuit = place.transpile(turned(), name, optimization_level=0)
    observable = SparsePauliOp(["ZZ", "XX"]).apply_layout(circuit.layout)
    options = {"seed_simulator": SEED, "default_precision": 0.1}
    estimator = BackendEstimatorV2(backend=place.backend(name), options=options)
    (result,) = estimator.run([(circuit, observable, values(2))]).result()
    assert result.data.evs.shape == (2,)
    (again,) = estimator.run([(circuit, observable, values(2))]).result()
    assert result.data.evs.tolist() == again.data.evs.tolist()


def test_two_runs_of_one_estimator_with_a_seed_are_equal(place: Place) -> None:
    estimator = place.estimator(seed_simulator=3, default_precision=0.1)
    first, second = (estimator.run([(turned(), "ZZ", values(1)[0])]).result() for _ in range(2))
    assert_same_primitive_results(first, second)
