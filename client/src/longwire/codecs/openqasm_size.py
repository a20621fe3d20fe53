"""How large the circuit of an OpenQASM text becomes, by arithmetic on its definitions.

A parser that builds it first finds out too late: ``h q;`` stands for as many gates as
``q`` has qubits, and forty gates each defined by two of the one before for a million
million.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from longwire.codecs.openqasm_text import text_to_count
from longwire.codecs.program_caps import (
    MAX_BITS,
    MAX_EXPANDED,
    MAX_INSTRUCTIONS,
    MAX_NESTING,
    MAX_QUBITS,
    too_large,
)
from longwire.v1 import program_pb2

if TYPE_CHECKING:
    from longwire.errors import InvalidProgramError

__all__ = ["OpenqasmSizes"]

# A statement, or what stands before a block, and what ends it.
_PART = re.compile(r"([^;{}]*)([;{}])")
# In version 2, qubit, bit and let are names like others.
_VERSION2_REGISTER = re.compile(r"\s*(qreg|creg)\b")
_VERSION3_REGISTER = re.compile(r"\s*(qreg|creg|qubit|bit)\b")
_SIZE_BEHIND = re.compile(r"\s*(?:qreg|creg)\s+(\w+)\s*(?:\[([^\[\]]*)\]\s*)?$")
_SIZE_BEFORE = re.compile(r"\s*(?:qubit|bit)\s*(?:\[([^\[\]]*)\])?\s*(\w+)\s*(?:=|$)")
_ANY_REGISTER = re.compile(r"\b(?:qreg|creg|qubit|bit)\b[^;\[]*\[")
_ANY_SIZE = re.compile(r"\b(?:qreg|creg|qubit|bit)\b[^;\[]*\[\s*([^\[\]]*?)\s*\]")
_ALIAS = re.compile(r"\s*let\s+(\w+)\s*=")
_ANY_ALIAS = re.compile(r"\blet\b")
_GATE_HEAD = re.compile(r"\s*(?:gate|opaque)\s+(\w+)")
# What may stand before the one statement that it is about.
_VERSION2_HEAD = re.compile(r"\s*if\s*(?=\()")
_VERSION3_HEAD = re.compile(r"\s*(?:(?:if|while)\s*(?=\()|else\b|for\b[^;]*?\bin\s*(?=\[))")
_MODIFIERS = re.compile(r".*@", re.DOTALL)
_CALL = re.compile(r"\s*(\w+)\s*")
_OPERAND = re.compile(r"(\w+)\s*(?:\[([^\[\]]*)\])?")
# Braces around an index, which are no block.
_INDEX_SET = re.compile(r"\[\s*\{([^{};]*)\}\s*\]")
_PHYSICAL_QUBIT = re.compile(r"\$(\d+)")
_ANY_CONTROLS = re.compile(r"\b(?:neg)?ctrl\s*\(")
_CONTROLS = re.compile(r"\b(?:neg)?ctrl\s*\(([^()]*)\)\s*@")
_LITERAL = re.compile(r"\s*\d[\d_]*\s*")
_NO_CALLS: Final = frozenset({"OPENQASM", "include", "opaque", "gate", "input", "output"})
_BRACKET = re.compile(r"[()\[\]]")
# More digits than any register may have.
_MAX_DIGITS: Final = 12
_MAX_BRACKETS: Final = 100


@dataclass
class OpenqasmSizes:
    """Counts what the texts of one program stand for, all together."""

    instructions: int = 0
    expanded: int = 0
    """The same with those that gate definitions stand for."""

    bits: int = 0
    """Qubits and classical bits, those of aliases once more."""

    def add(
        self, text: str, program_format: program_pb2.ProgramFormat.ValueType, place: str
    ) -> None:
        """Refuses a text with which the program would be larger than any may be.

        What is not OpenQASM is left for the parser to say.

        Args:
            text: OpenQASM.
            program_format: whether it is OpenQASM 2 or 3.
            place: which of a job's programs it is, as the beginning of the error.

        Raises:
            InvalidProgramError: a size is not written as a number.
            LimitExceededError: it is too large; the message says in what.
        """
        is_old = program_format == program_pb2.PROGRAM_FORMAT_OPENQASM2
        text, sets = _INDEX_SET.subn(r"[\1]", text_to_count(text, program_format))
        _check_brackets(text, place)
        if not is_old:
            self._check_physical_qubits(text, place)
            _check_controls(text, place)
        is_plain = "{" not in text and not sets and not _ANY_ALIAS.search(text)
        if is_plain and self._add_plain(text):
            return
        circuit = _Circuit(self, place, is_old)
        # With an end to it, what ends in nothing is looked through once, not from each place.
        for statement, end in _PART.findall(f"{text};"):
            circuit.add(statement, end)

    def add_bits(self, number: int, place: str) -> None:
        """Counts qubits or classical bits.

        Raises:
            LimitExceededError: the texts have too many together.
        """
        self.bits += number
        if self.bits > MAX_BITS:
            raise too_large("bits of all circuits", self.bits, MAX_BITS, place)

    def _check_physical_qubits(self, text: str, place: str) -> None:
        """The parser makes all qubits up to the one that is named."""
        number = max((1 + _number(index) for index in _PHYSICAL_QUBIT.findall(text)), default=0)
        if number > MAX_QUBITS:
            raise too_large("qubits", number, MAX_QUBITS, place)
        self.add_bits(number, place)

    def _add_plain(self, text: str) -> bool:
        """Counts a text without blocks, whose every statement may name a whole register.

        Returns:
            Whether that is within the bounds: otherwise it takes a closer look.
        """
        sizes = [size for size in _ANY_SIZE.findall(text) if len(size) <= _MAX_DIGITS]
        whole = 1 + sum(int(size) for size in sizes if size.isdecimal())
        statements = text.count(";")
        is_small = self.instructions + statements * whole <= MAX_INSTRUCTIONS
        are_numbers = all(size.isdecimal() for size in sizes)
        if len(sizes) != len(_ANY_REGISTER.findall(text)) or whole > MAX_QUBITS:
            return False
        if not (is_small and are_numbers) or self.bits + whole > MAX_BITS:
            return False
        self.instructions += statements
        self.expanded += statements
        self.bits += whole
        return True


@dataclass
class _Circuit:
    """What one text has declared so far."""

    sizes: OpenqasmSizes
    place: str
    is_old: bool
    """Whether it is OpenQASM 2."""

    registers: dict[str, int] = field(default_factory=dict)
    bits: dict[str, int] = field(default_factory=lambda: {"qubits": 0, "classical bits": 0})
    weights: dict[str, int] = field(default_factory=dict)
    """How many instructions each gate stands for, itself included."""

    blocks: list[str | None] = field(default_factory=list)
    """Around the present place: the names of gates, and None for other blocks."""

    def add(self, statement: str, end: str) -> None:
        """Counts one statement."""
        gate = self.blocks[0] if self.blocks else None
        if end == "{":
            self._open(statement)
        elif gate is not None:
            weight = self.weights[gate] + self._weight(self._bare(statement))
            self.weights[gate] = min(weight, MAX_EXPANDED + 1)
        elif not self._declare(statement):
            self._count(statement)
        if end == "}" and self.blocks:
            self.blocks.pop()

    def _open(self, statement: str) -> None:
        head = _GATE_HEAD.match(statement)
        self.blocks.append(head[1] if head else None)
        if head is not None:
            self.weights[head[1]] = 1
        if len(self.blocks) > MAX_NESTING:
            raise too_large(
                "levels of nesting", f"more than {MAX_NESTING}", MAX_NESTING, self.place
            )

    def _declare(self, statement: str) -> bool:
        """Whether the statement does no more than to declare a register, or to name one."""
        alias = _ALIAS.match(statement)
        if alias is not None and not self.is_old:
            self._name(alias[1], self._taken(statement[alias.end() :], sum))
            return True
        kind = (_VERSION2_REGISTER if self.is_old else _VERSION3_REGISTER).match(statement)
        if kind is None:
            return False
        is_behind = kind[1] in ("qreg", "creg")
        found = (_SIZE_BEHIND if is_behind else _SIZE_BEFORE).match(statement)
        if found is None and "]" not in statement:
            # It declares nothing, which the parser says better.
            return True
        if found is None:
            raise _no_number(statement, self.place)
        name, text = (found[1], found[2]) if is_behind else (found[2], found[1])
        size = _size("1" if text is None else text, self.place)
        self._name(name, size)
        what = "qubits" if kind[1] in ("qreg", "qubit") else "classical bits"
        self.bits[what] += size
        if self.bits[what] > MAX_QUBITS:
            raise too_large(what, self.bits[what], MAX_QUBITS, self.place)
        return "=" not in statement

    def _name(self, name: str, size: int) -> None:
        # A name may mean something else in a block; which block is not kept.
        self.registers[name] = max(size, self.registers.get(name, 0))
        self.sizes.add_bits(min(size, MAX_QUBITS + 1), self.place)

    def _count(self, statement: str) -> None:
        statement = self._bare(statement)
        weight = self._weight(statement)
        if not weight:
            return
        times = self._broadcast(statement)
        sizes = self.sizes
        sizes.instructions += times
        sizes.expanded += times * weight
        if sizes.instructions > MAX_INSTRUCTIONS:
            number = f"at least {sizes.instructions}"
            raise too_large("instructions", number, MAX_INSTRUCTIONS, self.place)
        if sizes.expanded > MAX_EXPANDED:
            what = "with those of its gate definitions, more"
            raise too_large("instructions", what, MAX_EXPANDED, self.place)

    def _bare(self, statement: str) -> str:
        """A statement without conditions, loops and modifiers before it."""
        begin = 0
        heads = _VERSION2_HEAD if self.is_old else _VERSION3_HEAD
        while head := heads.match(statement, begin):
            begin = _after_brackets(statement, head.end())
        statement = statement[begin:]
        return _MODIFIERS.sub("", statement) if "@" in statement else statement

    def _weight(self, bare: str) -> int:
        """How many instructions a statement stands for, on one set of qubits."""
        call = _CALL.match(bare)
        if call is None or call[1] in _NO_CALLS:
            return 0
        return self.weights.get(call[1], 1)

    def _broadcast(self, bare: str) -> int:
        """How often a statement is repeated for the registers that it names."""
        call = _CALL.match(bare)
        if call is None or call[1] == "barrier":
            return 1
        begin = call.end()
        if bare.startswith("(", begin):
            begin = _after_brackets(bare, begin)
        return max(1, self._taken(bare[begin:], max))

    def _taken(self, operands: str, together: Callable[[list[int]], int]) -> int:
        """How many bits operands are, together or at most."""
        numbers = [0]
        for name, index in _OPERAND.findall(operands):
            size = self.registers.get(name, 0)
            numbers.append(_bits_at(index, size) if size else 0)
        return together(numbers)


def _bits_at(index: str, size: int) -> int:
    """How many bits an index takes of a register, at most; all if there is no index."""
    if not index:
        return size
    if ":" not in index:
        # The same bit may be there again and again.
        return index.count(",") + 1
    ends = index.split(":")
    if not (_LITERAL.fullmatch(ends[0]) and _LITERAL.fullmatch(ends[-1])):
        return size
    return min(size, abs(_number(ends[-1]) - _number(ends[0])) + 1)


def _size(text: str, place: str) -> int:
    if not _LITERAL.fullmatch(text):
        raise _no_number(text, place)
    return _number(text)


def _number(literal: str) -> int:
    digits = literal.strip().replace("_", "")
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _no_number(text: str, place: str) -> InvalidProgramError:
    """The error for a size that is worked out: no number in the text bounds it."""
    from longwire.errors import InvalidProgramError

    return InvalidProgramError(
        f"{place}the size of a register must be written as a number, not as {text.strip()!r:.100}",
        reason="PROGRAM_INVALID",
    )


def _check_controls(text: str, place: str) -> None:
    """The parser makes a gate of as many qubits as it is asked for."""
    controls = _CONTROLS.findall(text)
    if len(controls) != len(_ANY_CONTROLS.findall(text)):
        raise _no_number("an expression in ctrl(...)", place)
    number = max((_size(each, place) for each in controls), default=0)
    if number > MAX_QUBITS:
        raise too_large("control qubits", number, MAX_QUBITS, place)


def _after_brackets(text: str, begin: int) -> int:
    """The place after the brackets that open at ``begin``; ``begin`` where none do."""
    depth = 0
    for found in _BRACKET.finditer(text, begin):
        if found.start() > begin and not depth:
            break
        depth += 1 if found[0] in "([" else -1
        if depth <= 0:
            return found.end()
    return begin


def _check_brackets(text: str, place: str) -> None:
    """Expressions are parsed by functions that call themselves."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "([" else max(0, depth - 1)
        if depth > _MAX_BRACKETS:
            what = "levels of brackets"
            raise too_large(what, f"more than {_MAX_BRACKETS}", _MAX_BRACKETS, place)
