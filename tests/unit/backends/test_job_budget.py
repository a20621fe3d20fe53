"""What one job may ask of a backend, and what it has used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from qiskit import QuantumCircuit, qasm2
from qiskit.circuit import Parameter

from longwire.codecs.option_names import OPERATOR_OPTIONS
from longwire.errors import InvalidOptionError, JobFailedError, LimitExceededError
from longwire.qobj.assemble import assemble
from longwire_server.backends import aer_options, memory_estimate
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.backends.job_budget import JobBudget, ProgramBounds, num_instructions


@pytest.fixture(autouse=True)
def leave_no_bounds(aer: HostedBackend) -> Iterator[None]:
    """The backend is that of other tests, too."""
    yield
    aer.begin_job(ProgramBounds())


def flips(qubits: int = 2) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits, name="flips")
    circuit.x(range(qubits))
    circuit.measure_all()
    return circuit


def nest(levels: int) -> QuantumCircuit:
    """A gate of two gates, each of two, and so on: 2 ** levels in the end."""
    gates = ["gate g0 a {h a; h a;}"]
    gates += [f"gate g{level} a {{g{level - 1} a; g{level - 1} a;}}" for level in range(1, levels)]
    text = "OPENQASM 2.0; include 'qelib1.inc';".replace("'", '"')
    return qasm2.loads(f"{text} {' '.join(gates)} qreg q[1]; g{levels - 1} q[0];")


def refusal(bounds: ProgramBounds, *program: Any) -> LimitExceededError:
    with pytest.raises(LimitExceededError) as caught:
        bounds.check_program(list(program))
    return caught.value


@pytest.mark.parametrize(
    ("bounds", "limit"),
    [
        (ProgramBounds(circuits=1), "quotas.circuits"),
        (ProgramBounds(qubits=1), "quotas.qubits"),
        (ProgramBounds(instructions=9), "limits.instructions"),
    ],
    ids=["circuits", "qubits", "instructions"],
)
@pytest.mark.parametrize("kind", ["circuits", "qobj"])
def test_program_beyond_a_bound_is_refused_with_its_name(
    bounds: ProgramBounds, limit: str, kind: str
) -> None:
    circuits = [flips(), flips()]
    program: Any = circuits if kind == "circuits" else assemble(circuits)
    with pytest.raises(LimitExceededError, match=limit) as caught:
        bounds.check_program(program)
    assert caught.value.details["limit"] == limit
    ProgramBounds(circuits=2, qubits=2, instructions=10).check_program(program)


def test_instructions_in_blocks_and_definitions_count() -> None:
    inner = QuantumCircuit(1, name="own")
    inner.h(0)
    inner.h(0)
    circuit = QuantumCircuit(1, 1)
    circuit.append(inner.to_gate(), [0])
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.append(inner.to_gate(), [0])
    # own (2), measure, if_else (own (2)).
    assert num_instructions(circuit, most=100) == 3 + 2 + 1 + 2


def test_nest_of_definitions_is_counted_no_further_than_the_limit() -> None:
    assert num_instructions(nest(4), most=1000) == 1 + 2 + 4 + 8 + 16
    # 2 ** 40 of them would take days.
    error = refusal(ProgramBounds(instructions=1000), nest(40))
    assert error.details == {"limit": "limits.instructions", "maximum": "1000"}


def test_library_gate_is_not_taken_apart() -> None:
    circuit = QuantumCircuit(12)
    circuit.initialize([2**-6] * 2**12, range(12))
    assert num_instructions(circuit, most=10) == 1


def test_shots_and_bits_are_those_of_the_whole_job() -> None:
    budget = JobBudget(ProgramBounds(shots=100, shot_bits=300))
    budget.spend(10, [(2, 3), (1, 0)])
    with pytest.raises(LimitExceededError, match=r"110 shots.*quotas\.shots"):
        budget.spend(80, [(1, 3)])
    with pytest.raises(LimitExceededError, match=r"quotas\.shots"):
        JobBudget(ProgramBounds(shots=100)).spend(101, [(1, 1)])
    with pytest.raises(LimitExceededError, match=r"limits\.shot_bits"):
        JobBudget(ProgramBounds(shot_bits=100)).spend(34, [(1, 3)])
    JobBudget().spend(10**30, [(10**9, 10**9)])


@pytest.mark.parametrize("kind", ["circuits", "sweep", "qobj"])
def test_shots_that_a_backend_runs_are_counted(aer: HostedBackend, kind: str) -> None:
    aer.begin_job(ProgramBounds())
    if kind == "qobj":
        aer.run(assemble([flips(), flips()], shots=20), {})
    elif kind == "circuits":
        aer.run([flips(), flips()], {"shots": 20})
    else:
        circuit = QuantumCircuit(1)
        circuit.rx(Parameter("a"), 0)
        circuit.measure_all()
        binds = [circuit.assign_parameters([value]) for value in (0.1, 0.2)]
        aer.run(binds, {"shots": 20})
    assert aer.budget.shots_run == 40
    aer.begin_job(ProgramBounds())
    assert aer.budget.shots_run == 0


def test_job_that_asks_for_too_many_shots_is_not_run(aer: HostedBackend) -> None:
    aer.begin_job(ProgramBounds(shots=1500))
    # 1024 of each, where nothing is said.
    with pytest.raises(LimitExceededError, match=r"2048 shots.*quotas.shots"):
        aer.run([flips(), flips()], {})
    assert aer.budget.shots_run == 0


@pytest.mark.parametrize(
    ("method", "qubits_at_16_mib"),
    [("statevector", 20), ("density_matrix", 10), ("unitary", 10), ("superop", 5)],
    ids=lambda value: str(value),
)
def test_state_takes_two_to_the_power_of_its_qubits_by_method(
    method: str, qubits_at_16_mib: int
) -> None:
    circuit = flips(qubits_at_16_mib)
    assert memory_estimate.state_bytes(circuit, method, single_precision=False) == 16 << 20
    assert memory_estimate.state_bytes(circuit, method, single_precision=True) == 8 << 20
    # What nothing acts on is not simulated.
    wide = QuantumCircuit(1000)
    wide.h(0)
    wide.barrier()
    one = memory_estimate.state_bytes(wide, method, single_precision=False)
    assert one <= 16 * 16


@pytest.mark.parametrize(
    "method", ["automatic", "stabilizer", "extended_stabilizer", "matrix_product_state"]
)
def test_state_whose_size_depends_on_the_circuit_is_left_to_aer(method: str) -> None:
    assert memory_estimate.state_bytes(flips(5000), method, single_precision=False) == 0


def test_large_clifford_circuit_runs_by_whichever_method_is_fit(aer: HostedBackend) -> None:
    circuit = QuantumCircuit(200)
    circuit.h(0)
    for qubit in range(199):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    for method in ("automatic", "stabilizer", "matrix_product_state"):
        assert aer.run([circuit], {"method": method, "shots": 10}).success


@pytest.mark.parametrize(
    ("method", "qubits"),
    [("statevector", 40), ("density_matrix", 20), ("unitary", 20), ("superop", 10)],
    ids=lambda value: str(value),
)
def test_circuit_whose_state_does_not_fit_is_refused_before_it_is_run(
    aer: HostedBackend, method: str, qubits: int
) -> None:
    circuit = QuantumCircuit(qubits, name="wide")
    circuit.h(range(qubits))
    circuit.t(range(qubits))
    with pytest.raises(JobFailedError, match=r"'wide'.*Insufficient memory.*MiB") as caught:
        aer.run([circuit], {"method": method})
    assert isinstance(caught.value, MemoryError)
    assert aer.budget.shots_run == 0


def test_states_saved_for_every_shot_are_refused_where_they_do_not_fit(aer: HostedBackend) -> None:
    circuit = QuantumCircuit(15, name="pershot")
    circuit.h(range(15))
    circuit.save_statevector(pershot=True)
    with pytest.raises(JobFailedError, match=r"'pershot'.*Insufficient memory"):
        aer.run([circuit], {"shots": 100_000})
    assert aer.run([circuit], {"shots": 3}).success


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fusion_max_qubit", 30),
        ("matrix_product_state_max_bond_dimension", 0),
        ("extended_stabilizer_approximation_error", 1e-9),
        ("zero_threshold", -1.0),
    ],
)
def test_number_beyond_its_range_is_refused(aer: HostedBackend, name: str, value: float) -> None:
    with pytest.raises(InvalidOptionError, match=rf"'{name}' must be from .* to "):
        aer.run([flips()], {name: value})


def test_numbers_of_aers_options_have_a_range_and_a_default_in_it(aer: HostedBackend) -> None:
    options: Any = aer.driver.options  # type: ignore[union-attr]
    numbers = {
        name
        for name, value in options.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    } | {name for name, kind in aer_options.TYPES.items() if kind in (int, float)}
    # These are checked for every backend.
    checked = OPERATOR_OPTIONS | {"shots", "seed_simulator"}
    assert numbers - checked == set(aer_options.RANGES)
    for name, (least, most) in aer_options.RANGES.items():
        assert options.get(name) is None or least <= options[name] <= most
