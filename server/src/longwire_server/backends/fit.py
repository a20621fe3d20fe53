"""Whether circuits hold only what a device can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from qiskit.circuit import CircuitInstruction, ControlFlowOp, QuantumCircuit
from qiskit.transpiler import Target

from longwire.errors import InvalidProgramError
from longwire.providers.models.backend_configuration import QasmBackendConfiguration

# What circuits may hold beside a device's operations: it moves no qubit, or
# belongs to the control flow around it.
_ALWAYS = frozenset({"barrier", "store", "break_loop", "continue_loop"})
# What a configuration without `supported_instructions` does not tell apart from
# gates: the driver decides.
_UNLISTED = frozenset({"measure", "reset", "delay"})

# Said to users of `run`, of primitives, of the command line and of other languages alike.
TRANSPILE_HINT = (
    "run it with transpile=True (one of the options of a sampler or an estimator; in other "
    "languages set transpile in the JobSpec), or transpile it before it is sent: for the backend's "
    "target, or with basis_gates and coupling_map of backend.configuration()"
)

Site = tuple[str, tuple[int, ...]]


class InstructionSet(ABC):
    """The operations of a device, each with the qubits on which it has them."""

    @abstractmethod
    def has(self, name: str, qubits: tuple[int, ...]) -> bool:
        """Whether the device has an operation on these qubits, in this order."""


class TargetInstructions(InstructionSet):
    """The operations of a Target."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def has(self, name: str, qubits: tuple[int, ...]) -> bool:
        """Whether the target has an operation on these qubits, in this order."""
        supported: bool = self._target.instruction_supported(name, qubits)
        return supported


class ConfiguredInstructions(InstructionSet):
    """The operations of a configuration: names, and pairs of coupled qubits."""

    def __init__(self, configuration: QasmBackendConfiguration) -> None:
        self._names = {*configuration.basis_gates}
        self._names.update(getattr(configuration, "supported_instructions", None) or _UNLISTED)
        self._names.add("measure")
        coupling_map = configuration.coupling_map
        self._pairs = None if coupling_map is None else {tuple(pair) for pair in coupling_map}

    def has(self, name: str, qubits: tuple[int, ...]) -> bool:
        """Whether the configuration has the name, and couples a pair of qubits."""
        coupled = self._pairs is None or len(qubits) != 2 or qubits in self._pairs
        return name in self._names and coupled


class NamedInstructions(InstructionSet):
    """The operations of a simulator, which has each on any qubits."""

    def __init__(self, target: Target) -> None:
        self._names = frozenset(target.operation_names)

    def has(self, name: str, _qubits: tuple[int, ...]) -> bool:
        """Whether the simulator has an operation of this name."""
        return name in self._names


def check_fit(
    circuits: Sequence[QuantumCircuit], instructions: InstructionSet, backend_name: str
) -> None:
    """Refuses circuits that hold what a device cannot do.

    Raises:
        InvalidProgramError: the message names the circuit, the instruction and
            its qubits, and how to transpile.
    """
    for circuit in circuits:
        misfit = first_misfit(circuit, instructions)
        if misfit is not None:
            name, qubits = misfit
            raise InvalidProgramError(
                f"circuit {circuit.name!r}: backend {backend_name!r} has no operation {name!r} on "
                f"qubits ({', '.join(map(str, qubits))}); {TRANSPILE_HINT}"
            )


def first_misfit(circuit: QuantumCircuit, instructions: InstructionSet) -> Site | None:
    """The first operation of a circuit that a device does not have there, or None."""
    checked: set[Site] = set()
    for site in operation_sites(circuit):
        name, qubits = site
        if site in checked or name in _ALWAYS:
            continue
        if not instructions.has(name, qubits):
            return site
        checked.add(site)
    return None


def operation_sites(circuit: QuantumCircuit, qubits: Sequence[int] | None = None) -> Iterator[Site]:
    """Yields the name and the qubits of every operation, those in blocks included.

    Args:
        circuit: the circuit, or a block of control flow.
        qubits: the outermost circuit's qubits on which the block's act, in order.
    """
    outer = range(circuit.num_qubits) if qubits is None else qubits
    # A block shares no bits with the circuit around it, only their order.
    index = {bit: outer[position] for position, bit in enumerate(circuit.qubits)}
    for instruction in circuit.data:
        here = tuple(index[qubit] for qubit in instruction.qubits)
        yield instruction.operation.name, here
        for block in _blocks(instruction):
            yield from operation_sites(block, here)


def _blocks(instruction: CircuitInstruction) -> Sequence[QuantumCircuit]:
    if not isinstance(instruction.operation, ControlFlowOp):
        return ()
    blocks: Sequence[QuantumCircuit] = instruction.operation.blocks
    return blocks
