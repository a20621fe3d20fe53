"""The properties of a Target's qubits as columns.

Since Qiskit 2.6 a Target takes no more than three numbers of each qubit; before, it
kept the objects of a producer's own classes, which travel with all that they tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qiskit.providers import QubitProperties

from longwire.codecs.classes import find_loaded_class
from longwire.codecs.failure import MisfitError
from longwire.codecs.special_properties import add_special, new_properties, special_rows
from longwire.v1 import target_pb2

__all__ = ["FurtherQubitProperties", "fill_qubits", "read_qubits"]

# Attributes with their bits of `known` and their columns.
_COLUMNS = (("t1", 2, "t1"), ("t2", 4, "t2"), ("frequency", 8, "frequencies"))
_IS_THERE = 1


class FurtherQubitProperties(QubitProperties):
    """Properties of a qubit that tell more than Qiskit's class has a place for.

    They come from a producer's own class that is not installed here; what it adds
    is in attributes of the same names.
    """


def fill_qubits(message: target_pb2.TargetQubits, qubits: Sequence[Any]) -> None:
    """Writes the properties of every qubit; an entry may be None."""
    known = bytearray(len(qubits))
    for row, properties in enumerate(qubits):
        exact: dict[str, Any] = {}
        for name, bit, column in _COLUMNS:
            value = getattr(properties, name, None)
            number = 0.0
            if value is not None:
                known[row] |= bit
                number = float(value)
                if type(value) is not float:
                    exact[name] = value
            getattr(message, column).append(number)
        if properties is not None:
            known[row] |= _IS_THERE
            add_special(
                message.special,
                row,
                properties,
                QubitProperties,
                exact=exact,
                unnamed=(QubitProperties, FurtherQubitProperties),
            )
    message.known = bytes(known)


def read_qubits(message: target_pb2.TargetQubits) -> list[Any]:
    """The properties of every qubit, None where there are none.

    Raises:
        MisfitError: the columns are of several lengths, or an entry cannot be read.
    """
    known = message.known
    columns = [list(getattr(message, column)) for _, _, column in _COLUMNS]
    if any(len(column) != len(known) for column in columns):
        raise MisfitError(
            f"its columns have {[len(column) for column in columns]} rows for {len(known)} qubits"
        )
    special = special_rows(message.special, len(known))
    qubits: list[Any] = []
    for row, (bits, *numbers) in enumerate(zip(known, *columns, strict=True)):
        if not bits & _IS_THERE:
            qubits.append(None)
            continue
        values = [
            number if bits & bit else None
            for number, (_, bit, _) in zip(numbers, _COLUMNS, strict=True)
        ]
        entry = special.get(row)
        qubits.append(
            QubitProperties(*values) if entry is None else _further(values, class_and_extra=entry)
        )
    return qubits


def _further(values: list[float | None], class_and_extra: tuple[str, dict[str, Any]]) -> Any:
    class_name, extra = class_and_extra
    names = [name for name, _, _ in _COLUMNS]
    cls = find_loaded_class(class_name, QubitProperties) if class_name else None
    if cls is None and not extra.keys() <= set(names):
        cls = FurtherQubitProperties
    return new_properties(QubitProperties, cls, dict(zip(names, values, strict=True)), extra)
