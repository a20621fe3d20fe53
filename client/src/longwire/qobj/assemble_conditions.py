"""Conditions of Qiskit 2 as Boolean functions of a Qobj.

Each condition becomes one register slot: comparisons of bits are a single ``bfunc``,
and every other combination of them by "and", "or" and "not" a few, whose outcomes
are compared in turn. A ``bfunc`` is evaluated at its own place, as a condition of
``if_test`` is: once, before the body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qiskit.circuit import ClassicalRegister, Clbit
from qiskit.circuit.classical import expr

from longwire.qobj.qasm_instruction import QasmQobjInstruction

__all__ = ["Comparison", "ConditionAssembler", "InexpressibleConditionError"]


class InexpressibleConditionError(Exception):
    """A condition that a Qobj cannot hold; the assembler adds where it stands."""


@dataclass(frozen=True)
class Comparison:
    """Whether all slots hold the wanted bits (or, if not ``equal``, some do not).

    No bits at all compare as equal.
    """

    bits: dict[int, bool]
    equal: bool = True

    def negated(self) -> Comparison:
        """Returns the opposite."""
        return Comparison(self.bits, not self.equal)

    def as_conjunction(self) -> dict[int, bool] | None:
        """Returns the bits that must hold, where the outcome is a plain "and" of bits."""
        if self.equal:
            return self.bits
        if len(self.bits) == 1:
            ((slot, bit),) = self.bits.items()
            return {slot: not bit}
        return None

    def instruction(self, register: int) -> QasmQobjInstruction:
        """Returns the ``bfunc`` that writes the outcome to a register slot."""
        mask = sum(1 << slot for slot in self.bits)
        value = sum(1 << slot for slot, bit in self.bits.items() if bit)
        return QasmQobjInstruction(
            "bfunc",
            mask=f"0x{mask:X}",
            relation="==" if self.equal else "!=",
            val=f"0x{value:X}",
            register=register,
        )


_NEVER = Comparison({}, equal=False)


class ConditionAssembler:
    """Writes Boolean functions into register slots of their own.

    Args:
        emit: takes each ``bfunc`` in order.
        first_register: the first free register slot.
    """

    def __init__(self, emit: Callable[[QasmQobjInstruction], None], first_register: int) -> None:
        self._emit = emit
        self._next_register = first_register

    def store(self, comparison: Comparison) -> int:
        """Emits the function and returns the register slot of its outcome."""
        register = self._next_register
        self._next_register += 1
        self._emit(comparison.instruction(register))
        return register

    def join(self, left: Comparison, right: Comparison) -> Comparison:
        """Returns "both", emitting functions for parts that are no plain "and" of bits."""
        bits: dict[int, bool] = {}
        for part in (left, right):
            conjunction = part.as_conjunction()
            if conjunction is None:
                conjunction = {self.store(part): True}
            for slot, bit in conjunction.items():
                if bits.setdefault(slot, bit) != bit:
                    return _NEVER
        return Comparison(bits)

    def compare(self, condition: Any, slot_of: Callable[[Clbit], int]) -> Comparison:
        """Reads a condition of ``if_test``.

        Args:
            condition: a pair of bit or register and value, or an expression.
            slot_of: gives the register slot that holds a classical bit.

        Raises:
            InexpressibleConditionError: the condition does arithmetic, compares by order,
                or uses variables.
        """
        if isinstance(condition, expr.Expr):
            return self._boolean(condition, slot_of)
        target, value = condition
        if isinstance(target, Clbit):
            return Comparison({slot_of(target): bool(value)})
        return _equals(_register_slots(target, slot_of), int(value))

    def _boolean(self, node: expr.Expr, slot_of: Callable[[Clbit], int]) -> Comparison:
        if isinstance(node, expr.Value):
            return Comparison({}, equal=bool(node.value))
        if isinstance(node, expr.Var) and isinstance(node.var, Clbit):
            return Comparison({slot_of(node.var): True})
        if isinstance(node, expr.Index):
            return Comparison({self._indexed(node, slot_of): True})
        if isinstance(node, expr.Unary):
            return self._boolean(node.operand, slot_of).negated()
        if isinstance(node, expr.Cast):
            slots = _integer(node.operand, slot_of)
            # An integer is true where it is not 0.
            return _equals(slots, 0).negated()
        if isinstance(node, expr.Binary):
            return self._binary(node, slot_of)
        raise InexpressibleConditionError(f"a Qobj cannot hold the condition {node}")

    def _binary(self, node: expr.Binary, slot_of: Callable[[Clbit], int]) -> Comparison:
        operator = expr.Binary.Op
        if node.op in (operator.LOGIC_AND, operator.BIT_AND):
            left, right = (self._boolean(side, slot_of) for side in (node.left, node.right))
            return self.join(left, right)
        if node.op in (operator.LOGIC_OR, operator.BIT_OR):
            left, right = (self._boolean(side, slot_of) for side in (node.left, node.right))
            return self.join(left.negated(), right.negated()).negated()
        if node.op in (operator.EQUAL, operator.NOT_EQUAL):
            sides = (node.left, node.right)
            constants = [side for side in sides if isinstance(side, expr.Value)]
            others = [side for side in sides if not isinstance(side, expr.Value)]
            if len(constants) == 1:
                (constant,), (other,) = constants, others
                if isinstance(constant.value, bool):
                    outcome = self._boolean(other, slot_of)
                    outcome = outcome if constant.value else outcome.negated()
                else:
                    outcome = _equals(_integer(other, slot_of), constant.value)
                return outcome if node.op is operator.EQUAL else outcome.negated()
        raise InexpressibleConditionError(
            f"a Qobj knows no {node.op.name} in a condition, only comparisons of bits with "
            "constants, joined by and, or, not"
        )

    @staticmethod
    def _indexed(node: expr.Index, slot_of: Callable[[Clbit], int]) -> int:
        slots = _integer(node.target, slot_of)
        if not isinstance(node.index, expr.Value) or node.index.value not in slots:
            raise InexpressibleConditionError("a Qobj cannot index bits by a value")
        return slots[node.index.value]


def _register_slots(register: ClassicalRegister, slot_of: Callable[[Clbit], int]) -> dict[int, int]:
    return {index: slot_of(clbit) for index, clbit in enumerate(register)}


def _integer(node: expr.Expr, slot_of: Callable[[Clbit], int]) -> dict[int, int]:
    """Returns the slot of each bit of an integer; bits that are masked out are absent."""
    if isinstance(node, expr.Var) and isinstance(node.var, ClassicalRegister):
        return _register_slots(node.var, slot_of)
    if isinstance(node, expr.Cast):
        return _integer(node.operand, slot_of)
    if isinstance(node, expr.Binary) and node.op is expr.Binary.Op.BIT_AND:
        for masked, mask in ((node.left, node.right), (node.right, node.left)):
            if isinstance(mask, expr.Value):
                slots = _integer(masked, slot_of)
                return {index: slot for index, slot in slots.items() if mask.value >> index & 1}
    raise InexpressibleConditionError(
        "a Qobj compares registers, whole or under a constant mask, with constants"
    )


def _equals(slots: dict[int, int], value: int) -> Comparison:
    bits: dict[int, bool] = {}
    for index, slot in slots.items():
        bit = bool(value >> index & 1)
        if bits.setdefault(slot, bit) != bit:
            return _NEVER
    if value & ~sum(1 << index for index in slots):
        return _NEVER
    return Comparison(bits)
