"""Operations of circuits, and classes of them, as messages.

An operation travels as its class and parameters wherever its class, called with
them, gives an equal object: that is so for all of Qiskit's gates. What a producer
made itself travels as QPY, and comes back as a Gate or an Instruction with the same
name, parameters and definition.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from qiskit.circuit import (
    ControlledGate,
    Delay,
    Gate,
    Instruction,
    Operation,
    Parameter,
    ParameterExpression,
)
from qiskit.exceptions import QiskitError
from qiskit.quantum_info.operators.base_operator import BaseOperator

from longwire.codecs.classes import class_path, find_class, find_loaded_class
from longwire.codecs.failure import MisfitError
from longwire.codecs.operation_qpy import operation_from_qpy, operation_to_qpy
from longwire.codecs.program_caps import MAX_QUBITS
from longwire.codecs.qpy_instructions import is_formula
from longwire.codecs.value import fill_value, read_value
from longwire.v1 import operation_pb2, value_pb2

__all__ = ["fill_operation", "read_operation"]

# Classes that stand for operations without being one.
_OTHER_CLASSES = frozenset({"qiskit_aer.noise:ReadoutError"})
_MAXIMUM_CTRL_STATE = 2**64 - 1
# What constructors raise that do not take an operation's own parameters.
_REFUSALS = (QiskitError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def fill_operation(message: operation_pb2.Operation, operation: Any) -> bool:
    """Writes an operation, or a class that stands for operations, into a message.

    Returns:
        Whether the message holds all of it. Otherwise something could not be
        written (a parameter that is an object of the producer's own, a definition
        that QPY does not know), and the reader gets an operation of the same name
        and size, with the parameters that could.
    """
    if isinstance(operation, type):
        message.class_name = class_path(operation)
        message.is_class = True
        message.is_gate = issubclass(operation, Gate)
        return True
    message.name = operation.name
    message.num_qubits = operation.num_qubits
    message.num_clbits = operation.num_clbits
    message.is_gate = isinstance(operation, Gate)
    if getattr(operation, "label", None) is not None:
        message.label = operation.label
    ctrl_state = _uncommon_ctrl_state(operation)
    if ctrl_state is not None:
        message.ctrl_state = ctrl_state
    is_exact = True
    for parameter in _arguments_of(operation):
        is_exact = _add_parameter(message, parameter) and is_exact
    message.class_name = class_path(_class_of(operation))
    if is_exact and _is_built_from_class(message, operation):
        return True
    # Readers take no formula from QPY, either.
    is_read = not is_formula(_class_of(operation).__name__)
    message.qpy = operation_to_qpy(operation) if is_read else b""
    message.class_name = "" if message.qpy else class_path(Gate if message.is_gate else Instruction)
    return bool(message.qpy)


def read_operation(message: operation_pb2.Operation) -> Any:
    """The operation, or the class, that a message holds.

    Where this process cannot have its class, it is a Gate or an Instruction of the
    same name, size and parameters.

    Raises:
        MisfitError: the message contradicts itself.
    """
    if message.is_class:
        return _read_class(message)
    if message.qpy:
        operation = operation_from_qpy(message.qpy)
        return _plain(message) if operation is None else operation
    try:
        operation = _built_from_class(message)
    except _REFUSALS as error:
        raise MisfitError(
            f"{message.class_name} cannot be built from its parameters: {error}"
        ) from error
    return _plain(message) if operation is None else operation


def _read_class(message: operation_pb2.Operation) -> type:
    path = message.class_name
    bases = (object,) if path in _OTHER_CLASSES else (Operation, BaseOperator)
    return find_loaded_class(path, *bases) or (Gate if message.is_gate else Instruction)


def _class_of(operation: Any) -> type:
    """The class by which an operation is known: not the hidden one of a singleton."""
    cls: type = getattr(operation, "base_class", type(operation))
    return cls


def _arguments_of(operation: Any) -> list[Any]:
    """What the constructor takes, beside name and size."""
    parameters = list(getattr(operation, "params", ()))
    return [*parameters, operation.unit] if isinstance(operation, Delay) else parameters


def _uncommon_ctrl_state(operation: Any) -> int | None:
    if not isinstance(operation, ControlledGate):
        return None
    ctrl_state: int = operation.ctrl_state
    every_one = 2**operation.num_ctrl_qubits - 1
    return None if ctrl_state == every_one or ctrl_state > _MAXIMUM_CTRL_STATE else ctrl_state


def _add_parameter(message: operation_pb2.Operation, parameter: Any) -> bool:
    """Writes a parameter, if it can be; says whether the message holds all of it."""
    if isinstance(parameter, ParameterExpression):
        message.parameters.add(free=str(parameter))
        return isinstance(parameter, Parameter)
    value = value_pb2.Value()
    try:
        fill_value(value, parameter)
    except MisfitError:
        return False
    message.parameters.add(value=value)
    return True


def _read_parameters(message: operation_pb2.Operation) -> list[Any]:
    parameters: list[Any] = []
    for parameter in message.parameters:
        if parameter.WhichOneof("kind") == "free":
            parameters.append(_parameter(parameter.free))
            continue
        try:
            parameters.append(read_value(parameter.value))
        except MisfitError as misfit:
            raise misfit.inside(f".parameters[{len(parameters)}]") from misfit.__cause__
    return parameters


@lru_cache(maxsize=1024)
def _parameter(name: str) -> Parameter:
    """The parameter that stands for a free one: for each name the same, as in Qiskit's gates."""
    return Parameter(name)


