"""Circuits at whose end Aer's estimator saves the same expectation values job after job."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Self

from qiskit.circuit import InstructionSet, QuantumCircuit
from qiskit.quantum_info import Pauli
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit_aer.library import SaveExpectationValue

# About a KiB each.
_MOST_INSTRUCTIONS: Final = 8192


class ObservedCircuit(QuantumCircuit):
    """A circuit whose instructions that save the value of a Pauli are made once.

    Aer's ``EstimatorV2`` asks each pub's circuit for one for each Pauli. In the loop of
    an optimiser they are always the same, and making them takes 4 of the 11 ms of an
    evaluation (20 Paulis on 10 qubits, with qiskit-aer 0.18.2).
    """

    @classmethod
    def of(cls, circuit: QuantumCircuit) -> Self:
        """A copy of a circuit as one of these."""
        observed = cls.__new__(cls)
        # Qiskit's own copy begins like this; it parts the two.
        observed.__dict__.update(circuit.__dict__)
        copied: Self = observed.copy()
        return copied

    def save_expectation_value(
        self,
        operator: BaseOperator,
        qubits: Sequence[Any],
        label: str = "expectation_value",
        **how: bool,
    ) -> InstructionSet:
        """As the method of this name that Aer gives to all circuits."""
        if how or not isinstance(operator, Pauli):
            appended = super().save_expectation_value(operator, qubits, label=label, **how)
        else:
            appended = self.append(_instruction(operator.to_label(), label), qubits)
        return appended


@lru_cache(_MOST_INSTRUCTIONS)
def _instruction(pauli: str, label: str) -> SaveExpectationValue:
    return SaveExpectationValue(Pauli(pauli), label=label)
