"""Running circuits on hosted BackendV2: results, options and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit_aer import AerSimulator

from longwire.errors import (
    InvalidOptionError,
    InvalidProgramError,
    JobFailedError,
    LimitExceededError,
)
from longwire_server.backends.loading import HostedBackend

Load = Callable[..., HostedBackend]
PLAIN = "unit.backends.drivers:PlainV2"


def flips(name: str = "flips") -> QuantumCircuit:
    """Qubit 1 of two is flipped, and mapped to bit 2 of three."""
    circuit = QuantumCircuit(2, 3, name=name)
    circuit.x(1)
    circuit.measure([0, 1], [0, 2])
    return circuit


def one(name: str = "one") -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1, name=name)
    circuit.x(0)
    circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize("fixture", ["aer", "basic"])
def test_run_of_an_asymmetric_circuit_gives_its_counts(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    hosted: HostedBackend = request.getfixturevalue(fixture)
    result = hosted.run([flips("a"), flips("b")], {"shots": 7, "memory": True})
    assert result.get_counts("a") == result.get_counts("b") == {"100": 7}
    assert result.get_memory(0) == ["100"] * 7


def test_run_with_a_seed_equals_a_local_run(aer: HostedBackend) -> None:
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.measure_all()
    options = {"shots": 200, "seed_simulator": 11, "memory": True, "method": "statevector"}
    local = AerSimulator().run([circuit], **options).result()
    assert aer.run([circuit], options).get_memory() == local.get_memory()


def test_run_on_aer_keeps_to_the_workers_threads_and_memory(aer: HostedBackend) -> None:
    metadata = aer.run([flips()], {}).results[0].metadata
    assert metadata["max_memory_mb"] == 2048
    circuit = QuantumCircuit(28)
    circuit.h(range(28))
    circuit.t(range(28))
    circuit.measure_all()
    with pytest.raises(JobFailedError, match="Insufficient memory") as caught:
        aer.run([flips(), circuit], {"method": "statevector"})
    assert repr(circuit.name) in caught.value.message


def test_run_on_aer_of_more_qubits_than_memory_holds_is_aers_choice(aer: HostedBackend) -> None:
    circuit = QuantumCircuit(60)
    circuit.x(59)
    circuit.measure_all()
    assert aer.run([circuit], {"shots": 3}).get_counts() == {"1" + "0" * 59: 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shot": 1}, "did you mean 'shots'"),
        ({"seed": 1}, "no run option 'seed'"),
        ({"shots": 0}, "at least 1, not 0"),
        ({"shots": True}, "at least 1, not True"),
        ({"shots": "10"}, "at least 1, not '10'"),
        ({"memory": 1}, "True or False"),
        ({"seed_simulator": -1}, "from 0 to"),
        ({"seed_simulator": 2**63}, "from 0 to"),
        ({"seed_simulator": 1.5}, "from 0 to"),
        ({"method": "statevektor"}, "did you mean 'statevector'"),
        ({"precision": "half"}, "one of 'double', 'single'"),
        ({"mps_swap_direction": "up"}, "mps_swap_left"),
        ({"fusion_enable": 1}, "must be True or False"),
        ({"fusion_threshold": "1"}, "must be a whole number"),
        ({"zero_threshold": "small"}, "must be a number"),
        ({"zero_threshold": float("nan")}, "must be finite"),
        ({"zero_threshold": True}, "must be a number"),
        ({"noise_model": {"errors": []}}, "NoiseModel, not dict"),
        ({"meas_level": 1}, "no run option 'meas_level'"),
        ({"max_memory_mb": -1}, "server's operator"),
        ({"max_parallel_threads": 64}, "server's operator"),
        ({"max_parallel_shots": 64}, "server's operator"),
        ({"executor": "x"}, "server's operator"),
        ({"device": "GPU"}, "server's operator"),
        ({"max_job_size": 1}, "server's operator"),
        ({"blocking_enable": True}, "server's operator"),
    ],
)
def test_run_with_a_wrong_option_is_refused(
    aer: HostedBackend, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        aer.run([flips()], options)
    assert message in caught.value.message


def test_run_with_options_that_say_nothing_new_is_accepted(aer: HostedBackend) -> None:
    options = {"shots": None, "meas_level": 2, "meas_return": "single", "seed_simulator": None}
    assert aer.run([flips()], options).get_counts() == {"100": 1024}


def test_run_checks_the_validators_of_the_backend(load: Load) -> None:
    with pytest.raises(InvalidOptionError, match="'shots' is refused"):
        load(PLAIN).run([one()], {"shots": 51})
    assert load(PLAIN).run([one()], {"shots": 50}).get_counts() == {"1": 50}


@pytest.mark.parametrize(
    ("circuits", "options", "limit", "maximum"),
    [
        ([one()], {"shots": 41}, "max_shots", "40"),
        ([QuantumCircuit(2)], {}, "n_qubits", "1"),
    ],
)
def test_run_beyond_a_limit_names_it(
    load: Load, circuits: list[QuantumCircuit], options: dict[str, Any], limit: str, maximum: str
) -> None:
    with pytest.raises(LimitExceededError) as caught:
        load(PLAIN, max_shots=40).run(circuits, options)
    assert f"{limit} is {maximum}" in caught.value.message
    assert caught.value.details == {"limit": limit, "maximum": maximum}


def test_run_without_shots_is_refused_where_the_default_is_beyond_the_limit(load: Load) -> None:
    hosted = load(PLAIN, max_shots=5)
    with pytest.raises(LimitExceededError, match="10 shots"):
        hosted.run([one()], {})
    assert hosted.run([one()], {"shots": 5}).get_counts() == {"1": 5}


def test_run_of_no_circuits_is_refused(aer: HostedBackend) -> None:
    with pytest.raises(InvalidProgramError, match="no circuits"):
        aer.run([], {})


def test_run_of_an_unbound_circuit_names_its_parameters(aer: HostedBackend) -> None:
    circuit = QuantumCircuit(1, name="loose")
    circuit.rx(Parameter("angle"), 0)
    with pytest.raises(InvalidProgramError, match=r"'loose' has parameters without values \(angle"):
        aer.run([circuit], {})


def test_run_with_memory_on_a_backend_without_it_is_refused(load: Load) -> None:
    with pytest.raises(InvalidOptionError, match="outcome of every shot"):
        load(PLAIN).run([one()], {"memory": True})
    assert load(PLAIN).run([one()], {"memory": False}).get_counts() == {"1": 10}
    with pytest.raises(JobFailedError, match=r"circuit 'one'.*not the outcome"):
        load("unit.backends.drivers:ForgetfulV2").run([one()], {"memory": True})


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ("nothing", "returned NoneType, not a qiskit.result.Result"),
        ("too few", "returned 0 results for 1 circuits"),
        ("failed", "circuit 'one' failed on backend 'hosted': the laser is off"),
    ],
)
def test_run_whose_backend_fails_has_its_words_and_the_circuit(
    load: Load, outcome: str, message: str
) -> None:
    with pytest.raises(JobFailedError) as caught:
        load(PLAIN, arguments={"outcome": outcome}).run([one()], {})
    assert message in caught.value.message


def test_run_that_raises_lets_the_exception_through(load: Load) -> None:
    with pytest.raises(RuntimeError, match="the door is open"):
        load(PLAIN, arguments={"outcome": "raise"}).run([one()], {})
