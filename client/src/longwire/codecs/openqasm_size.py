"""How large the circuit of an OpenQASM text becomes, by arithmetic on its definitions.

A parser that builds it first finds out too late: ``h q;`` stands for as many gates as
``q`` has qubits, and forty gates each defined by two of the one before for a million
million.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from longwire.codecs.program_caps import (
    MAX_EXPANDED,
    MAX_INSTRUCTIONS,
    MAX_NESTING,
    MAX_QUBITS,
    too_large,
)

__all__ = ["OpenqasmSizes"]

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_STRING = re.compile(r'"[^"\n]*"')
# A statement, or what stands before a block, and what ends it.
_PART = re.compile(r"([^;{}]*)([;{}])")
_OLD_REGISTER = re.compile(r"\s*(qreg|creg)\s+\w+\s*\[")
_NEW_REGISTER = re.compile(r"\s*(qubit|bit)\s*(?:\[([^\[\]]*)\])?\s*(\w+)\s*(=|$)")
_SIZED_NAME = re.compile(r"\s*(?:qreg|creg)\s+(\w+)\s*\[([^\[\]]*)\]\s*$")
_ANY_REGISTER = re.compile(r"\b(?:qreg|creg|qubit|bit)\b[^;\[]*\[")
_ANY_SIZE = re.compile(r"\b(?:qreg|creg|qubit|bit)\b[^;\[]*\[\s*([^\[\]]*?)\s*\]")
_GATE_HEAD = re.compile(r"\s*(?:gate|opaque)\s+(\w+)")
_CONDITION = re.compile(r"\s*if\s*\([^()]*\)")
_MODIFIERS = re.compile(r".*@", re.DOTALL)
_CALL = re.compile(r"\s*(\w+)")
_LITERAL = re.compile(r"\s*\d[\d_]*\s*")
_NO_CALLS: Final = frozenset({"OPENQASM", "include", "opaque", "gate", "input", "output"})
# More digits than any register may have.
_MAX_DIGITS: Final = 12
_MAX_BRACKETS: Final = 100


@dataclass
class OpenqasmSizes:
    """Counts what the texts of one program stand for, all together."""

    instructions: int = 0
    expanded: int = 0
    """The same with those that gate definitions stand for."""

    def add(self, text: str, place: str) -> None:
        """Refuses a text with which the program would be larger than any may be.

        What is not OpenQASM is left for the parser to say.

        Args:
            text: OpenQASM 2 or 3.
            place: which of a job's programs it is, as the beginning of the error.

        Raises:
            LimitExceededError: it is too large; the message says in what.
        """
        text = _COMMENT.sub(" ", _STRING.sub('""', text))
        _check_brackets(text, place)
        if "{" not in text and self._add_plain(text):
            return
        circuit = _Circuit(self, place)
        for statement, end in _PART.findall(text):
            circuit.add(statement, end)

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
        if not (is_small and are_numbers):
            return False
        self.instructions += statements
        self.expanded += statements
        return True


@dataclass
class _Circuit:
    """What one text has declared so far."""

    sizes: OpenqasmSizes
    place: str
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
            weight = self.weights[gate] + self._weight(statement)
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
        """Whether the statement declares a register, which is counted."""
        if _OLD_REGISTER.match(statement):
            found = _SIZED_NAME.match(statement)
            name, text = found.groups() if found else ("", "0")
            is_quantum = "qreg" in statement
        else:
            new = _NEW_REGISTER.match(statement)
            if new is None:
                return False
            kind, text, name, _ = new.groups()
            is_quantum, text = kind == "qubit", text or "1"
        size = self._size(text)
        self.registers[name] = size
        what = "qubits" if is_quantum else "classical bits"
        self.bits[what] += size
        if self.bits[what] > MAX_QUBITS:
            raise too_large(what, self.bits[what], MAX_QUBITS, self.place)
        return "=" not in statement

    def _size(self, text: str) -> int:
        if not _LITERAL.fullmatch(text):
            # A number in the text bounds nothing that is worked out of it.
            from longwire.errors import InvalidProgramError

            raise InvalidProgramError(
                f"{self.place}the size of a register must be written as a number, "
                f"not as {text.strip()!r:.100}",
                reason="PROGRAM_INVALID",
            )
        digits = text.strip().replace("_", "")
        return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS

    def _count(self, statement: str) -> None:
        statement = _CONDITION.sub("", statement, count=1)
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

    def _weight(self, statement: str) -> int:
        """How many instructions a statement stands for, on one set of qubits."""
        call = _CALL.match(_without_modifiers(statement))
        if call is None or call[1] in _NO_CALLS:
            return 0
        return self.weights.get(call[1], 1)

    def _broadcast(self, statement: str) -> int:
        """How often a statement is repeated for the registers that it names whole."""
        statement = _without_modifiers(statement)
        call = _CALL.match(statement)
        if call is None or call[1] == "barrier":
            return 1
        rest = statement[max(call.end(), statement.rfind(")") + 1) :]
        operands = rest.replace("->", ",").replace("=", ",").split(",")
        whole = (operand.strip().removeprefix("measure").strip() for operand in operands)
        return max((self.registers.get(name, 1) for name in whole), default=1)


def _without_modifiers(statement: str) -> str:
    return _MODIFIERS.sub("", statement) if "@" in statement else statement


def _check_brackets(text: str, place: str) -> None:
    """Expressions are parsed by functions that call themselves."""
    depth = 0
    for found in re.finditer(r"[()\[\]]", text):
        depth = depth + 1 if found[0] in "([" else max(0, depth - 1)
        if depth > _MAX_BRACKETS:
            what = "levels of brackets"
            raise too_large(what, f"more than {_MAX_BRACKETS}", _MAX_BRACKETS, place)
