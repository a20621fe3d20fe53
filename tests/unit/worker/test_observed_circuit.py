"""What Aer's estimator saves at the end of a circuit is made once, and is what it would be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Parameter
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp

from longwire.codecs.pubs import estimator_spec_to_proto
from longwire.v1.job_pb2 import JobSpec
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.worker.observed_circuit import ObservedCircuit
from longwire_server.execution.worker.primitives import run_primitive


def rotated() -> QuantumCircuit:
    circuit = QuantumCircuit(2, name="rotated", metadata={"step": 3}, global_phase=0.5)
    circuit.ry(Parameter("t"), 0)
    circuit.cx(0, 1)
    return circuit


def saved(circuit: QuantumCircuit, operator: Any, *qubits: int, **how: Any) -> CircuitInstruction:
    """The instruction at the end of a circuit that saves the value of an operator."""
    circuit.save_expectation_value(operator, list(qubits or range(operator.num_qubits)), **how)
    return circuit.data[-1]


@pytest.mark.parametrize(
    ("operator", "how"),
    [
        pytest.param(Pauli("XZ"), {}, id="a Pauli"),
        pytest.param(Pauli("XZ"), {"label": "XZ"}, id="a Pauli with a label"),
        pytest.param(Pauli("-YI"), {"label": "mine"}, id="a sign"),
        pytest.param(Pauli("ZZ"), {"pershot": True}, id="every shot"),
        pytest.param(Pauli("ZZ"), {"unnormalized": True, "conditional": True}, id="conditional"),
        pytest.param(SparsePauliOp(["XX", "ZZ"], [0.5, -1]), {"label": "sum"}, id="a sum"),
        pytest.param(Operator(Pauli("XY")), {}, id="a matrix"),
    ],
)
def test_an_observed_circuit_saves_what_any_circuit_saves(
    operator: Any, how: dict[str, Any]
) -> None:
    expected = saved(rotated(), operator, 1, 0, **how).operation
    for _ in range(2):
        circuit = ObservedCircuit.of(rotated())
        found = saved(circuit, operator, 1, 0, **how)
        assert [circuit.find_bit(qubit).index for qubit in found.qubits] == [1, 0]
        assert type(found.operation) is type(expected)
        assert found.operation.__dict__ == expected.__dict__


def test_an_operator_that_is_not_hermitian_is_refused_every_time() -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="not Hermitian"):
            saved(ObservedCircuit.of(rotated()), Pauli("iXX"))


def test_a_pauli_is_made_once_for_each_label() -> None:
    first, second = ObservedCircuit.of(rotated()), ObservedCircuit.of(QuantumCircuit(2))
    made = saved(first, Pauli("XY"), label="a").operation
    assert saved(second, Pauli("XY"), label="a").operation is made
    assert saved(second, Pauli("XY"), label="b").operation is not made
    assert saved(second, Pauli("YX"), label="a").operation is not made


def test_an_observed_circuit_is_a_copy_with_all_that_the_circuit_has() -> None:
    circuit = rotated()
    observed = ObservedCircuit.of(circuit)
    assert observed == circuit == rotated().assign_parameters(circuit.parameters)
    assert (observed.name, observed.metadata) == ("rotated", {"step": 3})
    saved(observed, Pauli("ZZ"))
    observed.metadata["step"] = 4
    assert len(circuit.data) == 2
    assert circuit.metadata == {"step": 3}


def test_an_aer_estimator_makes_each_pauli_once_for_all_jobs(
    load: Callable[..., HostedBackend], heard: Any
) -> None:
    backend = load("unit.worker.primitive_drivers:RememberingAer")
    driver: Any = backend.driver
    observable = SparsePauliOp(["IZXYZ", "YIIXZ", "ZZZZZ"], [1, 2, 3])
    for _ in range(2):
        pub = EstimatorPub.coerce((QuantumCircuit(5), observable))
        circuits, spec = estimator_spec_to_proto([pub])
        run_primitive(backend, JobSpec(estimator=spec), circuits, heard)
    first, second = (
        {item.operation.label: item.operation for item in circuit.data}
        for circuit in driver.circuits
    )
    assert first.keys() == second.keys() == {"IZXYZ", "YIIXZ", "ZZZZZ"}
    assert all(second[label] is first[label] for label in first)
