"""The errors of a noise model of Aer as messages.

They are made without their constructors, which would rescale probabilities and give
new identifiers; what the constructors check is checked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import PauliList
from qiskit_aer.noise import PauliError, PauliLindbladError, QuantumError, ReadoutError
from qiskit_aer.noise.errors.base_quantum_error import BaseQuantumError

from longwire.codecs.failure import MisfitError
from longwire.codecs.noise_bounds import (
    MAX_ERROR_QUBITS,
    MAX_READOUT_QUBITS,
    check_finite,
)
from longwire.codecs.noise_circuits import CircuitReader, CircuitWriter
from longwire.v1 import noise_model_pb2

__all__ = ["read_quantum_error", "read_readout_error", "write_quantum_error"]

# How far from one the sum of probabilities may be; Aer's own limit can be set up to here.
_TOLERANCE = 1e-4


def write_quantum_error(
    message: noise_model_pb2.QuantumError, error: Any, circuits: CircuitWriter
) -> None:
    """Writes an error of instructions.

    Raises:
        MisfitError: it is of a class of the user's own, or its circuits hold what
            cannot be sent.
    """
    message.id = error.id
    if type(error) is QuantumError:
        message.circuits.circuits.extend(map(circuits.place_of, error.circuits))
        message.circuits.probabilities.extend(error.probabilities)
    elif type(error) is PauliError:
        message.paulis.paulis.extend(error.paulis.to_labels())
        message.paulis.probabilities.extend(error.probabilities)
    elif type(error) is PauliLindbladError:
        message.pauli_lindblad.generators.extend(error.generators.to_labels())
        message.pauli_lindblad.rates.extend(error.rates)
    else:
        raise MisfitError(
            f"an error of type {type(error).__name__} cannot be sent: make a QuantumError of it"
        )


def read_quantum_error(message: noise_model_pb2.QuantumError, circuits: CircuitReader) -> Any:
    """The error of instructions that a message holds.

    Raises:
        MisfitError: the message contradicts itself, or is of a kind newer than this
            version.
    """
    kind = message.WhichOneof("channel")
    if kind == "circuits":
        error = _read_mixture(message.circuits, circuits)
    elif kind == "paulis":
        error = _pauli_error(PauliError, message.paulis.paulis, message.paulis.probabilities)
    elif kind == "pauli_lindblad":
        lindblad = message.pauli_lindblad
        error = _pauli_error(PauliLindbladError, lindblad.generators, lindblad.rates)
    else:
        raise MisfitError("the error is of a kind newer than this version of longwire: upgrade it")
    error._id = message.id
    return error


def read_readout_error(
    probabilities: Sequence[float] | npt.NDArray[np.float64], num_qubits: int
) -> ReadoutError:
    """The error of reading qubits with the given probabilities, row by row.

    Raises:
        MisfitError: they are no such probabilities.
    """
    if num_qubits > MAX_READOUT_QUBITS:
        raise MisfitError(
            f"a readout error of {num_qubits} qubits is of more than any may have "
            f"({MAX_READOUT_QUBITS})"
        )
    check_finite(probabilities, "the probabilities of its readout error")
    dim = 2**num_qubits
    try:
        return ReadoutError(np.reshape(probabilities, (dim, dim)), atol=_TOLERANCE)
    except (QiskitError, OverflowError, ValueError) as error:
        raise MisfitError(f"its readout error is none: {error}") from error


def _read_mixture(message: noise_model_pb2.CircuitMixture, circuits: CircuitReader) -> QuantumError:
    found = [circuits.at(place) for place in message.circuits]
    probabilities = np.array(message.probabilities)
    if not found or len(found) != len(probabilities):
        raise MisfitError(f"it has {len(probabilities)} probabilities for {len(found)} circuits")
    # Written so that NaN is refused, too.
    if not (probabilities.min() >= 0 and abs(probabilities.sum() - 1) <= _TOLERANCE):
        raise MisfitError("its probabilities are negative, or their sum is not 1")
    num_qubits = found[0].num_qubits
    if any(circuit.num_qubits != num_qubits for circuit in found):
        raise MisfitError("its circuits are of different numbers of qubits")
    error = object.__new__(QuantumError)
    BaseQuantumError.__init__(error, num_qubits)
    error._circs = found
    error._probs = list(probabilities)
    return error


def _pauli_error(
    build: type[PauliError | PauliLindbladError], paulis: Sequence[str], numbers: Sequence[float]
) -> PauliError | PauliLindbladError:
    num_qubits = max(map(len, paulis), default=0)
    if num_qubits > MAX_ERROR_QUBITS:
        raise MisfitError(
            f"its Pauli operators are on {num_qubits} qubits, more than any error may have "
            f"({MAX_ERROR_QUBITS})"
        )
    check_finite(numbers, "the probabilities or rates of its Pauli operators")
    try:
        error = build(PauliList(list(paulis)), np.array(numbers))
    except (QiskitError, ValueError) as failure:
        raise MisfitError(f"its Pauli operators are none: {failure}") from failure
    if not error.is_cptp(atol=_TOLERANCE):
        raise MisfitError("its probabilities or rates are negative, or their sum is not 1")
    return error
