"""Single operations as QPY, the same operation always as the same bytes."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from qiskit import QuantumCircuit, qpy
from qiskit.circuit import ControlledGate, Gate, Instruction, Parameter
from qiskit.qpy import QPY_COMPATIBILITY_VERSION, QPY_VERSION

from longwire.codecs.failure import MisfitError
from longwire.codecs.program import MINIMUM_QPY_VERSION
from longwire.codecs.qpy_instructions import check_qpy, newest_qpy_version

__all__ = ["operation_from_qpy", "operation_to_qpy"]

# The oldest version that is safe to read is the one that most readers have.
_OLDEST_VERSION = max(MINIMUM_QPY_VERSION, QPY_COMPATIBILITY_VERSION)
_MAGIC = b"QISKIT"
# QPY tells operations of one name apart by a random number behind the name.
_RANDOM_NUMBER = re.compile(rb"_(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
# What Qiskit calls a definition that it has read, whatever its name was. Before, it
# is often the number of a counter.
_DEFINITION_NAME = "unnamed"


def operation_to_qpy(operation: Any) -> bytes:
    """The payload with one circuit that holds the operation alone.

    Returns:
        Nothing where QPY does not know what it is made of.
    """
    try:
        circuit = _alone(operation)
        payload, again = _dump(circuit), _dump(circuit)
    except Exception:  # noqa: BLE001 - QPY raises whatever an operation's parts raise
        return b""
    numbers: dict[bytes, int] = {}

    def numbered(match: re.Match[bytes]) -> bytes:
        found = match[0]
        if again[match.start() : match.end()] == found:
            return found  # not random: part of a name
        number = numbers.setdefault(found, len(numbers))
        return b"_%0*d" % (len(found) - 1, number)

    return _RANDOM_NUMBER.sub(numbered, payload)


def operation_from_qpy(payload: bytes) -> Any:
    """The operation that a payload holds.

    Returns:
        None where the payload is of a version newer than this Qiskit reads.

    Raises:
        MisfitError: it is damaged, or older than version 13.
    """
    if len(payload) < 7 or not payload.startswith(_MAGIC):
        raise MisfitError("its QPY payload does not begin with QISKIT and a version")
    version = payload[6]
    if version < MINIMUM_QPY_VERSION:
        raise MisfitError(
            f"its QPY version {version} is refused, because reading it can execute code: at "
            f"least {MINIMUM_QPY_VERSION} is accepted"
        )
    if version > newest_qpy_version():
        return None
    try:
        check_qpy(payload)
        [circuit] = qpy.load(io.BytesIO(payload))
        [item] = circuit.data
    except Exception as error:  # damaged bytes raise anything at all
        raise MisfitError(f"its QPY payload cannot be read: {error}") from error
    return item.operation


def _alone(operation: Any) -> QuantumCircuit:
    """A circuit with nothing but the operation, in which nothing is random or counted."""
    circuit = QuantumCircuit(operation.num_qubits, operation.num_clbits, name="operation")
    operation = copy.deepcopy(operation)
    for definition in _definitions(operation):
        definition.name = _DEFINITION_NAME
    circuit.append(operation, range(operation.num_qubits), range(operation.num_clbits))
    parameters = sorted(circuit.parameters, key=lambda parameter: parameter.name)
    circuit.assign_parameters(
        {old: Parameter(old.name, UUID(int=number)) for number, old in enumerate(parameters)},
        inplace=True,
    )
    return circuit


def _definitions(operation: Any) -> Iterator[QuantumCircuit]:
    """Yields the definitions that QPY writes: those of a producer's own operations."""
    cls = getattr(operation, "base_class", type(operation))
    if cls.__module__.startswith("qiskit.") and cls not in (Gate, Instruction, ControlledGate):
        return
    if isinstance(operation, ControlledGate):
        yield from _definitions(operation.base_gate)
    if getattr(operation, "definition", None) is not None:
        # Asking for it has made it. That of an open control is another at each call,
        # around this one, which QPY writes.
        definition = operation._definition
        yield definition
        for item in definition.data:
            yield from _definitions(item.operation)


def _dump(circuit: QuantumCircuit) -> bytes:
    buffer = io.BytesIO()
    try:
        qpy.dump(circuit, buffer, version=_OLDEST_VERSION)
    except Exception:
        if _OLDEST_VERSION == QPY_VERSION:
            raise
        buffer = io.BytesIO()
        qpy.dump(circuit, buffer, version=QPY_VERSION)
    return buffer.getvalue()
