"""Builds the circuit of one experiment, step by step.

A ``bfunc`` is evaluated at its own place: when a classical bit that a slot's value
depends on is written anew while the value is still needed, the value is first stored
in a scratch bit after the memory slots. The scratch bits are 0 again at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from qiskit.circuit import ClassicalRegister, Clbit, Measure, QuantumCircuit
from qiskit.circuit.classical import expr

from longwire.errors import InvalidQobjError
from longwire.qobj.gates import ALIASES
from longwire.qobj.operations import build_operation
from longwire.qobj.register_values import (
    FALSE,
    RegisterValue,
    condition_for,
    evaluate,
    same_as,
    value_expression,
)
from longwire.qobj.steps import RegisterUses, Step

__all__ = ["ExperimentBuilder"]

# A value made of more parts than this is stored instead of being written out again.
_MAX_EXPRESSION_SIZE = 64


class ExperimentBuilder:
    """Appends the steps of one experiment to a circuit.

    Args:
        circuit: a circuit with the experiment's registers and no instructions.
        steps: the experiment's steps.
    """

    def __init__(self, circuit: QuantumCircuit, steps: Sequence[Step]) -> None:
        self._circuit = circuit
        self._steps = steps
        self._uses = RegisterUses(steps)
        # Slots that were written, with what they hold.
        self._values: dict[int, RegisterValue] = {}
        # Slots whose values depend, or once depended, on a classical bit.
        self._dependents: dict[Clbit, set[int]] = defaultdict(set)
        # Slots whose value is kept in a scratch bit while a conditional group writes it.
        self._kept: dict[int, Clbit] = {}
        self._scratch: list[Clbit] = []
        # Slots that Boolean functions look at and nothing has written. They hold 0, as
        # the memory slots of the same numbers do until these are written.
        self._untouched: set[int] = set()
        for slot in {slot for step in steps if step.bfunc for slot in step.bfunc.bits}:
            if slot < circuit.num_clbits:
                self._set(slot, same_as(circuit.clbits[slot]))
                self._untouched.add(slot)

    @property
    def num_scratch(self) -> int:
        """Number of classical bits that were added after the memory slots."""
        return len(self._scratch)

    def build(self) -> None:
        """Appends all steps.

        Raises:
            InvalidQobjError: a step cannot be built; the message begins with its place.
        """
        first = 0
        while first < len(self._steps):
            last = self._last_of_group(first)
            self._append_group(first, last)
            first = last + 1
        for clbit in self._scratch:
            self._circuit.store(clbit, expr.lift(False))
        if self._scratch:
            taken = {register.name for register in self._circuit.cregs + self._circuit.qregs}
            name = next(name for name in _scratch_names() if name not in taken)
            self._circuit.add_register(ClassicalRegister(name=name, bits=self._scratch))

    def _last_of_group(self, first: int) -> int:
        """Returns the last of the steps in a row that depend on one value of one slot."""
        slot = self._steps[first].conditional
        last = first
        if slot is None:
            return last
        while slot not in self._steps[last].registers and last + 1 < len(self._steps):
            if self._steps[last + 1].conditional != slot:
                break
            last += 1
        return last

    def _append_group(self, first: int, last: int) -> None:
        steps = self._steps[first : last + 1]
        slot = steps[0].conditional
        if slot is None:
            self._preserve_for_one(first)
            self._append_step(first, steps[0])
            return
        if slot not in self._values or slot in self._untouched:
            raise InvalidQobjError(
                f"{steps[0].place}.conditional: register slot {slot} is not written by any "
                "instruction before; write it by 'measure' or 'bfunc'"
            )
        constant = self._values[slot].constant
        if constant is False:
            for step in steps:
                self._check_only(step)
            return
        if constant is True:
            for number, step in enumerate(steps, first):
                self._preserve_for_one(number)
                self._append_step(number, step)
            return
        condition = condition_for(self._values[slot], self._circuit)
        self._keep_written(first, last)
        self._preserve(first, last)
        if any(self._has_effect(step) for step in steps):
            with self._circuit.if_test(condition):
                if all(step.bfunc is not None for step in steps):
                    # Aer 0.18 runs a body that has no qubits whatever the condition says.
                    self._circuit.barrier(0)
                for number, step in enumerate(steps, first):
                    self._append_step(number, step)
        self._kept.clear()

    def _check_only(self, step: Step) -> None:
        """Refuses a step that never runs as if it did; the slots it names stay 0."""
        if not step.is_classical:
            build_operation(step, self._circuit.num_qubits)
        for slot in step.registers:
            self._values.setdefault(slot, FALSE)
            self._untouched.discard(slot)

    def _has_effect(self, step: Step) -> bool:
        return (
            step.bfunc is None
            or bool(step.memory)
            or any(slot in self._kept for slot in step.registers)
        )

    def _needed(self, slot: int, first: int, last: int) -> bool:
        """Whether a slot's value is read after a group, or in it by a Boolean function."""
        return self._uses.read_after(slot, last) or self._uses.masked_within(slot, first, last)

    def _keep_written(self, first: int, last: int) -> None:
        """Gives scratch bits to the slots that a conditional group writes and others read."""
        steps = self._steps[first : last + 1]
        written = {slot for step in steps for slot in step.registers}
        for slot in sorted(written):
            if not self._needed(slot, first, last) or self._stays_alias(slot, steps):
                continue
            self._kept[slot] = self._move_to_scratch(slot)
            self._untouched.discard(slot)

    def _stays_alias(self, slot: int, steps: Sequence[Step]) -> bool:
        """Whether slot and memory slot hold the same, before and whatever the steps do."""
        value = self._values.get(slot)
        clbit = value.clbit if value else None
        if clbit is None:
            return False
        for step in steps:
            written = [self._circuit.clbits[index] for index in step.memory]
            if step.bfunc and (clbit in written or slot in step.registers):
                return False
            pairs = list(zip(written, step.registers, strict=False))
            if any((bit == clbit) != (register == slot) for bit, register in pairs):
                return False
            if clbit in written and not step.registers:
                return False
        return True

    def _preserve(self, first: int, last: int) -> None:
        """Stores the values that would change with the memory slots that a group writes."""
        steps = self._steps[first : last + 1]
        written = {slot for step in steps for slot in step.registers}
        for slot in self._dependents_on(index for step in steps for index in step.memory):
            if slot in self._kept or not self._needed(slot, first, last):
                continue
            if slot not in written or not self._stays_alias(slot, steps):
                self._preserve_slot(slot)

    def _preserve_for_one(self, number: int) -> None:
        """Stores the values that would change with the memory slots that one step writes."""
        step = self._steps[number]
        for slot in self._dependents_on(step.memory):
            if slot not in step.registers and self._uses.read_after(slot, number):
                self._preserve_slot(slot)

    def _preserve_slot(self, slot: int) -> None:
        """Makes a slot's value independent of what the memory slots will hold."""
        if slot in self._untouched:
            self._values[slot] = FALSE
        else:
            self._move_to_scratch(slot)

    def _move_to_scratch(self, slot: int) -> Clbit:
        clbit = self._store_scratch(
            FALSE if slot in self._untouched else self._values.get(slot, FALSE)
        )
        self._set(slot, same_as(clbit))
        return clbit

    def _dependents_on(self, memory: Iterable[int]) -> list[int]:
        """Returns the slots whose values depend on these memory slots."""
        slots: set[int] = set()
        for index in memory:
            clbit = self._circuit.clbits[index]
            slots |= {
                slot
                for slot in self._dependents.get(clbit, ())
                if clbit in self._values[slot].clbits
            }
        return sorted(slots)

    def _set(self, slot: int, value: RegisterValue) -> None:
        self._values[slot] = value
        for clbit in value.clbits:
            self._dependents[clbit].add(slot)

    def _store_scratch(self, value: RegisterValue) -> Clbit:
        clbit = Clbit()
        self._circuit.add_bits([clbit])
        self._scratch.append(clbit)
        if value.constant is not False:
            self._circuit.store(clbit, value_expression(value, self._circuit))
        return clbit

    def _append_step(self, number: int, step: Step) -> None:
        if step.bfunc is not None:
            self._append_bfunc(number, step)
        elif step.name == "measure":
            self._append_measurement(step)
        else:
            for operation, qubits in build_operation(step, self._circuit.num_qubits):
                if ALIASES.get(step.name, step.name) == "global_phase":
                    # Simulators know the phase of a circuit, but no gate for it.
                    self._circuit.global_phase += operation.params[0]
                else:
                    self._circuit.append(operation, list(qubits))

    def _append_measurement(self, step: Step) -> None:
        for qubit, memory in zip(step.qubits, step.memory, strict=True):
            self._circuit.append(Measure(label=step.label), [qubit], [memory])
        for memory, slot in zip(step.memory, step.registers, strict=False):
            self._write(slot, same_as(self._circuit.clbits[memory]))

    def _append_bfunc(self, number: int, step: Step) -> None:
        assert step.bfunc is not None
        value = evaluate(step.bfunc, self._values, self._circuit)
        if (
            value.size > _MAX_EXPRESSION_SIZE
            and step.conditional is None
            and any(self._uses.read_after(slot, number) for slot in step.registers)
        ):
            value = same_as(self._store_scratch(value))
        for memory in step.memory:
            clbit = self._circuit.clbits[memory]
            self._circuit.store(clbit, value_expression(value, self._circuit))
            value = same_as(clbit)
        for slot in step.registers:
            self._write(slot, value)

    def _write(self, slot: int, value: RegisterValue) -> None:
        if slot in self._kept:
            self._circuit.store(self._kept[slot], value_expression(value, self._circuit))
        else:
            self._set(slot, value)
            self._untouched.discard(slot)


def _scratch_names() -> Iterator[str]:
    yield "scratch"
    for number in count(1):
        yield f"scratch{number}"
