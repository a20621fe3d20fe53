"""What a register slot holds, as an expression over the circuit's classical bits.

Qiskit 2 has no register slots beside the classical bits. A slot's value is
therefore followed symbolically: it is constant, or the same as a classical bit, or
the outcome of a comparison of bits, or made of several of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from qiskit.circuit import ClassicalRegister, Clbit, QuantumCircuit
from qiskit.circuit.classical import expr

from longwire.qobj.steps import BooleanFunction

__all__ = [
    "FALSE",
    "Condition",
    "RegisterValue",
    "condition_for",
    "evaluate",
    "same_as",
    "value_expression",
]

# What QuantumCircuit.if_test takes.
Condition: TypeAlias = tuple[Clbit, bool] | tuple[ClassicalRegister, int] | expr.Expr

# Simulators hold a register in a comparison as an integer of 64 bits.
_MAX_COMPARED_WIDTH = 63


@dataclass(frozen=True)
class RegisterValue:
    """The outcome of comparing bits: ``(all bits and terms are as wanted) != negated``.

    No bits and no terms give a constant: True, or False where negated.

    Attributes:
        bits: the value wanted of each classical bit.
        terms: further Boolean expressions that must be true.
        negated: whether the outcome is turned round.
        clbits: every classical bit that the outcome depends on.
        size: number of bits and operations, which bounds the expression's size.
    """

    bits: tuple[tuple[Clbit, bool], ...]
    terms: tuple[expr.Expr, ...]
    negated: bool
    clbits: frozenset[Clbit]
    size: int

    @property
    def constant(self) -> bool | None:
        """The value where it is known before the circuit runs, else None."""
        return None if self.bits or self.terms else not self.negated

    @property
    def clbit(self) -> Clbit | None:
        """The classical bit that has the same value, if there is one."""
        if len(self.bits) == 1 and not self.terms:
            bit, wanted = self.bits[0]
            return bit if wanted != self.negated else None
        return None


FALSE = RegisterValue((), (), True, frozenset(), 0)
TRUE = RegisterValue((), (), False, frozenset(), 0)


def same_as(clbit: Clbit) -> RegisterValue:
    """Returns the value of a slot that holds the same as a classical bit."""
    return RegisterValue(((clbit, True),), (), False, frozenset({clbit}), 1)


def evaluate(
    bfunc: BooleanFunction, values: Mapping[int, RegisterValue], circuit: QuantumCircuit
) -> RegisterValue:
    """Returns the outcome of a Boolean function of the slots' values.

    Args:
        bfunc: the function.
        values: the slots' values now; a slot that was never written holds 0.
        circuit: the circuit that has the classical bits.
    """
    never, always = (FALSE, TRUE) if bfunc.equal else (TRUE, FALSE)
    if not bfunc.possible:
        return never
    wanted: dict[Clbit, bool] = {}
    terms: list[expr.Expr] = []
    clbits: set[Clbit] = set()
    size = 0
    for slot, bit in bfunc.bits.items():
        value = values.get(slot, FALSE)
        constant = value.constant
        if constant is not None:
            if constant != bit:
                return never
            continue
        clbits |= value.clbits
        size += value.size + 1
        pairs = _as_bits(value, bit)
        if pairs is None:
            term = value_expression(value, circuit)
            terms.append(term if bit else expr.logic_not(term))
            continue
        for clbit, state in pairs:
            if wanted.setdefault(clbit, state) != state:
                return never
    if not wanted and not terms:
        return always
    return RegisterValue(
        tuple(wanted.items()), tuple(terms), not bfunc.equal, frozenset(clbits), size
    )


def _as_bits(value: RegisterValue, outcome: bool) -> tuple[tuple[Clbit, bool], ...] | None:
    """Returns the bits that must hold for ``value == outcome``, where that is all it takes."""
    if value.terms:
        return None
    if value.negated != outcome:
        return value.bits
    if len(value.bits) == 1:
        clbit, state = value.bits[0]
        return ((clbit, not state),)
    return None


def value_expression(value: RegisterValue, circuit: QuantumCircuit) -> expr.Expr:
    """Returns the value as a Boolean expression."""
    if value.constant is not None:
        return expr.lift(value.constant)
    return _lifted(condition_for(value, circuit))


def condition_for(value: RegisterValue, circuit: QuantumCircuit) -> Condition:
    """Returns what ``if_test`` takes, in the simplest form, for a value that is not constant."""
    by_register: dict[ClassicalRegister, dict[int, bool]] = {}
    terms: list[Condition] = []
    for clbit, state in value.bits:
        locations = circuit.find_bit(clbit).registers
        if locations and locations[0][0].size <= _MAX_COMPARED_WIDTH:
            register, index = locations[0]
            by_register.setdefault(register, {})[index] = state
        else:
            terms.append((clbit, state))
    terms = [_compare(register, bits) for register, bits in by_register.items()] + terms
    terms += value.terms
    if len(terms) == 1:
        return _negated(terms[0]) if value.negated else terms[0]
    joined = _lifted(terms[0])
    for term in terms[1:]:
        joined = expr.logic_and(joined, _lifted(term))
    return expr.logic_not(joined) if value.negated else joined


def _compare(register: ClassicalRegister, bits: Mapping[int, bool]) -> Condition:
    value = sum(1 << index for index, state in bits.items() if state)
    if len(bits) == register.size:
        return (register, value)
    if len(bits) == 1:
        ((index, state),) = bits.items()
        return (register[index], state)
    mask = sum(1 << index for index in bits)
    return expr.equal(expr.bit_and(register, mask), value)


def _negated(condition: Condition) -> Condition:
    if not isinstance(condition, expr.Expr):
        target, wanted = condition
        if isinstance(target, Clbit):
            return (target, not wanted)
        return expr.not_equal(target, wanted)
    if isinstance(condition, expr.Binary) and condition.op is expr.Binary.Op.EQUAL:
        return expr.not_equal(condition.left, condition.right)
    return expr.logic_not(condition)


def _lifted(condition: Condition) -> expr.Expr:
    if isinstance(condition, expr.Expr):
        return condition
    target, wanted = condition
    if isinstance(target, Clbit):
        return expr.lift(target) if wanted else expr.logic_not(target)
    return expr.equal(target, wanted)
