"""From circuits of Qiskit 2 to a QASM Qobj, for drivers whose ``run`` takes one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from qiskit.circuit import (
    Barrier,
    CircuitInstruction,
    ClassicalRegister,
    Clbit,
    ControlFlowOp,
    IfElseOp,
    Measure,
    QuantumCircuit,
    Qubit,
    Register,
    Store,
)
from qiskit.circuit.classical import expr
from qiskit.circuit.library import GlobalPhaseGate

from longwire.errors import InvalidProgramError, InvalidQobjError
from longwire.qobj.assemble_conditions import (
    Comparison,
    ConditionAssembler,
    InexpressibleConditionError,
)
from longwire.qobj.assemble_operations import assemble_operation
from longwire.qobj.complex_params import real_number
from longwire.qobj.header import QobjHeader
from longwire.qobj.qasm_config import QasmQobjConfig, QasmQobjExperimentConfig
from longwire.qobj.qasm_experiment import QasmQobjExperiment, QasmQobjExperimentHeader
from longwire.qobj.qasm_instruction import QasmQobjInstruction
from longwire.qobj.qasm_qobj import QasmQobj

__all__ = ["assemble"]


def assemble(
    circuits: QuantumCircuit | Iterable[QuantumCircuit],
    *,
    qobj_id: str | None = None,
    qobj_header: Mapping[str, Any] | QobjHeader | None = None,
    shots: int = 1024,
    memory: bool = False,
    seed_simulator: int | None = None,
    **run_config: Any,
) -> QasmQobj:
    """Converts circuits to a Qobj, as ``qiskit.assembler.assemble`` did.

    ``disassemble(assemble(circuits))`` gives circuits that do the same.

    Args:
        circuits: one or more circuits without free parameters.
        qobj_id: identifier; a random one by default.
        qobj_header: header of the whole Qobj.
        shots: number of shots.
        memory: whether every shot's outcome is returned.
        seed_simulator: seed of a simulator.
        run_config: further options, put into the Qobj's config as they are.

    Returns:
        The Qobj. Memory slot ``i`` is bit ``i`` of the circuit.

    Raises:
        InvalidProgramError: a circuit holds what a Qobj cannot: loops, variables, gates
            that are not standard, free parameters. The message names circuit and
            instruction.
    """
    circuits = [circuits] if isinstance(circuits, QuantumCircuit) else list(circuits)
    header = qobj_header.to_dict() if isinstance(qobj_header, QobjHeader) else qobj_header
    experiments = [_ExperimentAssembler(circuit).assemble() for circuit in circuits]
    return QasmQobj(
        str(uuid.uuid4()) if qobj_id is None else qobj_id,
        QasmQobjConfig(
            shots=shots,
            memory=memory,
            seed_simulator=seed_simulator,
            memory_slots=max((circuit.num_clbits for circuit in circuits), default=0),
            n_qubits=max((circuit.num_qubits for circuit in circuits), default=0) or None,
            **run_config,
        ),
        experiments,
        QobjHeader.from_dict(header or {}),
    )


class _ExperimentAssembler:
    """Writes one circuit as an experiment."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        if not isinstance(circuit, QuantumCircuit):
            raise InvalidProgramError(f"a QuantumCircuit is expected, not {type(circuit).__name__}")
        self._circuit = circuit
        self._phase = _phase(circuit, self._place())
        self._instructions: list[QasmQobjInstruction] = []
        # Register slots below hold what the memory slots of the same numbers hold.
        self._conditions = ConditionAssembler(self._instructions.append, circuit.num_clbits)
        self._has_conditions = any(
            isinstance(instruction.operation, (ControlFlowOp, Store))
            for instruction in circuit.data
        )

    def assemble(self) -> QasmQobjExperiment:
        if self._circuit.num_vars or self._circuit.num_stretches:
            raise InvalidProgramError(f"{self._place()}: a Qobj holds no variables")
        qubits = {qubit: index for index, qubit in enumerate(self._circuit.qubits)}
        clbits = {clbit: index for index, clbit in enumerate(self._circuit.clbits)}
        self._append_block(self._circuit, qubits, clbits, None)
        config = QasmQobjExperimentConfig(memory_slots=self._circuit.num_clbits)
        if self._circuit.num_qubits:
            config.n_qubits = self._circuit.num_qubits
        header = QasmQobjExperimentHeader(**self._header())
        return QasmQobjExperiment(config, header, self._instructions)

    def _header(self) -> dict[str, Any]:
        circuit = self._circuit
        header: dict[str, Any] = {
            "name": circuit.name,
            "memory_slots": circuit.num_clbits,
            "global_phase": self._phase,
            "metadata": dict(circuit.metadata or {}),
        }
        # Registers that share bits, or leave some out, have no form in a header.
        if circuit.qubits:
            header["n_qubits"] = circuit.num_qubits
            if [bit for register in circuit.qregs for bit in register] == circuit.qubits:
                header["qreg_sizes"] = [
                    [register.name, register.size] for register in circuit.qregs
                ]
                header["qubit_labels"] = _labels(header["qreg_sizes"])
        if [bit for register in circuit.cregs for bit in register] == circuit.clbits:
            header["creg_sizes"] = _sizes(circuit.cregs)
            header["clbit_labels"] = _labels(header["creg_sizes"])
        return header

    def _append_block(
        self,
        block: QuantumCircuit,
        qubits: Mapping[Qubit, int],
        clbits: Mapping[Clbit, int],
        conditional: int | None,
    ) -> None:
        """Appends a circuit or the body of a condition, whose bits have these indices."""
        for number, instruction in enumerate(block.data):
            place = self._place(number, instruction, nested=conditional is not None)
            operation = instruction.operation
            used = [qubits[qubit] for qubit in instruction.qubits]
            if isinstance(operation, IfElseOp):
                self._append_condition(instruction, qubits, clbits, conditional, place)
            elif isinstance(operation, ControlFlowOp):
                raise InvalidProgramError(
                    f"{place}: a Qobj holds no control flow but if_test; unroll it"
                )
            elif isinstance(operation, Store):
                self._append_store(operation, clbits, conditional, place)
            elif isinstance(operation, Measure):
                slots = [clbits[clbit] for clbit in instruction.clbits]
                self._append(
                    QasmQobjInstruction(
                        "measure",
                        qubits=used,
                        memory=slots,
                        register=list(slots) if self._has_conditions else None,
                        label=operation.label,
                    ),
                    conditional,
                )
            elif isinstance(operation, GlobalPhaseGate) and conditional is None:
                self._phase += real_number(operation.params[0], place)
            else:
                guard = None if isinstance(operation, Barrier) else conditional
                try:
                    assembled = assemble_operation(operation, used, place)
                except InvalidQobjError as error:
                    raise InvalidProgramError(str(error.message)) from error
                self._append(assembled, guard)

    def _append(self, instruction: QasmQobjInstruction, conditional: int | None) -> None:
        if conditional is not None:
            instruction.conditional = conditional
        self._instructions.append(instruction)

    def _append_condition(
        self,
        instruction: CircuitInstruction,
        qubits: Mapping[Qubit, int],
        clbits: Mapping[Clbit, int],
        conditional: int | None,
        place: str,
    ) -> None:
        operation = instruction.operation
        condition = self._compare(operation.condition, clbits, place)
        outcomes = [condition, condition.negated()][: len(operation.blocks)]
        if conditional is not None:
            outer = Comparison({conditional: True})
            outcomes = [self._conditions.join(outer, outcome) for outcome in outcomes]
        # Both are evaluated before either body can change the memory.
        guards = [self._conditions.store(outcome) for outcome in outcomes]
        for block, guard in zip(operation.blocks, guards, strict=True):
            # A body's bits stand for the instruction's, in order.
            inner_qubits = dict(
                zip(block.qubits, [qubits[q] for q in instruction.qubits], strict=True)
            )
            inner_clbits = dict(
                zip(block.clbits, [clbits[c] for c in instruction.clbits], strict=True)
            )
            phase = _phase(block, place)
            if phase:
                self._append(QasmQobjInstruction("global_phase", [phase], qubits=[]), guard)
            self._append_block(block, inner_qubits, inner_clbits, guard)

    def _append_store(
        self, operation: Store, clbits: Mapping[Clbit, int], conditional: int | None, place: str
    ) -> None:
        target = operation.lvalue
        if not isinstance(target, expr.Var) or not isinstance(target.var, Clbit):
            raise InvalidProgramError(f"{place}: a Qobj stores single bits only")
        slot = clbits[target.var]
        assembled = self._compare(operation.rvalue, clbits, place).instruction(slot)
        assembled.memory = slot
        self._append(assembled, conditional)

    def _compare(
        self,
        condition: tuple[Clbit | ClassicalRegister, int] | expr.Expr,
        clbits: Mapping[Clbit, int],
        place: str,
    ) -> Comparison:
        try:
            return self._conditions.compare(condition, clbits.__getitem__)
        except InexpressibleConditionError as error:
            raise InvalidProgramError(f"{place}: {error}") from error

    def _place(
        self,
        number: int | None = None,
        instruction: CircuitInstruction | None = None,
        *,
        nested: bool = False,
    ) -> str:
        circuit = f"circuit {self._circuit.name!r}"
        if instruction is None:
            return circuit
        within = " in the body of a condition" if nested else ""
        return f"{circuit}, instruction {number} ({instruction.operation.name}){within}"


def _phase(circuit: QuantumCircuit, place: str) -> float:
    try:
        return real_number(circuit.global_phase, f"{place}: global_phase")
    except InvalidQobjError as error:
        raise InvalidProgramError(str(error.message)) from error


def _sizes(registers: Iterable[Register]) -> list[list[Any]]:
    return [[register.name, register.size] for register in registers]


def _labels(sizes: list[list[Any]]) -> list[list[Any]]:
    return [[name, index] for name, size in sizes for index in range(size)]
