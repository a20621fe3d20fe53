"""What a producer's own classes add to the properties of qubits and sites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MemberDescriptorType
from typing import Any

from longwire.codecs.classes import class_path
from longwire.codecs.failure import MisfitError
from longwire.codecs.value import fill_struct, fill_value, read_struct
from longwire.v1 import target_pb2, value_pb2

__all__ = ["add_special", "new_properties", "special_rows"]


def add_special(
    rows: Any,
    row: int,
    properties: Any,
    plain_class: type,
    *,
    exact: Mapping[str, Any],
    unnamed: tuple[type, ...],
) -> None:
    """Adds an entry for what the columns do not hold of a row, where there is anything.

    Attributes that are objects of the producer's own are left out.

    Args:
        rows: the repeated field.
        row: the row's number.
        properties: what the row holds.
        plain_class: Qiskit's class of such properties.
        exact: attributes that have a column which does not hold them exactly.
        unnamed: classes that readers take where no class is named.
    """
    cls = type(properties)
    further = _attributes(properties, plain_class)
    if cls in unnamed and not further and not exact:
        return
    entry = rows.add(row=row, class_name="" if cls in unnamed else class_path(cls))
    sendable = {name: value for name, value in further.items() if _is_sendable(value)}
    fill_struct(entry.extra, {**exact, **sendable})


def special_rows(
    rows: Iterable[target_pb2.SpecialProperties], num_rows: int
) -> dict[int, tuple[str, dict[str, Any]]]:
    """The class's name and the attributes of each row that has an entry.

    Raises:
        MisfitError: an entry is for no row, or cannot be read.
    """
    found = {}
    for index, entry in enumerate(rows):
        if entry.row >= num_rows:
            raise MisfitError(f"its entry {index} is for row {entry.row} of {num_rows}")
        try:
            found[entry.row] = (entry.class_name, read_struct(entry.extra))
        except MisfitError as misfit:
            raise misfit.inside(f".special[{index}]") from misfit.__cause__
    return found


def new_properties(
    plain_class: type,
    named_class: type | None,
    columns: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> Any:
    """An object with the given attributes, made without its class's constructor and setters.

    Args:
        plain_class: Qiskit's class of such properties.
        named_class: a class below it; None for that class itself.
        columns: what Qiskit's class holds, in the order of its constructor.
        extra: further attributes, and columns that are other than they seem.
    """
    cls = named_class or plain_class
    held = {name: extra.get(name, value) for name, value in columns.items()}
    properties = _new(plain_class, cls, held.values())
    slots = _slots(cls, plain_class)
    for name, value in {**held, **extra}.items():
        if name in slots:
            slots[name].__set__(properties, value)
        elif name not in columns:
            vars(properties)[name] = value
    return properties


def _new(plain_class: Any, cls: type, values: Iterable[Any]) -> Any:
    """An object as the constructor of a base class alone makes it."""
    if plain_class.__new__ is object.__new__:
        properties = object.__new__(cls)
        plain_class.__init__(properties, *values)
        return properties
    return plain_class.__new__(cls, *values)


def _attributes(properties: Any, plain_class: type) -> dict[str, Any]:
    """What an object holds beside what its base class does."""
    slots = _slots(type(properties), plain_class)
    held = {name: getattr(properties, name) for name in slots if hasattr(properties, name)}
    return held | getattr(properties, "__dict__", {})


def _slots(cls: type, plain_class: type) -> dict[str, Any]:
    """The slots that a class and its bases add below a base class."""
    below = cls.__mro__[: cls.__mro__.index(plain_class)]
    return {
        name: member
        for each in below
        for name, member in vars(each).items()
        if isinstance(member, MemberDescriptorType)
    }


def _is_sendable(value: Any) -> bool:
    try:
        fill_value(value_pb2.Value(), value)
    except MisfitError:
        return False
    return True
