"""Qiskit's Target as a message, without loss and always as the same bytes.

Qiskit itself has no serialised form of it but pickle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from qiskit.providers import QubitProperties
from qiskit.transpiler import CouplingMap, Target

from longwire.codecs.compression import compress, decompress
from longwire.codecs.failure import MisfitError
from longwire.codecs.operation import fill_operation, read_operation
from longwire.codecs.target_qubits import fill_qubits, read_qubits
from longwire.codecs.target_sites import fill_sites, read_sites
from longwire.v1 import target_pb2

__all__ = ["decode_target", "encode_target", "fill_target", "read_target"]

# Whether a qubit may be without properties, as before they became native code (Qiskit 2.6).
_NONE_IS_ALLOWED = not QubitProperties.__module__.startswith("qiskit._accelerate")
_TIMING = ("granularity", "min_length", "pulse_alignment", "acquire_alignment")


def encode_target(target: Target) -> target_pb2.EncodedTarget:
    """The serialised message for a Target, with its digest.

    Equal Targets give equal bytes in every process, whatever the order of their
    operations.

    Raises:
        CodecError: a name is no text that UTF-8 holds, or a number is out of range.
    """
    message = target_pb2.Target()
    try:
        fill_target(message, target)
    except MisfitError as misfit:
        raise misfit.inside("Target").as_codec_error() from misfit.__cause__
    data = message.SerializeToString(deterministic=True)
    encoded = target_pb2.EncodedTarget(sha256=hashlib.sha256(data).digest())
    encoded.data, encoded.compression = compress(data)
    names = [instruction.name for instruction in message.instructions]
    if names != list(target):
        places = {name: place for place, name in enumerate(names)}
        encoded.order.extend(places[name] for name in target)
    return encoded


def decode_target(encoded: target_pb2.EncodedTarget, target_class: type[Target] = Target) -> Target:
    """The Target that a serialised message holds, with its operations in the producer's order.

    Operations and properties of classes that this process cannot have are of
    Qiskit's own classes, with the same names, sizes and attributes.

    Args:
        encoded: the message.
        target_class: the class to make it of.

    Raises:
        CodecError: the data is damaged or contradicts itself; the message gives the
            place.
    """
    try:
        data = decompress(encoded.data, encoded.compression)
        if hashlib.sha256(data).digest() != encoded.sha256:
            raise MisfitError("its bytes do not have the digest that it states")
        try:
            message = target_pb2.Target.FromString(data)
        except DecodeError as error:
            raise MisfitError(f"its bytes are no Target: {error}") from error
        return read_target(message, encoded.order, target_class)
    except MisfitError as misfit:
        raise misfit.inside("Target").as_codec_error() from misfit.__cause__


def fill_target(message: target_pb2.Target, target: Target) -> None:
    """Writes a Target into a message, its operations in the order of their names.

    Raises:
        MisfitError: see :func:`encode_target`.
    """
    try:
        _fill_numbers(message, target)
        if target.qubit_properties is not None:
            message.qubit_properties.SetInParent()
            fill_qubits(message.qubit_properties, target.qubit_properties)
        if target.concurrent_measurements is not None:
            message.concurrent_measurements.SetInParent()
            for group in target.concurrent_measurements:
                message.concurrent_measurements.groups.add(qubits=group)
        _fill_coupling(message, target)
    except (TypeError, ValueError) as error:
        raise MisfitError(str(error)) from error
    bounds = _angle_bounds(target)
    for name in sorted(target, key=lambda name: str(name).encode(errors="surrogatepass")):
        try:
            instruction = message.instructions.add(name=name)
            fill_operation(instruction.operation, target.operation_from_name(name))
            if target[name] is not None:
                fill_sites(instruction.sites, target[name])
            for pair in bounds.get(name, ()):
                bound = instruction.angle_bounds.add()
                if pair is not None:
                    bound.minimum, bound.maximum = pair
        except (TypeError, ValueError) as error:
            raise MisfitError(str(error)).inside(f".{name}") from error


def read_target(
    message: target_pb2.Target, order: Sequence[int] = (), target_class: type[Target] = Target
) -> Target:
    """The Target that a message holds.

    Args:
        message: the message.
        order: places of the operations in the message, in the order in which the
            Target gets them; none for the message's own.
        target_class: the class to make it of.

    Raises:
        MisfitError: see :func:`decode_target`.
    """
    instructions: Sequence[target_pb2.TargetInstruction] = message.instructions
    if order:
        if sorted(order) != list(range(len(instructions))):
            raise MisfitError(f"its order is none of its {len(instructions)} operations")
        instructions = [instructions[place] for place in order]
    target = _empty_target(message, target_class)
    for instruction in instructions:
        try:
            _add_instruction(target, instruction)
        except MisfitError as misfit:
            raise misfit.inside(f".{instruction.name}") from misfit.__cause__
    if message.HasField("coupling"):
        target._coupling_graph = _read_coupling(message.coupling)
    return target


def _fill_numbers(message: target_pb2.Target, target: Target) -> None:
    for name in ("description", "num_qubits", "dt"):
        value = getattr(target, name)
        if value is not None:
            setattr(message, name, value)
    for name in _TIMING:
        setattr(message, name, getattr(target, name))


def _empty_target(message: target_pb2.Target, target_class: type[Target]) -> Target:
    optional = {
        name: getattr(message, name) if message.HasField(name) else None
        for name in ("description", "num_qubits", "dt")
    }
    qubits = groups = None
    if message.HasField("qubit_properties"):
        try:
            qubits = read_qubits(message.qubit_properties)
        except MisfitError as misfit:
            raise misfit.inside(".qubit_properties") from misfit.__cause__
    if message.HasField("concurrent_measurements"):
        groups = [list(group.qubits) for group in message.concurrent_measurements.groups]
    timing = {name: getattr(message, name) for name in _TIMING}
    if qubits is not None and not _NONE_IS_ALLOWED:
        qubits = [QubitProperties() if entry is None else entry for entry in qubits]
    try:
        return target_class(
            **optional, **timing, qubit_properties=qubits, concurrent_measurements=groups
        )
    except (TypeError, ValueError) as error:
        raise MisfitError(str(error)) from error


def _add_instruction(target: Target, message: target_pb2.TargetInstruction) -> None:
    if message.name in target:
        raise MisfitError("it has two operations of this name")
    operation = read_operation(message.operation)
    sites: dict[tuple[int, ...] | None, Any] | None = None
    if message.HasField("sites"):
        try:
            sites = read_sites(message.sites)
        except MisfitError as misfit:
            raise misfit.inside(".sites") from misfit.__cause__
    keywords: dict[str, Any] = {}
    if message.angle_bounds:
        keywords["angle_bounds"] = [
            (bound.minimum, bound.maximum) if bound.HasField("minimum") else None
            for bound in message.angle_bounds
        ]
        from longwire.codecs.angle_wrapping import provide_angle_wrapping

        provide_angle_wrapping(message.operation.name)
    try:
        if isinstance(operation, type):
            target.add_instruction(operation, name=message.name)
        else:
            target.add_instruction(operation, sites, message.name, **keywords)
    except Exception as error:  # Qiskit's native code refuses with errors of several kinds
        raise MisfitError(str(error)) from error
    if sites is None or isinstance(operation, type):
        # What Qiskit put there is another thing than what the producer's Target has.
        target._gate_map[message.name] = sites


def _angle_bounds(target: Target) -> Mapping[str, Sequence[Sequence[float] | None]]:
    """The bounds of each operation that has some; only Qiskit's pickled state tells them."""
    if not target.has_angle_bounds():
        return {}
    operations = target.__getstate__()["base"]["gate_map"]
    return {
        name: kept["angle_bounds"] for name, kept in operations.items() if "angle_bounds" in kept
    }


def _fill_coupling(message: target_pb2.Target, target: Target) -> None:
    """Writes the coupling graph where the Target was given one.

    A Target makes its own when it is first asked, and keeps in its edges which
    operations there are.
    """
    graph = target._coupling_graph
    if graph is None or any(isinstance(kept, dict) for kept in graph.edges()):
        return
    if not graph.num_edges():
        return
    message.coupling.num_qubits = graph.num_nodes()
    for pair in graph.edge_list():
        message.coupling.pairs.extend(pair)


def _read_coupling(message: target_pb2.CouplingGraph) -> Any:
    num_qubits, qubits = message.num_qubits, list(message.pairs)
    if len(qubits) % 2 or any(qubit >= num_qubits for qubit in qubits):
        raise MisfitError(f"its couplings are no pairs of {num_qubits} qubits")
    coupling_map = CouplingMap()
    for qubit in range(num_qubits):
        coupling_map.add_physical_qubit(qubit)
    for pair in zip(qubits[::2], qubits[1::2], strict=True):
        coupling_map.add_edge(*pair)
    return coupling_map.graph
