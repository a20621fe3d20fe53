"""What is a mistake here is one elsewhere, with an error that the same code catches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from circuits import bell
from places import Place
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparsePauliOp

Mistake = Callable[[Place, str], object]

BACKENDS = ["aer_simulator", "generic", "basic_simulator"]


def unmeasured() -> QuantumCircuit:
    """One qubit, no classical bits."""
    circuit = QuantumCircuit(1)
    circuit.h(0)
    return circuit


def unbound(*, measured: bool = True) -> QuantumCircuit:
    """A circuit with a parameter."""
    circuit = unmeasured()
    circuit.rx(Parameter("angle"), 0)
    if measured:
        circuit.measure_all()
    return circuit


def unknown_gate() -> QuantumCircuit:
    """A circuit with a gate that no backend has, and no definition."""
    circuit = QuantumCircuit(1, 1)
    circuit.append(Gate("mystery", 1, []), [0])
    circuit.measure(0, 0)
    return circuit


# Each is a QiskitError in both places.
REFUSED: dict[str, Mistake] = {
    "gate that the backend does not have": lambda p, b: p.run(unknown_gate(), b),
    "circuit name that is not in the result": lambda p, b: p.run(bell(), b).get_counts("other"),
    "circuit index beyond the result": lambda p, b: p.run(bell(), b).get_counts(3),
    "state that was not saved": lambda p, b: p.run(bell(), b).get_statevector(),
    "gate in a sampler's circuit": lambda p, b: p.sample([unknown_gate()], name=b),
}

# These as well, on simulators that tell counts from no counts.
REFUSED_BY_AER: dict[str, Mistake] = {
    "circuit whose parameters have no values": lambda p, b: p.run(unbound(), b),
    "parameter binds without values": lambda p, b: p.run(unbound(), b, parameter_binds=[{}]),
    "counts of a circuit that measures nothing": lambda p, b: p.run(unmeasured(), b).get_counts(),
    "memory that was not asked for": lambda p, b: p.run(bell(), b).get_memory(),
}

# Qiskit refuses these pubs with Python's own errors, before anything is run.
REFUSED_PUBS: dict[str, tuple[type[Exception], Mistake]] = {
    "no circuit": (TypeError, lambda p, b: p.sample([3], name=b)),
    "circuit where a list of pubs belongs": (
        ValueError,
        lambda p, b: p.sample(bell(), name=b),
    ),
    "circuit without its values": (ValueError, lambda p, b: p.sample([unbound()], name=b)),
    "negative shots": (ValueError, lambda p, b: p.sample([(bell(), None, -1)], name=b)),
    "no shots": (ValueError, lambda p, b: p.sample([bell()], shots=0, name=b)),
    "broken number of shots": (TypeError, lambda p, b: p.sample([(bell(), None, 1.5)], name=b)),
    "observable of more qubits": (
        ValueError,
        lambda p, b: p.estimate([(unmeasured(), "ZZ")], name=b),
    ),
    "observable of unknown letters": (
        ValueError,
        lambda p, b: p.estimate([(unmeasured(), "Q")], name=b),
    ),
    "pub without observables": (ValueError, lambda p, b: p.estimate([(unmeasured(),)], name=b)),
    "negative precision": (
        ValueError,
        lambda p, b: p.estimate([(unmeasured(), "Z", None, -1)], name=b),
    ),
    "observable that is not Hermitian": (
        ValueError,
        lambda p, b: p.estimate([(unmeasured(), SparsePauliOp("Z", 1j))], name=b),
    ),
    "shapes that do not broadcast": (
        ValueError,
        lambda p, b: p.estimate([(unbound(measured=False), ["Z", "X"], np.zeros((3, 1)))], name=b),
    ),
}


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("mistake", REFUSED)
def test_mistake_is_a_qiskit_error(place: Place, name: str, mistake: str) -> None:
    with pytest.raises(QiskitError):
        REFUSED[mistake](place, name)


@pytest.mark.parametrize("name", ["aer_simulator", "generic"])
@pytest.mark.parametrize("mistake", REFUSED_BY_AER)
def test_mistake_that_aer_refuses_is_a_qiskit_error(place: Place, name: str, mistake: str) -> None:
    with pytest.raises(QiskitError):
        REFUSED_BY_AER[mistake](place, name)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("mistake", REFUSED_PUBS)
def test_malformed_pub_is_refused_as_qiskit_refuses_it(
    place: Place, name: str, mistake: str
) -> None:
    error, malformed = REFUSED_PUBS[mistake]
    with pytest.raises(error):
        malformed(place, name)


@pytest.mark.parametrize("name", BACKENDS)
def test_unknown_option_of_the_backend_object_is_refused(place: Place, name: str) -> None:
    backend = place.backend(name)
    with pytest.raises((QiskitError, AttributeError)):
        backend.set_options(nonsense=3)


def test_unknown_method_of_the_simulator_is_refused(place: Place) -> None:
    def run(backend: BackendV2) -> None:
        backend.set_options(method="nonsense")
        backend.run(bell()).result()

    with pytest.raises(QiskitError):
        run(place.backend())
