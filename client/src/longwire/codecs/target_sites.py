"""Where a Target has an operation, and its properties there, as columns.

A device of hundreds of qubits has thousands of sites: they are written and read
without a message and, on the way in, without a constructor call of Python for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from qiskit.transpiler import InstructionProperties

from longwire.codecs.classes import find_loaded_class
from longwire.codecs.failure import MisfitError
from longwire.codecs.special_properties import add_special, new_properties, special_rows
from longwire.v1 import target_pb2

__all__ = ["fill_sites", "read_sites"]

Qargs = tuple[int, ...] | None

_HAS_PROPERTIES = 1
_HAS_DURATION = 2
_HAS_ERROR = 4
_HAS_ALL = _HAS_PROPERTIES | _HAS_DURATION | _HAS_ERROR
# Qiskit keeps both numbers in the base class. Its own constructors pass them on
# through two calls of Python.
_BASE_CLASS: Any = InstructionProperties.__mro__[1]
_new_instruction_properties = partial(_BASE_CLASS.__new__, InstructionProperties)


def fill_sites(message: target_pb2.InstructionSites, sites: Mapping[Qargs, Any]) -> None:
    """Writes a map from qubits to properties, in its order."""
    message.SetInParent()
    known = bytearray(len(sites))
    num_qubits: list[int] = []
    qubits: list[int] = []
    durations: list[float] = []
    errors: list[float] = []
    for row, (qargs, properties) in enumerate(sites.items()):
        if qargs is None:
            message.anywhere = row
            num_qubits.append(0)
        else:
            num_qubits.append(len(qargs))
            qubits.extend(qargs)
        duration = error = None
        if properties is not None:
            known[row] = _HAS_PROPERTIES
            duration, error = properties.duration, properties.error
            if duration is not None:
                known[row] |= _HAS_DURATION
            if error is not None:
                known[row] |= _HAS_ERROR
            if type(properties) is not InstructionProperties or vars(properties):
                _add_special(message, row, properties)
        durations.append(0.0 if duration is None else duration)
        errors.append(0.0 if error is None else error)
    message.num_qubits.extend(num_qubits)
    message.qubits.extend(qubits)
    message.known = bytes(known)
    if any(bits & _HAS_DURATION for bits in known):
        message.durations.extend(durations)
    if any(bits & _HAS_ERROR for bits in known):
        message.errors.extend(errors)


def _add_special(message: target_pb2.InstructionSites, row: int, properties: Any) -> None:
    add_special(
        message.special,
        row,
        properties,
        InstructionProperties,
        exact={},
        unnamed=(InstructionProperties,),
    )


def read_sites(message: target_pb2.InstructionSites) -> dict[Qargs, Any]:
    """The map from qubits to properties, in the order of the message.

    Raises:
        MisfitError: the columns contradict each other, or an entry cannot be read.
    """
    known = message.known
    num_rows = len(known)
    qargs = _read_qargs(message, num_rows)
    properties: list[Any]
    durations = _column(message.durations, num_rows, "durations")
    errors = _column(message.errors, num_rows, "errors")
    if num_rows and known.count(_HAS_ALL) == num_rows:
        properties = list(map(_new_instruction_properties, durations, errors))
    else:
        properties = [
            _new_instruction_properties(
                duration if bits & _HAS_DURATION else None, error if bits & _HAS_ERROR else None
            )
            if bits & _HAS_PROPERTIES
            else None
            for bits, duration, error in zip(known, durations, errors, strict=True)
        ]
    if message.special:
        _put_special(message, properties)
    sites = dict(zip(qargs, properties, strict=True))
    if len(sites) != num_rows:
        raise MisfitError("it has the same qubits twice")
    return sites


def _read_qargs(message: target_pb2.InstructionSites, num_rows: int) -> list[Qargs]:
    num_qubits, qubits = list(message.num_qubits), list(message.qubits)
    if len(num_qubits) != num_rows or sum(num_qubits) != len(qubits):
        raise MisfitError(
            f"{len(qubits)} qubits and {len(num_qubits)} numbers of qubits are for {num_rows} sites"
        )
    qargs: list[Qargs]
    widths = set(num_qubits)
    if len(widths) == 1 and 0 not in widths:
        qargs = list(_groups(qubits, widths.pop()))
    else:
        rest = iter(qubits)
        qargs = [tuple(next(rest) for _ in range(width)) for width in num_qubits]
    if message.HasField("anywhere"):
        row = message.anywhere
        if row >= num_rows or num_qubits[row]:
            raise MisfitError(f"row {row} of {num_rows} is not one without qubits")
        qargs[row] = None
    return qargs


def _groups(qubits: Sequence[int], width: int) -> Iterator[tuple[int, ...]]:
    return zip(*[iter(qubits)] * width, strict=True)


def _column(numbers: Sequence[float], num_rows: int, name: str) -> Sequence[float]:
    """A column as a list; zeros where it is left out."""
    if not numbers:
        return [0.0] * num_rows
    if len(numbers) != num_rows:
        raise MisfitError(f"it has {len(numbers)} {name} for {num_rows} sites")
    return list(numbers)


def _put_special(message: target_pb2.InstructionSites, properties: list[Any]) -> None:
    special = special_rows(message.special, len(properties))
    for row, (class_name, extra) in special.items():
        plain = properties[row]
        if plain is None:
            raise MisfitError(f"its row {row} tells more of properties that it does not have")
        cls = find_loaded_class(class_name, InstructionProperties) if class_name else None
        columns = {"duration": plain.duration, "error": plain.error}
        properties[row] = new_properties(InstructionProperties, cls, columns, extra)
