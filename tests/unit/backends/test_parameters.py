"""Circuits with values for their parameters: the results are those of a local run of Aer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qiskit_aer.library  # noqa: F401  adds its save_* methods to circuits
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.result import Result
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from longwire.codecs.parameter_binds import parameter_binds_to_proto
from longwire.codecs.parameter_values import parameter_values_to_proto
from longwire.errors import InvalidProgramError, LimitExceededError
from longwire.qobj.assemble import assemble
from longwire.v1.program_pb2 import ParameterValues
from longwire_server.backends.loading import HostedBackend

Load = Callable[..., HostedBackend]
Make = Callable[[], QuantumCircuit]

THETA, PHI = Parameter("theta"), Parameter("phi")
OPTIONS: dict[str, Any] = {"shots": 200, "seed_simulator": 11, "memory": True}


def rotated(name: str = "rotated") -> QuantumCircuit:
    circuit = QuantumCircuit(2, name=name, metadata={"of": name})
    circuit.rx(THETA, 0)
    circuit.ry(2 * PHI + THETA, 1)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def fixed(name: str = "fixed") -> QuantumCircuit:
    circuit = QuantumCircuit(2, name=name)
    circuit.h(0)
    circuit.measure_all()
    return circuit


def conditional() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="conditional")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.rx(THETA, 1)
    with otherwise:
        circuit.crx(PHI, 0, 1)
    circuit.measure(1, 1)
    return circuit


def repeated() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1, name="repeated")
    with circuit.for_loop(range(3)) as turn:
        circuit.rx(THETA * turn + PHI, 0)
    circuit.measure(0, 0)
    return circuit


def switched() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="switched")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.switch(circuit.clbits[0]) as case:
        with case(0):
            circuit.rx(THETA, 1)
        with case(1):
            circuit.ry(PHI, 1)
    circuit.measure(1, 1)
    return circuit


def saved() -> QuantumCircuit:
    circuit = QuantumCircuit(2, name="saved")
    circuit.rx(THETA, 0)
    circuit.cry(PHI, 0, 1)
    circuit.save_expectation_value(SparsePauliOp(["ZZ", "XI"], [0.5, 2.0]), [0, 1])
    circuit.save_statevector(label="end")
    return circuit


def vector() -> QuantumCircuit:
    elements = ParameterVector("v", 11)
    circuit = QuantumCircuit(1, name="vector")
    for element in elements:
        circuit.rx(element, 0)
    circuit.measure_all()
    return circuit


def values_of(circuit: QuantumCircuit, points: int = 3) -> dict[Parameter, list[float]]:
    generator = np.random.default_rng(5)
    return {each: list(generator.uniform(0.2, 3.0, points)) for each in circuit.parameters}


def bound(circuit: QuantumCircuit, values: dict[Parameter, list[float]]) -> list[QuantumCircuit]:
    circuits = []
    for point in zip(*values.values(), strict=True):
        circuits.append(circuit.assign_parameters(dict(zip(values, point, strict=True))))
        circuits[-1].name = circuit.name
    return circuits


def outcomes(result: Result) -> list[Any]:
    """What must be equal: data, names and headers, in order, but no times."""
    found = []
    for each in result.results:
        header = dict(each.header)
        # Aer writes the first point's phase into the header of all.
        header.pop("global_phase")
        data = {
            name: np.asarray(value).tolist() if isinstance(value, Statevector) else value
            for name, value in each.data.to_dict().items()
        }
        found.append((header, each.shots, data))
    return found


def sent(circuits: list[QuantumCircuit], binds: list[Any]) -> list[ParameterValues]:
    return parameter_binds_to_proto(circuits, binds)


def test_sweep_on_aer_equals_the_same_call_of_a_local_simulator(aer: HostedBackend) -> None:
    circuits = [rotated("a"), fixed(), rotated("b")]
    binds = [values_of(circuits[0]), {}, values_of(circuits[2], 2)]
    told: list[tuple[int, int]] = []
    result = aer.run(
        circuits,
        OPTIONS,
        parameter_values=sent(circuits, binds),
        on_progress=lambda *numbers: told.append(numbers),
    )
    local = AerSimulator().run(circuits, parameter_binds=binds, **OPTIONS).result()
    assert outcomes(result) == outcomes(local)
    assert [each.header["name"] for each in result.results] == ["a", "a", "a", "fixed", "b", "b"]
    assert told == []


def test_sweep_on_aer_is_bound_by_aer_where_it_binds_everything(load: Load) -> None:
    hosted = load("unit.backends.drivers:CountingAer")
    controlled = rotated("controlled")
    controlled.crx(THETA, 0, 1)
    for circuit in (rotated(), controlled):
        values = table(["theta", "phi"], np.ones((7, 2)))
        hosted.run([circuit], OPTIONS, parameter_values=[values])
    hosted.run([fixed()], OPTIONS)
    assert hosted.driver.calls == [(1, 7), (7, 0), (1, 0)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "make",
    [rotated, conditional, repeated, switched, saved, vector],
    ids=lambda make: make.__name__,
)
def test_sweep_equals_the_bound_circuits(aer: HostedBackend, make: Make) -> None:
    circuit = make()
    values = values_of(circuit)
    result = aer.run([circuit], OPTIONS, parameter_values=sent([circuit], [values]))
    local = AerSimulator().run(bound(circuit, values), **OPTIONS).result()
    assert outcomes(result) == outcomes(local)


@pytest.mark.parametrize(
    "append",
    [
        lambda circuit: circuit.cp(THETA, 0, 1),
        lambda circuit: circuit.crz(THETA, 0, 1),
        lambda circuit: circuit.cu(THETA, 0.1, 0.2, 0.3, 0, 1),
        lambda circuit: circuit.mcp(THETA, [0], 1),
    ],
    ids=["cp", "crz", "cu", "mcp"],
)
def test_sweep_of_a_controlled_gate_is_bound_where_aer_would_overlook_it(
    aer: HostedBackend, append: Callable[[QuantumCircuit], Any]
) -> None:
    circuit = QuantumCircuit(2, name="controlled")
    circuit.h([0, 1])
    append(circuit)
    circuit.h([0, 1])
    circuit.measure_all()
    values = {THETA: [0.3, 1.5, 3.0]}
    result = aer.run([circuit], OPTIONS, parameter_values=sent([circuit], [values]))
    local = AerSimulator().run(bound(circuit, values), **OPTIONS).result()
    assert outcomes(result) == outcomes(local)
    assert result.get_counts(0) != result.get_counts(2)


def test_sweep_of_a_global_phase_gives_each_point_its_own(aer: HostedBackend) -> None:
    circuit = QuantumCircuit(1, name="phase", global_phase=THETA)
    circuit.h(0)
    circuit.save_statevector()
    values = {THETA: [0.5, 1.0, 2.0]}
    result = aer.run([circuit], {}, parameter_values=sent([circuit], [values]))
    for index, angle in enumerate(values[THETA]):
        expected = np.exp(1j * angle) * np.array([1, 1]) / np.sqrt(2)
        np.testing.assert_allclose(result.get_statevector(index), expected)


def test_sweep_with_the_noise_of_the_job_equals_the_local_run(aer: HostedBackend) -> None:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["rx", "ry"])
    circuit = rotated()
    values = values_of(circuit)
    options = {**OPTIONS, "noise_model": noise}
    result = aer.run([circuit], options, parameter_values=sent([circuit], [values]))
    local = AerSimulator().run([circuit], parameter_binds=[values], **options).result()
    assert outcomes(result) == outcomes(local)
    assert outcomes(result) != outcomes(
        aer.run([circuit], OPTIONS, parameter_values=sent([circuit], [values]))
    )


@pytest.mark.parametrize("fixture", ["basic", "generic"])
def test_sweep_on_a_backend_without_parameter_binds_equals_the_bound_circuits(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    hosted: HostedBackend = request.getfixturevalue(fixture)
    circuit = QuantumCircuit(2, name="turned")
    circuit.rz(THETA, 0)
    circuit.sx(0)
    circuit.rz(PHI, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    values = values_of(circuit)
    result = hosted.run([circuit], OPTIONS, parameter_values=sent([circuit], [values]))
    expected = hosted.run(bound(circuit, values), OPTIONS)
    assert [each.data.to_dict() for each in result.results] == [
        each.data.to_dict() for each in expected.results
    ]
    assert [each.header["name"] for each in result.results] == ["turned"] * 3


def test_sweep_on_a_device_model_has_its_noise(sherbrooke: HostedBackend) -> None:
    circuit = QuantumCircuit(1, name="turned")
    circuit.sx(0)
    circuit.rz(THETA, 0)
    circuit.sx(0)
    circuit.measure_all()
    values = {THETA: [0.0, 1.0, np.pi]}
    result = sherbrooke.run([circuit], OPTIONS, parameter_values=sent([circuit], [values]))
    assert outcomes(result) == outcomes(sherbrooke.run(bound(circuit, values), OPTIONS))
    assert 0 < result.get_counts(0).get("0", 0) < 20


def test_sweep_of_a_delay_is_given_whole_steps(sherbrooke: HostedBackend) -> None:
    circuit = QuantumCircuit(1, name="waiting")
    circuit.x(0)
    circuit.delay(THETA, 0)
    circuit.measure_all()
    values = {THETA: [16, 4_000_000]}
    result = sherbrooke.run([circuit], OPTIONS, parameter_values=sent([circuit], [values]))
    # dt is 0.22 ns: most of the excitation is gone after 0.9 ms.
    assert result.get_counts(0)["1"] > 150 > 60 > result.get_counts(1).get("1", 0)
    with pytest.raises(InvalidProgramError, match=r"'waiting'.*point 1.*[Ii]nteger"):
        sherbrooke.run(
            [circuit], OPTIONS, parameter_values=sent([circuit], [{THETA: [16.0, 16.5]}])
        )


def table(names: list[str], values: Any) -> ParameterValues:
    return parameter_values_to_proto(names, np.asarray(values, dtype=float))


@pytest.mark.parametrize(
    ("tables", "complaint"),
    [
        ([], r"circuit 'rotated' has parameters without values \(phi, theta\); .*parameter_binds"),
        ([table(["theta"], [[1]])], r"circuit 'rotated' has parameters without values \(phi\)"),
        (
            [table(["theta", "phi", "psi"], [[1, 2, 3]])],
            "circuit 'rotated' has no parameter 'psi'; its parameters: phi, theta",
        ),
        ([table(["theta", "phi"], [1, 2])], r"'rotated': values of shape \(2,\)"),
        ([table(["theta", "phi"], np.ones((0, 2)))], r"'rotated': values of shape \(0, 2\)"),
        ([table(["theta", "phi"], np.ones((1, 1, 2)))], r"'rotated': values of shape \(1, 1, 2\)"),
        ([table(["theta", "phi"], [[1, 2]])] * 2, "values .* of 2 circuits came with 1 circuits"),
        ([ParameterValues(parameter_names=["theta", "phi"])], "circuit 'rotated': .*element type"),
    ],
    ids=["none", "missing", "unknown", "vector", "no-point", "cube", "two", "no-array"],
)
def test_sweep_whose_values_do_not_fit_is_refused_with_circuit_and_parameter(
    aer: HostedBackend, tables: list[ParameterValues], complaint: str
) -> None:
    with pytest.raises(InvalidProgramError, match=complaint):
        aer.run([rotated()], {}, parameter_values=tables)


def test_sweep_of_no_parameters_has_one_point(aer: HostedBackend) -> None:
    assert len(aer.run([fixed()], {}, parameter_values=[table([], np.ones((1, 0)))]).results) == 1
    with pytest.raises(InvalidProgramError, match=r"'fixed': values of shape \(1000000000, 0\)"):
        aer.run([fixed()], {}, parameter_values=[table([], np.ones((1_000_000_000, 0)))])


def test_sweep_takes_the_names_in_any_order(aer: HostedBackend) -> None:
    there = aer.run([rotated()], OPTIONS, parameter_values=[table(["theta", "phi"], [[1, 2]])])
    back = aer.run([rotated()], OPTIONS, parameter_values=[table(["phi", "theta"], [[2, 1]])])
    assert outcomes(there) == outcomes(back)


def test_sweep_whose_expression_has_no_value_names_circuit_and_point(basic: HostedBackend) -> None:
    circuit = QuantumCircuit(1, name="pole")
    circuit.rx(1 / THETA, 0)
    with pytest.raises(InvalidProgramError, match=r"circuit 'pole'.*point 1"):
        basic.run([circuit], {}, parameter_values=[table(["theta"], [[1], [0]])])


def test_sweep_is_held_to_the_limits_of_the_backend(aer: HostedBackend) -> None:
    with pytest.raises(LimitExceededError, match="max_shots"):
        aer.run([rotated()], {"shots": 10**9}, parameter_values=[table(["theta", "phi"], [[1, 2]])])


def test_qobj_takes_no_values_for_parameters(aer: HostedBackend) -> None:
    with pytest.raises(InvalidProgramError, match="Qobj holds numbers"):
        aer.run(assemble([fixed()]), {}, parameter_values=[table([], np.ones((1, 0)))])
