"""One run of Aer, kept from an error of Aer's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from qiskit.circuit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2
from qiskit.result import Result

from longwire.errors import InvalidProgramError
from longwire_server.backends.fit import TRANSPILE_HINT, operation_sites
from longwire_server.backends.parts import SEED_STRIDE

# A density matrix is Aer's choice for a circuit with more shots than the state has
# amplitudes: never with so many.
_NO_DENSITY_MATRIX_SHOTS: Final = 2
_UNKNOWN_INSTRUCTION: Final = re.compile(r"unknown instruction: (?P<name>.+)")


def run_on_aer(
    backend: BackendV2,
    circuits: Sequence[QuantumCircuit],
    options: Mapping[str, Any],
    binds: Sequence[Mapping[Any, Any]] | None = None,
) -> Any:
    """Runs circuits on a backend that hands them to Aer, and returns its result.

    Where Aer chooses the method for each circuit, and the noise has Kraus operators,
    it prepares the noise for each method when the first circuit needs it. If a state
    vector comes before the first density matrix, all density matrices of the run get
    wrong noise (observed with qiskit-aer 0.18.2: a damped Bell pair gives `11` in 29%
    of the shots alone, and in 1% behind a circuit with feedback). Here such a run
    begins with a small density matrix, whose outcome is dropped; the others keep
    their seeds.

    Args:
        backend: the backend.
        circuits: the circuits.
        options: options of the run.
        binds: values for the circuits' parameters, as Aer takes them.

    Raises:
        InvalidProgramError: Aer does not know an operation of a circuit. It runs more
            than its Target has, so this is not known before.
    """
    arguments: dict[str, Any] = dict(options)
    shield = _may_mix_methods(backend, circuits, options)
    if shield:
        circuits = [_density_matrix(), *circuits]
        binds = None if binds is None else [{}, *binds]
        seed = _option(backend, options, "seed_simulator")
        if isinstance(seed, int):
            # Below zero it is the number from which Aer counts up to the seed.
            arguments["seed_simulator"] = seed - SEED_STRIDE
    if binds is not None:
        arguments["parameter_binds"] = binds
    try:
        result = backend.run(list(circuits), **arguments).result()
    except QiskitError as error:
        unknown = _UNKNOWN_INSTRUCTION.fullmatch(str(error.message))
        if unknown is None:
            raise
        raise _without_operation(circuits, unknown["name"]) from error
    if shield:
        del result.results[:1]
    return result


def state_clbits_of_whole(result: Result, circuits: Sequence[QuantumCircuit]) -> None:
    """Has the result of a part say what one run of all circuits would.

    With each outcome Aer states how many classical bits the largest circuit of its run
    has (observed with qiskit-aer 0.18.2).

    Args:
        result: of some of the circuits.
        circuits: all of them.
    """
    most = max(circuit.num_clbits for circuit in circuits)
    for outcome in result.results:
        metadata = getattr(outcome, "metadata", None)
        if isinstance(metadata, dict) and "num_clbits" in metadata:
            metadata["num_clbits"] = most


def _without_operation(circuits: Sequence[QuantumCircuit], name: str) -> InvalidProgramError:
    with_it = [
        repr(circuit.name)
        for circuit in circuits
        if any(name == known for known, _ in operation_sites(circuit))
    ]
    place = f"circuit {with_it[0]}: " if with_it else ""
    return InvalidProgramError(f"{place}Aer has no operation {name!r}; {TRANSPILE_HINT}")


def _may_mix_methods(
    backend: BackendV2, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any]
) -> bool:
    from qiskit_aer import AerSimulator

    shots = _option(backend, options, "shots")
    if len(circuits) < 2 or (isinstance(shots, int) and shots <= _NO_DENSITY_MATRIX_SHOTS):
        return False
    if _option(backend, options, "method") != "automatic":
        return False
    noise_model = _option(backend, options, "noise_model")
    if noise_model is not None:
        return not noise_model.is_ideal()
    # Models of devices have noise that their options do not show.
    return not isinstance(backend, AerSimulator)


def _option(backend: BackendV2, options: Mapping[str, Any], name: str) -> Any:
    value = options.get(name)
    return backend.options.get(name) if value is None else value


def _density_matrix() -> QuantumCircuit:
    """A circuit for which Aer chooses a density matrix, where there is noise."""
    circuit = QuantumCircuit(1, 1, name="density matrix")
    circuit.measure(0, 0)
    return circuit