def _built_from_class(message: operation_pb2.Operation) -> Any:
    """The object that the class gives with the message's parameters.

    Returns:
        None where the class is not one that is called by name, or not with these.
    """
    cls = find_class(message.class_name, Operation)
    if cls is None:
        return None
    if cls is Gate or cls is Instruction:
        return _plain(message)
    if is_formula(cls.__name__) or not (cls is Delay or _are_small(message)):
        # What it would build is larger than the message, or takes longer than to read it.
        return None
    keywords: dict[str, Any] = {}
    if message.HasField("label"):
        keywords["label"] = message.label
    if message.HasField("ctrl_state"):
        keywords["ctrl_state"] = message.ctrl_state
    return cls(*_read_parameters(message), **keywords)


def _are_small(message: operation_pb2.Operation) -> bool:
    """Whether every whole number may be how many qubits an operation has."""
    values = [parameter.value for parameter in message.parameters]
    return not any(abs(each.int_value) > MAX_QUBITS or each.big_int_value for each in values)


def _plain(message: operation_pb2.Operation) -> Gate | Instruction:
    """An operation without definition, of the name and size that the message states."""
    label = message.label if message.HasField("label") else None
    sizes = [message.num_qubits] if message.is_gate else [message.num_qubits, message.num_clbits]
    build = Gate if message.is_gate else Instruction
    try:
        return build(message.name, *sizes, _read_parameters(message), label=label)
    except _REFUSALS:
        # Parameters of kinds that only its own class takes.
        return build(message.name, *sizes, [], label=label)


def _is_built_from_class(message: operation_pb2.Operation, operation: Any) -> bool:
    """Whether a reader's object will have everything that the original has."""
    cls = _class_of(operation)
    if cls in (Gate, Instruction) and operation.definition is not None:
        return False
    try:
        built = _built_from_class(message)
    except _REFUSALS:
        return False
    if built is None or _class_of(built) is not cls:
        return False
    attributes = ("name", "num_qubits", "num_clbits", "label", "ctrl_state", "unit")
    if any(getattr(built, each, None) != getattr(operation, each, None) for each in attributes):
        return False
    ours, theirs = _arguments_of(built), _arguments_of(operation)
    return len(ours) == len(theirs) and all(map(_is_same_parameter, ours, theirs))


def _is_same_parameter(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, ParameterExpression):
        # Free parameters are equal by name: their identifiers are random.
        return isinstance(ours, ParameterExpression) and str(ours) == str(theirs)
    if type(ours) is not type(theirs):
        return False
    if isinstance(theirs, np.ndarray):
        return ours.dtype == theirs.dtype and bool(np.array_equal(ours, theirs))
    return bool(ours == theirs)
