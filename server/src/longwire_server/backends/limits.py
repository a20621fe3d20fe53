"""How much one job may ask of a backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qiskit.circuit import QuantumCircuit

from longwire.errors import InvalidProgramError, LimitExceededError


@dataclass(frozen=True)
class RunLimits:
    """The limits of one backend, as its configuration tells them.

    Attributes:
        backend_name: the backend's hosted name.
        max_shots: most shots of one circuit.
        max_circuits: most circuits of one run; None for any number. A job with more
            is run in parts.
        num_qubits: most qubits of one circuit; None where only memory decides,
            which the backend itself knows.
    """

    backend_name: str
    max_shots: int
    max_circuits: int | None
    num_qubits: int | None

    def check(
        self,
        circuits: Sequence[QuantumCircuit],
        shots: int | None,
        names: Sequence[str] | None = None,
    ) -> None:
        """Refuses circuits and shots beyond the limits.

        Args:
            circuits: the circuits of one job.
            shots: the shots of each; None where the backend decides.
            names: what the message calls the circuits; None for their own names.

        Raises:
            InvalidProgramError: there are no circuits.
            LimitExceededError: a limit is exceeded; the message names it.
        """
        if not circuits:
            raise InvalidProgramError("the program holds no circuits; send at least one")
        if shots is not None:
            self._check_number("shots", "max_shots", shots)
        names = [circuit.name for circuit in circuits] if names is None else names
        for circuit, name in zip(circuits, names, strict=True):
            self._check_number("qubits", "n_qubits", circuit.num_qubits, f"circuit {name!r}: ")

    def _check_number(self, noun: str, limit: str, asked: int, place: str = "") -> None:
        maximum = {"max_shots": self.max_shots, "n_qubits": self.num_qubits}[limit]
        if maximum is not None and asked > maximum:
            raise LimitExceededError(
                f"{place}{asked} {noun} are more than backend {self.backend_name!r} takes: "
                f"its configuration's {limit} is {maximum}",
                reason="LIMIT_EXCEEDED",
                details={"limit": limit, "maximum": str(maximum)},
            )
