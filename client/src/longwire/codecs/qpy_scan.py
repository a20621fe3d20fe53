"""What a QPY payload holds, told from its bytes without building any of it.

Qiskit's reader makes what a header claims (a million qubits in 135 bytes), and looks up
the names of instructions among all that ``qiskit.circuit.library`` has, functions and
circuits of any size included, to call them with the payload's parameters. So a payload
is walked first: every size is held against the bounds of
:mod:`longwire.codecs.program_caps`, and every name against what is an instruction.

The format is that of versions 13 to 18, as Qiskit's documentation of ``qiskit.qpy`` has
it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from longwire.codecs.program_caps import (
    MAX_BITS,
    MAX_CIRCUITS,
    MAX_EXPANDED,
    MAX_INSTRUCTIONS,
    MAX_NESTING,
    MAX_QUBITS,
    too_large,
)

__all__ = ["LAST_QPY_VERSION", "DamagedQpyError", "scan_qpy", "stated_num_circuits"]

LAST_QPY_VERSION: Final = 18
"""The newest version that is known here."""

_FILE_HEADER = struct.Struct("!6sBBBBQcc")
_TABLE_ENTRY = struct.Struct("!Q")
_CIRCUIT_HEADER = struct.Struct("!HcHIIQIQI")
_REGISTER = struct.Struct("!c?IH?")
_REGISTER_18 = struct.Struct("!c?IH?B")
_VARIABLE = struct.Struct("!16scH")
_ANNOTATION_STATE = struct.Struct("!IQ")
_DEFINITION = struct.Struct("!HcII?QIIQ")
_INSTRUCTION = struct.Struct("!HHHIIBHqII")
_ARGUMENT = struct.Struct("!cI")
_VALUE = struct.Struct("!cQ")
_ANNOTATION = struct.Struct("!IQ")
_MODIFIER = struct.Struct("!cIId")
_EVOLUTION = struct.Struct("!Q?cQQ")
_VECTOR = struct.Struct("!HQ16s")
_VECTOR_ELEMENT = struct.Struct("!HQ16sQ")
_VECTOR_ELEMENT_18 = struct.Struct("!HQ")
_EXPRESSION = struct.Struct("!QQ")
_SYMBOL = struct.Struct("!ccQ")
_LAYOUT = struct.Struct("!?iiiIi")
_LAYOUT_BIT = struct.Struct("!ii")
_COUNT = struct.Struct("!I")
_LONG_COUNT = struct.Struct("!Q")
_SHORT = struct.Struct("!H")
# The identifier of a parameter.
_PARAMETER_TAIL: Final = 16

_CIRCUIT_TABLE_SINCE: Final = 16
_ANNOTATIONS_SINCE: Final = 15
_VECTOR_TABLE_SINCE: Final = 18

_CONDITION_MASK: Final = 0b11
_EXPRESSION_CONDITION: Final = 2
_HAS_ANNOTATIONS: Final = 0b1000_0000
_EVOLUTION_NAME: Final = b"###PauliEvolutionGate_"
# Parameters with something in them that is to be walked.
_HOLDERS: Final = frozenset({b"q", b"t", b"v", b"e", b"m"})
# What a number begins with, and its size with that.
_FLOAT: Final = _VALUE.pack(b"f", 8)
_FLOAT_SIZE: Final = _VALUE.size + 8
# Kinds of instructions that are known again; a payload could have a million.
_MAX_REMEMBERED: Final = 1024
# What stands in a definition's place for its name.
_DEFINED: Final = frozenset({"Gate", "Instruction", "ControlledGate"})
# Instructions that Qiskit keeps outside of its library.
_OTHERS: Final = frozenset({"Clifford", "pauli_product_measurement"})
_SYNTHESES: Final = frozenset(
    {"LieTrotter", "MatrixExponential", "ProductFormula", "QDrift", "SuzukiTrotter"}
)
_MAX_REPETITIONS: Final = 10_000


_View = bytes | memoryview


class DamagedQpyError(ValueError):
    """The bytes are no QPY; the message says what is wrong."""


@dataclass
class _Totals:
    """What was counted so far, over all circuits and definitions."""

    bits: int = 0
    instructions: int = 0


def stated_num_circuits(payload: bytes) -> int:
    """How many circuits a payload says that it has, true or not; 0 where it is none."""
    if len(payload) < _FILE_HEADER.size or not payload.startswith(b"QISKIT"):
        return 0
    *_, circuits, _encoding, _kind = _FILE_HEADER.unpack_from(payload)
    return _sized(circuits)


def scan_qpy(payload: bytes, is_instruction: Callable[[str], bool]) -> None:
    """Walks a payload of version 13 to 18.

    Args:
        payload: the bytes, whose magic number and version were checked.
        is_instruction: whether a name of Qiskit's is that of an instruction, beside
            those that the payload defines.

    Raises:
        DamagedQpyError: it is damaged, or names what is no instruction.
        LimitExceededError: it is larger than any program may be.
    """
    try:
        _File(payload, is_instruction).scan()
    except struct.error as error:
        raise DamagedQpyError("it ends in the middle of something") from error


class _Bytes:
    """Reads forward in a part of a payload; nothing is copied but names."""

    def __init__(self, data: _View) -> None:
        self.data = data
        self.place = 0

    def unpack(self, layout: struct.Struct) -> tuple[object, ...]:
        values = layout.unpack_from(self.data, self.place)
        self.place += layout.size
        return values

    def number(self, layout: struct.Struct) -> int:
        (value,) = self.unpack(layout)
        assert isinstance(value, int)
        return value

    def skip(self, size: int) -> None:
        """Goes past the next bytes, which must all be there."""
        end = self.place + size
        if size < 0 or end > len(self.data):
            raise DamagedQpyError("it ends in the middle of something")
        self.place = end

    def part(self, size: int) -> memoryview:
        """The next bytes, which must all be there."""
        begin = self.place
        self.skip(size)
        return memoryview(self.data)[begin : self.place]

    def text(self, size: int) -> str:
        try:
            return str(self.part(size), "utf-8")
        except UnicodeDecodeError as error:
            raise DamagedQpyError("a name in it is not UTF-8") from error

    def seek(self, place: int) -> None:
        if place > len(self.data):
            raise DamagedQpyError("a circuit lies beyond its end")
        self.place = place


class _File:
    """One payload."""

    def __init__(self, payload: bytes, is_instruction: Callable[[str], bool]) -> None:
        self._data = payload
        self._is_instruction = is_instruction
        self._version = payload[6]
        self._totals = _Totals()
        # Of the instructions that were walked: the sizes that the bytes before the name
        # state, as (name, what is behind it, number of parameters); and what an
        # instruction of each name stands for, where a circuit defines none itself.
        self._shapes: dict[_View, tuple[int, int, int]] = {}
        self._names: dict[_View, int] = {}

    def scan(self) -> None:
        source = _Bytes(self._data)
        *_, circuits, _encoding, kind = source.unpack(_FILE_HEADER)
        assert isinstance(circuits, int)
        if kind != b"q":
            raise DamagedQpyError("it holds no circuits")
        if circuits > MAX_CIRCUITS:
            raise too_large("circuits", circuits, MAX_CIRCUITS)
        places = [
            source.number(_TABLE_ENTRY)
            for _ in range(circuits if self._version >= _CIRCUIT_TABLE_SINCE else 0)
        ]
        expanded = 0
        for index in range(circuits):
            if places:
                source.seek(places[index])
            expanded += self._circuit(source, 0)
            if not places and index + 1 < circuits:
                self._behind_instructions(source)
            if expanded > MAX_EXPANDED:
                raise too_large("instructions", "with those of its definitions, more", MAX_EXPANDED)

    def _circuit(self, source: _Bytes, depth: int) -> int:
        """Walks a circuit to the end of its instructions; how many it stands for."""
        if depth > MAX_NESTING:
            raise too_large("levels of nesting", f"more than {MAX_NESTING}", MAX_NESTING)
        header = source.unpack(_CIRCUIT_HEADER)
        name, _, phase, qubits, clbits, metadata, registers, instructions, variables = header
        assert isinstance(name, int)
        assert isinstance(phase, int)
        assert isinstance(metadata, int)
        source.skip(name + phase)
        self._count_bits(qubits, clbits)
        source.skip(metadata)
        self._registers(source, registers)
        self._variables(source, variables)
        if self._version >= _ANNOTATIONS_SINCE:
            for _ in range(source.number(_COUNT)):
                namespace, state = source.unpack(_ANNOTATION_STATE)
                source.skip(_sized(namespace) + _sized(state))
        if self._version >= _VECTOR_TABLE_SINCE:
            for _ in range(source.number(_SHORT)):
                vector, length, _ = source.unpack(_VECTOR)
                self._check_vector(length)
                source.skip(_sized(vector))
        definitions = self._definitions(source, depth)
        return self._instructions(source, _sized(instructions), definitions, depth)

    def _behind_instructions(self, source: _Bytes) -> None:
        """Goes to the next circuit, where no table says at which place it is."""
        if source.number(_SHORT):
            raise DamagedQpyError("it holds pulses of gates, which no Qiskit of today reads")
        has_layout, initial, mapping, final, registers, _ = source.unpack(_LAYOUT)
        if not has_layout:
            return
        self._registers(source, registers)
        for _ in range(_sized(initial)):
            _, name = source.unpack(_LAYOUT_BIT)
            source.skip(max(0, _sized(name)))
        source.skip(_COUNT.size * (max(0, _sized(mapping)) + max(0, _sized(final))))

    def _count_bits(self, qubits: object, clbits: object) -> None:
        for what, number in (("qubits", _sized(qubits)), ("classical bits", _sized(clbits))):
            if number > MAX_QUBITS:
                raise too_large(what, number, MAX_QUBITS)
            self._totals.bits += number
        if self._totals.bits > MAX_BITS:
            raise too_large("bits of all circuits", self._totals.bits, MAX_BITS)

    def _registers(self, source: _Bytes, number: object) -> None:
        for _ in range(_sized(number)):
            if self._version >= _VECTOR_TABLE_SINCE:
                *_, size, name, _, is_contiguous = source.unpack(_REGISTER_18)
                indices = _COUNT.size * (1 if is_contiguous == 1 else _sized(size))
            else:
                *_, size, name, _ = source.unpack(_REGISTER)
                indices = _LONG_COUNT.size * _sized(size)
            source.skip(_sized(name) + indices)
            self._count_bits(size, 0)

    def _variables(self, source: _Bytes, number: object) -> None:
        for _ in range(_sized(number)):
            _, _, name = source.unpack(_VARIABLE)
            if bytes(source.part(1)) == b"u":
                source.skip(_COUNT.size)
            source.skip(_sized(name))

    def _definitions(self, source: _Bytes, depth: int) -> dict[str, int]:
        """How many instructions each of a circuit's own operations stands for."""
        found: dict[str, int] = {}
        bases: list[memoryview] = []
        for _ in range(source.number(_LONG_COUNT)):
            name, _, qubits, clbits, defined, size, controls, _, base = source.unpack(_DEFINITION)
            raw_name = source.part(_sized(name))
            self._check_operands(qubits, clbits, controls)
            weight = 1
            if defined:
                body = source.part(_sized(size))
                if bytes(raw_name[: len(_EVOLUTION_NAME)]) == _EVOLUTION_NAME:
                    self._evolution(body, depth)
                else:
                    weight += self._circuit(_Bytes(body), depth + 1)
            found[str(raw_name, "utf-8", "replace")] = min(weight, MAX_EXPANDED + 1)
            bases.append(source.part(_sized(base)))
        # A base gate can be one that is defined after it.
        for base_gate in filter(None, bases):
            self._instruction(_Bytes(base_gate), found, depth, has_operands=False)
        return found

    def _check_operands(self, qubits: object, clbits: object, controls: object) -> None:
        for what, number in (("qubits", qubits), ("classical bits", clbits), ("qubits", controls)):
            if _sized(number) > MAX_QUBITS:
                raise too_large(what, _sized(number), MAX_QUBITS, "an operation: ")

    def _instructions(
        self, source: _Bytes, number: int, definitions: dict[str, int], depth: int
    ) -> int:
        self._totals.instructions += number
        if self._totals.instructions > MAX_INSTRUCTIONS:
            raise too_large("instructions", self._totals.instructions, MAX_INSTRUCTIONS)
        names: dict[_View, int] = {} if definitions else self._names
        expanded = 0
        for _ in range(number):
            weight = self._pass_one_like_before(source, names)
            if weight is None:
                begin = source.place
                weight = self._instruction(source, definitions, depth)
                self._remember(source.data, begin, names, definitions)
            expanded += weight
        return expanded

    def _pass_one_like_before(self, source: _Bytes, names: Mapping[_View, int]) -> int | None:
        """Passes an instruction of a kind that was walked before, with numbers as parameters.

        Most are: this takes a fifth of the time of walking it.

        Args:
            source: stands at the instruction; stays there where it is none of these.
            names: what an instruction of each name stands for.

        Returns:
            How many instructions it stands for.
        """
        data, place = source.data, source.place
        name_place = place + _INSTRUCTION.size
        shape = self._shapes.get(data[place:name_place])
        if shape is None:
            return None
        name_size, rest_size, parameters = shape
        place = name_place + name_size
        weight: int | None = names.get(data[name_place:place])
        place += rest_size
        for _ in range(parameters):
            if data[place : place + _VALUE.size] != _FLOAT:
                return None
            place += _FLOAT_SIZE
        if weight is None or place > len(data):
            return None
        source.place = place
        return weight

    def _remember(
        self,
        data: _View,
        begin: int,
        names: dict[_View, int],
        definitions: dict[str, int],
    ) -> None:
        """Takes note of the kind of an instruction that was walked, of what may come again."""
        if len(self._shapes) >= _MAX_REMEMBERED or len(names) >= _MAX_REMEMBERED:
            return
        name_size, label, parameters, qargs, cargs, extras, register, *_ = map(
            _sized, _INSTRUCTION.unpack_from(data, begin)
        )
        if extras & (_CONDITION_MASK | _HAS_ANNOTATIONS):
            return
        name_place = begin + _INSTRUCTION.size
        name = bytes(data[name_place : name_place + name_size])
        rest_size = label + register + (qargs + cargs) * _ARGUMENT.size
        self._shapes[bytes(data[begin:name_place])] = (name_size, rest_size, parameters)
        names[name] = definitions.get(name.decode(), 1)

    def _instruction(
        self,
        source: _Bytes,
        definitions: dict[str, int],
        depth: int,
        *,
        has_operands: bool = True,
    ) -> int:
        """Walks an instruction; how many it stands for."""
        fields = source.unpack(_INSTRUCTION)
        name_size, label, parameters, qargs, cargs, extras, register, _, controls, _ = map(
            _sized, fields
        )
        name = source.text(name_size)
        if name not in definitions and name not in _DEFINED and not self._is_allowed(name):
            raise DamagedQpyError(f"it names {name!r:.100}, which is no instruction")
        self._check_operands(qargs, cargs, controls)
        source.skip(label + register)
        if extras & _CONDITION_MASK == _EXPRESSION_CONDITION:
            self._value(source, depth)
        source.skip((qargs + cargs) * _ARGUMENT.size if has_operands else 0)
        weight = definitions.get(name, 1)
        weight += sum(self._value(source, depth) for _ in range(parameters))
        if extras & _HAS_ANNOTATIONS:
            for _ in range(source.number(_COUNT)):
                _, size = source.unpack(_ANNOTATION)
                source.skip(_sized(size))
        return weight

    def _is_allowed(self, name: str) -> bool:
        return name in _OTHERS or self._is_instruction(name)

    def _value(self, source: _Bytes, depth: int) -> int:
        """Walks a parameter; how many instructions there are in it."""
        kind, size = source.unpack(_VALUE)
        if kind not in _HOLDERS:
            source.skip(_sized(size))
            return 0
        return self._data_of(kind, source.part(_sized(size)), depth)

    def _data_of(self, kind: object, data: memoryview, depth: int) -> int:
        if kind == b"q":
            return self._circuit(_Bytes(data), depth + 1)
        inside = _Bytes(data)
        if kind == b"t":
            if depth > MAX_NESTING:
                raise too_large("levels of nesting", f"more than {MAX_NESTING}", MAX_NESTING)
            return sum(self._value(inside, depth + 1) for _ in range(_bounded(inside, _VALUE.size)))
        if kind == b"v":
            self._vector_element(inside)
        elif kind == b"e":
            self._expression(inside)
        elif kind == b"m":
            _, controls, _, _ = inside.unpack(_MODIFIER)
            self._check_operands(0, 0, controls)
        return 0

    def _vector_element(self, source: _Bytes) -> None:
        """A parameter of a vector, all of which the reader makes."""
        if self._version >= _VECTOR_TABLE_SINCE:
            source.unpack(_VECTOR_ELEMENT_18)
            return
        name, length, _, _ = source.unpack(_VECTOR_ELEMENT)
        self._check_vector(length)
        source.skip(_sized(name))

    def _check_vector(self, length: object) -> None:
        if _sized(length) > MAX_INSTRUCTIONS:
            raise too_large("parameters of a vector", _sized(length), MAX_INSTRUCTIONS)

    def _expression(self, source: _Bytes) -> None:
        symbols, size = source.unpack(_EXPRESSION)
        source.skip(_sized(size))
        for _ in range(_sized(symbols)):
            symbol, _, value = source.unpack(_SYMBOL)
            if symbol == b"v":
                self._vector_element(source)
            elif symbol == b"p":
                source.skip(_PARAMETER_TAIL + source.number(_SHORT))
            else:
                # An expression among the symbols of another: its size is not told.
                return
            source.skip(_sized(value))

    def _evolution(self, data: memoryview, depth: int) -> None:
        """The time and the synthesis of a PauliEvolutionGate, which follow its operators."""
        *_, kind, time, synthesis = _Bytes(data).unpack(_EVOLUTION)
        end = len(data) - _sized(synthesis)
        if end - _sized(time) < _EVOLUTION.size:
            raise DamagedQpyError("it ends in the middle of something")
        self._data_of(kind, data[end - _sized(time) : end], depth)
        _check_synthesis(bytes(data[end:]))


def _sized(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bounded(source: _Bytes, least_bytes: int) -> int:
    """How many elements follow, which cannot be more than there are bytes."""
    number = source.number(_LONG_COUNT)
    if number * least_bytes > len(source.data):
        raise DamagedQpyError("it ends in the middle of something")
    return number


def _check_synthesis(document: bytes) -> None:
    """A synthesis is another name that is looked up and called."""
    try:
        described = json.loads(document)
        name, settings = described["class"], described["settings"]
        numbers = list(_numbers(settings))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedQpyError("the synthesis of an evolution is not described") from error
    if name not in _SYNTHESES:
        raise DamagedQpyError(f"it names {name!r:.100}, which is no synthesis of evolutions")
    if any(number > _MAX_REPETITIONS for number in numbers):
        raise too_large("repetitions of an evolution", max(numbers), _MAX_REPETITIONS)


def _numbers(settings: object) -> Iterator[int]:
    if not isinstance(settings, dict):
        raise TypeError("settings are an object")
    yield from (int(value) for value in settings.values() if isinstance(value, int | float))
