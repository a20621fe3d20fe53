"""The instructions of an experiment with their fields checked, and what they read and write."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longwire.errors import InvalidQobjError
from longwire.qobj.limits import MAX_MASKED_SLOTS, MAX_REGISTER_SLOTS
from longwire.qobj.part import describe
from longwire.qobj.qasm_instruction import QasmQobjInstruction

__all__ = ["BooleanFunction", "RegisterUses", "Step", "read_steps"]


@dataclass(frozen=True)
class BooleanFunction:
    """What a ``bfunc`` computes: whether certain register slots hold certain bits.

    Attributes:
        bits: the bit wanted of each register slot under the mask.
        equal: whether the outcome is 1 where all bits are as wanted (``==``), or where
            some bit is not (``!=``).
        possible: False where the value has bits outside of the mask, so that the
            masked register never equals it.
    """

    bits: dict[int, bool]
    equal: bool
    possible: bool


@dataclass(frozen=True)
class Step:
    """One instruction.

    Attributes:
        place: where it stands: ``experiments[2].instructions[5]``.
        name: its name.
        params: its parameters, unchecked.
        qubits: indices of its qubits.
        memory: memory slots that it writes: one a qubit, or one of a ``bfunc``.
        registers: register slots that it writes, likewise.
        conditional: register slot that it depends on.
        label: its label.
        snapshot_type: type of a snapshot, subtype of a save.
        bfunc: what it computes, where it is a ``bfunc``.
    """

    place: str
    name: str
    params: tuple[Any, ...]
    qubits: tuple[int, ...]
    memory: tuple[int, ...]
    registers: tuple[int, ...]
    conditional: int | None
    label: str | None
    snapshot_type: str | None
    bfunc: BooleanFunction | None

    @property
    def is_classical(self) -> bool:
        """Whether it concerns classical bits: a measurement or a Boolean function."""
        return self.name in ("measure", "bfunc")


def read_steps(instructions: Iterable[QasmQobjInstruction], place: str) -> list[Step]:
    """Reads the instructions of one experiment.

    Where no measurement of the experiment names register slots, outcomes go to the
    register slots with the numbers of the memory slots: no Boolean function could
    see an outcome otherwise, and Terra's disassembler read such documents so.

    Raises:
        InvalidQobjError: a field has the wrong form; the message begins with its place.
    """
    steps: list[Step] = []
    masked_slots = 0
    for number, instruction in enumerate(instructions):
        steps.append(_read_step(instruction, f"{place}.instructions[{number}]"))
        masked_slots += len(bfunc.bits) if (bfunc := steps[-1].bfunc) else 0
        if masked_slots > MAX_MASKED_SLOTS:
            raise InvalidQobjError(
                f"{steps[-1].place}: the masks of the experiment hold more than "
                f"{MAX_MASKED_SLOTS} bits"
            )
    measurements = [step for step in steps if step.name == "measure"]
    if any(step.registers for step in measurements):
        return steps
    return [
        Step(**{**vars(step), "registers": step.memory}) if step.name == "measure" else step
        for step in steps
    ]


def _read_step(instruction: QasmQobjInstruction, place: str) -> Step:
    name = instruction.name
    if not isinstance(name, str) or not name:
        raise InvalidQobjError(f"{place}: the name must be text, not {name!r}")
    params = getattr(instruction, "params", ())
    if isinstance(params, np.ndarray):
        params = list(params)
    if not isinstance(params, (list, tuple)):
        raise InvalidQobjError(f"{place}.params: a list is expected")
    if hasattr(instruction, "_condition"):
        raise InvalidQobjError(
            f"{place}: 'condition' is no part of a Qobj; use 'bfunc' and 'conditional'"
        )
    qubits = _indices(instruction, "qubits", place)
    if len(set(qubits)) != len(qubits):
        raise InvalidQobjError(f"{place}.qubits: a qubit is named twice in {list(qubits)}")
    conditional = getattr(instruction, "conditional", None)
    if conditional is not None:
        conditional = _index(conditional, f"{place}.conditional")
    bfunc = _read_bfunc(instruction, place) if name == "bfunc" else None
    memory = _indices(instruction, "memory", place, single=bfunc is not None)
    registers = _indices(instruction, "register", place, single=bfunc is not None)
    if name == "measure":
        _check_measurement(qubits, memory, registers, place)
    elif bfunc is None and (memory or registers) and name != "snapshot":
        raise InvalidQobjError(f"{place}: {name[:60]!r} writes no memory or register slots")
    snapshot_type = getattr(instruction, "snapshot_type", getattr(instruction, "type", None))
    return Step(
        place=place,
        name=name,
        params=tuple(params),
        qubits=qubits,
        memory=() if name == "snapshot" else memory,
        registers=() if name == "snapshot" else registers,
        conditional=conditional,
        label=_text(getattr(instruction, "label", None), f"{place}.label"),
        snapshot_type=_text(snapshot_type, f"{place}.snapshot_type"),
        bfunc=bfunc,
    )


def _check_measurement(
    qubits: tuple[int, ...], memory: tuple[int, ...], registers: tuple[int, ...], place: str
) -> None:
    if not qubits or len(memory) != len(qubits):
        raise InvalidQobjError(
            f"{place}: 'measure' needs as many memory slots as qubits, at least one of each"
        )
    for field, slots in (("memory", memory), ("register", registers)):
        if len(set(slots)) != len(slots):
            raise InvalidQobjError(f"{place}.{field}: a slot is named twice in {list(slots)}")
    if registers and len(registers) != len(qubits):
        raise InvalidQobjError(f"{place}: 'measure' needs as many register slots as qubits")


def _read_bfunc(instruction: QasmQobjInstruction, place: str) -> BooleanFunction:
    mask = _hexadecimal(getattr(instruction, "mask", None), f"{place}.mask")
    value = _hexadecimal(getattr(instruction, "val", None), f"{place}.val")
    relation = getattr(instruction, "relation", None)
    if relation not in ("==", "!="):
        raise InvalidQobjError(f"{place}.relation: '==' or '!=' is expected, not {relation!r}")
    bits = {
        slot: digit_value == "1"
        for slot, (masked, digit_value) in enumerate(
            zip(
                reversed(f"{mask:b}"),
                reversed(f"{value & mask:0{mask.bit_length() or 1}b}"),
                strict=True,
            )
        )
        if masked == "1"
    }
    return BooleanFunction(bits, relation == "==", not value & ~mask)


def _hexadecimal(value: Any, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str):
        try:
            number = int(value, 16)
        except ValueError as error:
            raise InvalidQobjError(
                f"{place}: a hexadecimal number such as '0x3' is expected, not {value[:60]!r}"
            ) from error
    else:
        raise InvalidQobjError(f"{place}: a hexadecimal number such as '0x3' is expected")
    if number < 0 or number.bit_length() > MAX_REGISTER_SLOTS:
        raise InvalidQobjError(
            f"{place}: a number of at most {MAX_REGISTER_SLOTS} bits, not below 0, is expected"
        )
    return number


def _indices(
    instruction: QasmQobjInstruction, field: str, place: str, *, single: bool = False
) -> tuple[int, ...]:
    value = getattr(instruction, field, None)
    if value is None:
        return ()
    if isinstance(value, (np.ndarray, range)):
        value = list(value)
    if single and not isinstance(value, (list, tuple)):
        value = [value]
    if not isinstance(value, (list, tuple)) or (single and len(value) != 1):
        expected = "one index" if single else "a list of indices"
        raise InvalidQobjError(f"{place}.{field}: {expected} is expected")
    return tuple(_index(index, f"{place}.{field}[{n}]") for n, index in enumerate(value))


def _index(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise InvalidQobjError(f"{place}: an index, 0 or above, is expected, not {describe(value)}")
    return int(value)


def _text(value: Any, place: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidQobjError(f"{place}: text is expected, not {describe(value)}")
    return value


class RegisterUses:
    """Tells whether a register slot's value is still needed after a step."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._masked: dict[int, list[int]] = defaultdict(list)
        # For each slot the steps that read it or overwrite it for sure, in order.
        self._events: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        for number, step in enumerate(steps):
            if step.conditional is not None:
                self._events[step.conditional].append((number, True))
            for slot in step.bfunc.bits if step.bfunc else ():
                self._masked[slot].append(number)
                self._events[slot].append((number, True))
            if step.conditional is None:
                for slot in step.registers:
                    self._events[slot].append((number, False))

    def read_after(self, slot: int, step: int) -> bool:
        """Whether a step after this one reads the value that the slot has after it."""
        events = self._events.get(slot, [])
        position = bisect_right(events, (step, True))
        return position < len(events) and events[position][1]

    def masked_within(self, slot: int, first: int, last: int) -> bool:
        """Whether a Boolean function from step ``first`` to ``last`` looks at the slot."""
        masked = self._masked.get(slot, [])
        position = bisect_right(masked, first - 1)
        return position < len(masked) and masked[position] <= last
