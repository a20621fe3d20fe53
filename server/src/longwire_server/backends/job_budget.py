"""What one job may ask of a backend, and what it has used of that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from qiskit.circuit import ControlFlowOp, Instruction, QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.result import Result

from longwire.errors import LimitExceededError
from longwire.qobj import QasmQobj

# Of these nothing need be counted but themselves.
_SIMPLE: Final = frozenset(get_standard_gate_name_mapping()) | {"barrier", "snapshot"}
_LIBRARIES: Final = ("qiskit.circuit.library", "qiskit_aer")


@dataclass(frozen=True)
class ProgramBounds:
    """The most that a job may ask for, by the server's limits and its tenant's quotas.

    Zero stands for as much as it likes.

    Attributes:
        circuits: circuits of the job.
        qubits: qubits of one circuit.
        shots: shots of all circuits together.
        shot_bits: shots times classical bits, of all circuits together.
        instructions: instructions of all circuits together, with those in blocks
            and in the definitions of the program's own gates.
    """

    circuits: int = 0
    qubits: int = 0
    shots: int = 0
    shot_bits: int = 0
    instructions: int = 0

    def check_program(self, program: Sequence[QuantumCircuit] | QasmQobj) -> None:
        """Refuses a program that is too large.

        Raises:
            LimitExceededError: the message names the limit.
        """
        if isinstance(program, QasmQobj):
            self._check_qobj(program)
            return
        self._check("quotas.circuits", self.circuits, len(program), "circuits")
        for circuit in program:
            place = f"circuit {circuit.name!r}: "
            self._check("quotas.qubits", self.qubits, circuit.num_qubits, "qubits", place)
        if self.instructions:
            counted = 0
            for circuit in program:
                counted += num_instructions(circuit, most=self.instructions - counted)
                self._check_instructions(counted)

    def check_shots(self, shots: int, shot_bits: int) -> None:
        """Refuses more than so many.

        Raises:
            LimitExceededError: the message names the limit.
        """
        self._check("quotas.shots", self.shots, shots, "shots of all circuits together")
        self._check(
            "limits.shot_bits", self.shot_bits, shot_bits, "bits, shots times classical bits,"
        )

    def _check_qobj(self, qobj: QasmQobj) -> None:
        self._check("quotas.circuits", self.circuits, len(qobj.experiments), "circuits")
        counted = 0
        for place, experiment in enumerate(qobj.experiments):
            qubits = getattr(experiment.header, "n_qubits", None) or 0
            self._check("quotas.qubits", self.qubits, qubits, "qubits", f"experiments[{place}]: ")
            counted += len(experiment.instructions)
        self._check_instructions(counted)

    def _check_instructions(self, counted: int) -> None:
        self._check(
            "limits.instructions", self.instructions, counted, "instructions or more", "it has "
        )

    def _check(self, limit: str, maximum: int, asked: int, noun: str, place: str = "") -> None:
        if maximum and asked > maximum:
            raise LimitExceededError(
                f"{place}{asked} {noun} are more than this server allows you: its limit is "
                f"{maximum} ({limit}). Ask for less, or split the job",
                reason="LIMIT_EXCEEDED",
                details={"limit": limit, "maximum": str(maximum)},
            )


class JobBudget:
    """Counts what one job uses.

    Attributes:
        bounds: what it may ask for.
        shots_run: shots that were run so far, of all circuits together.
    """

    def __init__(self, bounds: ProgramBounds | None = None) -> None:
        self.bounds = bounds or ProgramBounds()
        self.shots_run = 0
        self._shots_asked = 0
        self._bits_asked = 0

    def spend(self, shots: int, runs: Iterable[tuple[int, int]]) -> None:
        """Counts runs that are about to begin.

        Args:
            shots: of each of them.
            runs: how often each circuit is run, with its number of classical bits.

        Raises:
            LimitExceededError: the job would have asked for too many shots.
        """
        for times, num_clbits in runs:
            self._shots_asked += shots * times
            self._bits_asked += shots * times * num_clbits
        self.bounds.check_shots(self._shots_asked, self._bits_asked)

    def count(self, result: Result) -> None:
        """Counts what was run."""
        self.shots_run += sum(map(_shots_of, result.results))


def num_instructions(circuit: QuantumCircuit, *, most: int) -> int:
    """How many instructions a circuit has, those in blocks and definitions included.

    A definition counts each time that it is used. What it is made of is looked at only
    as far as it takes to find out that there are too many.

    Args:
        circuit: the circuit.
        most: where there are more, some number above it is returned.
    """
    counted = len(circuit.data)
    opened = [iter(circuit.data)] if _has_own(circuit) else []
    while opened and counted <= most:
        instruction = next(opened[-1], None)
        if instruction is None:
            opened.pop()
            continue
        for inner in _within(instruction.operation):
            counted += len(inner.data)
            if _has_own(inner):
                opened.append(iter(inner.data))
    return counted


def _has_own(circuit: QuantumCircuit) -> bool:
    """Whether it has operations that may be made of others."""
    return not circuit.count_ops().keys() <= _SIMPLE


def _within(operation: object) -> Sequence[QuantumCircuit]:
    """The circuits of which an operation is made."""
    if isinstance(operation, ControlFlowOp):
        blocks: Sequence[QuantumCircuit] = operation.blocks
        return blocks
    if not isinstance(operation, Instruction) or operation.name in _SIMPLE:
        return ()
    # What is in a library has a size of its own, and takes long to be taken apart.
    from_library = type(operation).__module__.startswith(_LIBRARIES)
    definition = operation._definition if from_library else operation.definition
    return () if definition is None else (definition,)


def _shots_of(outcome: object) -> int:
    """The shots of one experiment, which Qiskit also writes as the first and the last."""
    shots = getattr(outcome, "shots", 0)
    if isinstance(shots, tuple | list) and len(shots) == 2:
        return int(shots[1]) - int(shots[0]) + 1
    return shots if isinstance(shots, int) else 0
