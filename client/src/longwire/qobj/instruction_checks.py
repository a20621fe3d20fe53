"""The schema's demands on single instructions, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longwire.errors import InvalidQobjError
from longwire.qobj.field_checks import check_array, check_integer, check_object, check_text

__all__ = ["check_pulse_instruction", "check_qasm_instruction"]

# Gates of the schema: names, numbers of parameters and of qubits.
_GATES = (
    (("u3", "U"), 3, 1),
    (("reset", "id", "h", "s", "sdg", "t", "tdg", "x", "y", "z"), 0, 1),
    (("u1", "u0", "rx", "ry", "rz"), 1, 1),
    (("u2",), 2, 1),
    (("cx", "CX", "cy", "cz", "ch", "swap"), 0, 2),
    (("cu1", "crz", "rzz"), 1, 2),
    (("cu3",), 3, 2),
    (("ccx", "cswap"), 0, 3),
)
_SHAPES = {
    name: (num_params, num_qubits) for names, num_params, num_qubits in _GATES for name in names
}
# The fields that a pulse instruction must have; other names are pulses of the library.
_PULSE_FIELDS = {
    "pv": ("val", "t0", "ch"),
    "fc": ("phase", "t0", "ch"),
    "setp": ("phase", "t0", "ch"),
    "shiftp": ("phase", "t0", "ch"),
    "setf": ("frequency", "t0", "ch"),
    "shiftf": ("frequency", "t0", "ch"),
    "delay": ("duration", "t0", "ch"),
    "parametric_pulse": ("pulse_shape", "parameters", "t0", "ch"),
    "acquire": ("t0", "duration", "qubits", "memory_slot"),
    "snapshot": ("t0", "label", "type"),
}


def check_qasm_instruction(instruction: Any, place: str) -> None:
    """Checks one instruction of a QASM experiment.

    Stricter than the schema where the schema is loose by oversight: indices are whole
    numbers from 0, masks are numbers. Looser in one point: the official example of
    schema 1.0 calls a snapshot's type ``type``. A ``reset`` may name several qubits.

    Raises:
        InvalidQobjError: it breaks the schema; the message begins with ``place``.
    """
    check_object(instruction, place, ("name",))
    name = instruction["name"]
    check_text(name, f"{place}.name", minimum=1)
    if name == "bfunc":
        _check_bfunc(instruction, place)
    elif name == "copy":
        _check_copy(instruction, place)
    else:
        for field in ("qubits", "memory", "register"):
            _check_indices(instruction, field, place)
    if "params" in instruction:
        check_array(instruction["params"], f"{place}.params")
    if "label" in instruction:
        check_text(instruction["label"], f"{place}.label")
    if "conditional" in instruction and not isinstance(instruction["conditional"], Mapping):
        check_integer(instruction["conditional"], f"{place}.conditional", 0)
    if name in _SHAPES:
        _check_gate(instruction, *_SHAPES[name], place)
    elif name == "measure":
        check_object(instruction, place, ("qubits", "memory"))
        for field in ("qubits", "memory", "register"):
            if field in instruction:
                check_array(instruction[field], f"{place}.{field}", minimum=1)
    elif name == "barrier":
        check_object(instruction, place, ("qubits",))
        check_array(instruction["qubits"], f"{place}.qubits", minimum=1)
    elif name == "snapshot":
        check_object(instruction, place, ("label",))
        if "snapshot_type" not in instruction and "type" not in instruction:
            raise InvalidQobjError(f"{place}: the field 'snapshot_type' is missing")


def _check_gate(
    instruction: Mapping[str, Any], num_params: int, num_qubits: int, place: str
) -> None:
    name = instruction["name"]
    check_object(instruction, place, ("qubits", "params") if num_params else ("qubits",))
    most = None if name == "reset" else num_qubits
    check_array(instruction["qubits"], f"{place}.qubits", num_qubits, most)
    params = instruction.get("params", [])
    check_array(params, f"{place}.params", num_params, num_params)
    for field in ("memory", "register"):
        check_array(instruction.get(field, []), f"{place}.{field}", maximum=0)


def _check_bfunc(instruction: Mapping[str, Any], place: str) -> None:
    check_object(instruction, place, ("mask", "relation", "val"))
    for field in ("mask", "relation", "val"):
        check_text(instruction[field], f"{place}.{field}", minimum=1)
    for field in ("mask", "val"):
        try:
            int(instruction[field], 16)
        except ValueError as error:
            raise InvalidQobjError(
                f"{place}.{field}: a hexadecimal number such as '0x3' is expected, "
                f"not {instruction[field][:60]!r}"
            ) from error
    for field in ("memory", "register"):
        if field in instruction:
            check_integer(instruction[field], f"{place}.{field}", 0)


def _check_copy(instruction: Mapping[str, Any], place: str) -> None:
    check_object(instruction, place, ("register_orig", "register_copy"))
    check_integer(instruction["register_orig"], f"{place}.register_orig", 0)
    check_array(instruction["register_copy"], f"{place}.register_copy", minimum=1)
    _check_indices(instruction, "register_copy", place)


def _check_indices(instruction: Mapping[str, Any], field: str, place: str) -> None:
    if field in instruction:
        where = f"{place}.{field}"
        for number, index in enumerate(check_array(instruction[field], where)):
            check_integer(index, f"{where}[{number}]", 0)


def check_pulse_instruction(instruction: Any, place: str) -> None:
    """Checks one instruction of a pulse experiment.

    Raises:
        InvalidQobjError: it breaks the schema; the message begins with ``place``.
    """
    check_object(instruction, place, ("name",))
    name = instruction["name"]
    check_text(name, f"{place}.name", minimum=1)
    if name == "bfunc":
        _check_bfunc(instruction, place)
        return
    if name == "copy":
        _check_copy(instruction, place)
        return
    check_object(instruction, place, _PULSE_FIELDS.get(name, ("t0", "ch")))
    check_integer(instruction["t0"], f"{place}.t0", 0)
    if "ch" in instruction:
        check_text(instruction["ch"], f"{place}.ch")
    if "conditional" in instruction:
        check_integer(instruction["conditional"], f"{place}.conditional", 0)
    if name == "acquire":
        for field in ("qubits", "memory_slot", "register_slot"):
            if field in instruction:
                check_array(instruction[field], f"{place}.{field}", minimum=1)
                _check_indices(instruction, field, place)
